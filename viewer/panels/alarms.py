"""What burns on the host at the moment that is shown. Pure."""

from __future__ import annotations

from viewer.canvas import Pane, Span
from viewer.cells import fit
from viewer.incidents import Incident
from viewer.palette import BOLD, Role
from viewer.panel import panel
from viewer.panels.base import Need, Panel
from viewer.scene import Scene
from viewer.units import age
from viewer.world import Host

MOST = 4
_STYLES = {"critical": Role.DOWN, "warning": Role.WARN, "info": Role.ACCENT}


def need(scene: Scene, host: Host, width: int) -> Need | None:
    """A line for each, up to a few; nothing where nothing burns."""
    lines = min(len(burning(scene, host)), MOST)
    return Need(2 + lines, 2 + lines, 2 + lines) if lines else None


def burning(scene: Scene, host: Host) -> list[Incident]:
    """The alarms on the host, the worst first."""
    return [one for one in scene.firing() if one.subject == host.name]


def draw(scene: Scene, pane: Pane, host: Host) -> None:
    """Draw them: since when, which rule, why, and who cares for it."""
    found = burning(scene, host)
    room = max(0, pane.height - 2)
    hidden = len(found) - room
    foot: list[Span] = [(f"{hidden} more", Role.WARN)] if hidden > 0 else []
    known = sum(bool(one.owner) for one in found)
    facts: list[Span] = [(f"▼ {len(found)} firing", Role.DOWN | BOLD)]
    if scene.unread:
        facts.append(("not read now", Role.WARN))
    if known:
        facts.append((f"{known} acknowledged", Role.SOFT))
    inner = panel(pane, "Alarms", facts, foot=foot)
    for y, one in enumerate(found[:room]):
        style = _STYLES.get(one.severity, Role.WARN)
        x = inner.put(0, y, f"▼ {age(scene.hub_time - one.began):>5} ", style | BOLD)
        x = inner.put(x, y, fit(one.rule, max(8, inner.width // 3)), BOLD) + 1
        text = one.reason + (f" ({one.owner} cares)" if one.owner else "")
        if inner.width - x >= 8 and text:
            inner.put(x, y, fit(text, inner.width - x), Role.TEXT)


PANEL = Panel("Alarms", need, draw)
