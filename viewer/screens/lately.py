"""What fired and is over, the last to end first. Pure."""

from __future__ import annotations

from viewer.canvas import Pane, Span
from viewer.cells import fit
from viewer.incidents import Incident
from viewer.palette import Role
from viewer.panel import nothing, panel
from viewer.scene import Scene
from viewer.screens.alerts import longest
from viewer.table import Column, rows_in
from viewer.table import draw as draw_table
from viewer.units import age


def draw(scene: Scene, pane: Pane) -> None:
    """Draw as many as fit."""
    inner = panel(pane, "Recent incidents")
    rows = scene.model.alarms.over(scene.hub_time)[: rows_in(inner.height)]
    if not rows:
        nothing(inner, "no recent incidents")
        return
    now = scene.hub_time
    subject, rule = longest(lambda one: one.about, rows, 30), longest(lambda one: one.rule, rows, 30)
    columns: list[Column[Incident]] = [
        Column("ended", "ENDED", 5, lambda one, wide: [(age(now - (one.ended or now)), Role.SOFT)]),
        Column("about", "ABOUT", 8, lambda one, wide: _word(one.about, wide), most=subject, to_right=False, first=True),
        Column("rule", "RULE", 8, lambda one, wide: _word(one.rule, wide), 1, rule, False, True),
        Column("lasted", "FOR", 5, lambda one, wide: [(age(_lasted(one)), Role.SOFT)], 2),
        Column("why", "WHY", 12, lambda one, wide: _word(one.reason, wide), 3, most=120, to_right=False),
    ]
    draw_table(inner, columns, rows)


def _word(text: str, wide: int) -> list[Span]:
    return [(fit(text, wide), Role.SOFT)]


def _lasted(one: Incident) -> float | None:
    return None if one.ended is None or one.started is None else one.ended - one.started
