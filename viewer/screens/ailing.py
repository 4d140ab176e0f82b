"""The services, those that are not well first, with what their last check found. Pure."""

from __future__ import annotations

import heapq

from viewer.canvas import Pane, Span
from viewer.cells import fit
from viewer.palette import BOLD, Role
from viewer.panel import panel
from viewer.replay import NOT_READ
from viewer.scene import Scene
from viewer.screens.alerts import longest
from viewer.screens.services import checked, state
from viewer.table import Column, rows_in
from viewer.table import draw as draw_table
from viewer.units import milliseconds
from viewer.world import ORDER, Service


def draw(scene: Scene, pane: Pane) -> None:
    """Draw as many as fit."""
    services = scene.model.world.services.values()
    page = rows_in(pane.height - 2)
    ill = sum(one.state != "up" for one in services)
    facts: list[Span] = [(f"{ill} not up", Role.WARN | BOLD) if ill else ("all up", Role.UP)]
    if unread := sum(one.state == NOT_READ for one in services):
        facts = [(f"{unread} not read", Role.SOFT)]
    facts = scene.as_of() or facts
    tone = Role.TEXT if scene.live else Role.STALE
    more = len(services) - page
    inner = panel(pane, "Services", facts, foot=[(f"{more} more on Services", Role.SOFT)] if more > 0 else [])
    rows = heapq.nsmallest(page, services, key=lambda one: (_weight(one.state), one.name))
    columns: list[Column[Service]] = [
        Column("state", "STATE", 10 if scene.live else 11, state(scene), to_right=False),
        Column("name", "SERVICE", 8, _name, most=longest(lambda one: one.name, rows, 40), to_right=False),
        Column("response", "RESPONSE", 8, lambda one, wide: [(milliseconds(one.response_ms), tone)], 1),
        Column("checked", "CHECKED", 7, checked(scene), 2),
        Column("found", "WHAT", 12, _found, 3, most=120, to_right=False),
    ]
    draw_table(inner, columns, rows)


def _weight(state: str) -> int:
    return ORDER.index(state) if state in ORDER else ORDER.index("unknown")


def _name(one: Service, wide: int) -> list[Span]:
    return [(fit(one.name, wide), BOLD)]


def _found(one: Service, wide: int) -> list[Span]:
    soft = not one.why or one.state == "unknown"
    return [(fit(one.why or one.url, wide), Role.SOFT if soft else Role.DOWN)]
