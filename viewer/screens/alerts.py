"""What fires now, and what the alarms did since this program began. Pure."""

from __future__ import annotations

from viewer.axis import local
from viewer.canvas import Pane, Span
from viewer.cells import fit
from viewer.events import AlertTold
from viewer.palette import BOLD, Role
from viewer.panel import nothing, panel
from viewer.scene import Scene
from viewer.table import Column
from viewer.table import draw as draw_table
from viewer.units import age, number

_SEVERITY = {"critical": Role.DOWN, "warning": Role.WARN, "info": Role.ACCENT}
_SIGNS = {"firing": "▼", "pending": "◇", "clearing": "◇", "quiet": "●", "resolved": "●"}


def draw(scene: Scene, pane: Pane) -> None:
    """Draw the screen."""
    firing = scene.model.world.firing()
    high = min(len(firing) + 3, max(5, pane.height // 2)) if firing else 3
    high = min(high, pane.height)
    facts: list[Span] = [(f"{len(firing)} firing", Role.DOWN | BOLD)] if firing else []
    inner = panel(pane.part(0, 0, pane.width, high), "Firing now", facts)
    if firing:
        draw_table(inner, _columns(scene), firing)
    else:
        nothing(inner, "nothing fires" if scene.model.world.link.state == "live" else "unknown: not connected")
    _timeline(scene, pane.part(0, high, pane.width, pane.height - high))


def _timeline(scene: Scene, pane: Pane) -> None:
    told = list(reversed(scene.model.world.alerts))
    page = max(1, pane.height - 3)
    scene.scrolled = top = max(0, min(scene.model.scroll, len(told) - page))
    foot: list[Span] = [(f"{top + 1}–{min(top + page, len(told))} of {len(told)}", Role.SOFT)] if told else []
    inner = panel(pane, "Changes", [("newest first, since this viewer began", Role.SOFT)], foot=foot)
    if told:
        draw_table(inner, _columns(scene), told[top : top + page])
    else:
        nothing(inner, "no alarm has changed")


def _columns(scene: Scene) -> list[Column[AlertTold]]:
    def moment(alert: AlertTold, wide: int) -> list[Span]:
        return [(local(alert.at, scene.look.zone).strftime("%d %b %H:%M:%S"), Role.SOFT)]

    def state(alert: AlertTold, wide: int) -> list[Span]:
        style = _SEVERITY.get(alert.severity, Role.WARN) if alert.state == "firing" else Role.SOFT
        return [(f"{_SIGNS.get(alert.state, '○')} {fit(alert.state, wide - 2)}", style | BOLD)]

    def since(alert: AlertTold, wide: int) -> list[Span]:
        return [(age(None if alert.started is None else scene.hub_time - alert.started), Role.TEXT)]

    def value(alert: AlertTold, wide: int) -> list[Span]:
        return [(number(alert.value), Role.TEXT)]

    return [
        Column("at", "TIME", 15, moment, rank=3, to_right=False),
        Column("state", "STATE", 10, state, to_right=False),
        Column("severity", "SEVERITY", 8, lambda a, wide: [(fit(a.severity, wide), Role.TEXT)], 4, to_right=False),
        Column("subject", "SUBJECT", 8, lambda a, wide: [(fit(a.subject, wide), BOLD)], most=24, to_right=False),
        Column("rule", "RULE", 8, lambda a, wide: [(fit(a.rule, wide), Role.TEXT)], 1, most=24, to_right=False),
        Column("value", "VALUE", 5, value, rank=5),
        Column("since", "FOR", 5, since, rank=5),
        Column("reason", "WHY", 10, lambda a, wide: [(fit(a.reason, wide), Role.SOFT)], 2, most=80, to_right=False),
    ]
