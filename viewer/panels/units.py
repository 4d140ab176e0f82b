"""What a host's named services and containers take. Pure."""

from __future__ import annotations

from typing import NamedTuple

from viewer.canvas import Pane, Span
from viewer.cells import fit
from viewer.palette import Role
from viewer.panel import panel
from viewer.panels.base import Need, Panel, unseen
from viewer.scene import Scene
from viewer.table import Column
from viewer.table import draw as draw_table
from viewer.units import count, percent
from viewer.world import Host


class Unit(NamedTuple):
    """A service or container, and what its processes take together."""

    name: str
    cpu: float | None
    memory: float | None
    processes: float | None
    stopped: bool


def need(scene: Scene, host: Host, width: int) -> Need | None:
    """A line for each; nothing for a host whose agent was not told any."""
    rows = len(_units(host))
    return Need(4, 3 + min(rows, 3), 3 + min(rows, 15)) if rows else None


def draw(scene: Scene, pane: Pane, host: Host) -> None:
    """Draw the table: first those that should run and do not, then the busiest."""
    units = _units(host)
    inner = panel(
        pane,
        "Units",
        [(f"{len(units)} units", scene.tone(host))] if len(units) > 1 else (),
        foot=unseen(units, pane.height - 3, "less busy not shown"),
    )
    tone = scene.tone(host)
    table: list[Column[Unit]] = [
        Column("name", "UNIT", 10, lambda row, wide: [_name(scene, host, row, wide)], most=60, to_right=False),
        Column("cpu", "CPU", 5, lambda row, wide: [(percent(row.cpu), tone)], rank=1),
        Column("memory", "MEM", 5, lambda row, wide: [(scene.units.amount(row.memory), tone)], rank=2),
        Column("processes", "TASKS", 5, lambda row, wide: [(count(row.processes), Role.SOFT)], rank=3),
    ]
    draw_table(inner, table, units)


def _name(scene: Scene, host: Host, row: Unit, wide: int) -> Span:
    text = f"{row.name} is stopped" if row.stopped else row.name
    return fit(text, wide), scene.tone(host, Role.DOWN if row.stopped else Role.TEXT)


def _units(host: Host) -> list[Unit]:
    found = [
        Unit(
            name,
            fields.get("cpu_percent"),
            fields.get("memory_bytes"),
            fields.get("processes"),
            fields.get("running") == 0.0,
        )
        for name, fields in host.instances("unit").items()
    ]
    return sorted(found, key=lambda unit: (not unit.stopped, -(unit.cpu or 0.0), -(unit.memory or 0.0), unit.name))


PANEL = Panel("Units", need, draw)
