"""Which processes use most of the host. Pure."""

from __future__ import annotations

from viewer.canvas import Pane, Span
from viewer.cells import fit
from viewer.events import Process
from viewer.palette import Role
from viewer.panel import nothing, panel
from viewer.panels.base import Need, Panel
from viewer.scene import Scene
from viewer.table import Column
from viewer.table import draw as draw_table
from viewer.units import count, percent
from viewer.world import Host


def need(scene: Scene, host: Host, width: int) -> Need | None:
    """A line for each process that the host told of."""
    rows = len(host.processes) if host.processes else 0
    return Need(5, 6, 3 + min(max(rows, 3), 15))


def draw(scene: Scene, pane: Pane, host: Host) -> None:
    """Draw the table, the busiest first."""
    facts: list[Span] = []
    for name, word in (("system.processes", "processes"), ("system.processes_running", "running")):
        value = host.value(name)
        if value is not None:
            facts.append((f"{count(value)} {word}", scene.tone(host)))
    inner = panel(pane, "Processes", facts)
    if not host.processes:
        past = scene.model.replay is not None
        nothing(inner, "history keeps no processes" if past else "none told yet" if host.processes is None else "none")
        return
    rows = sorted(host.processes, key=lambda row: (-(row.cpu or 0.0), -(row.memory or 0.0), row.pid))
    tone = scene.tone(host)
    table: list[Column[Process]] = [
        Column("pid", "PID", 7, lambda row, wide: [(str(row.pid)[:7], Role.SOFT)], rank=3),
        Column("name", "NAME", 10, lambda row, wide: [(fit(row.name, wide), tone)], most=40, to_right=False),
        Column(
            "user",
            "USER",
            8,
            lambda row, wide: [(fit(row.user, wide), Role.SOFT)],
            rank=4,
            most=12,
            to_right=False,
        ),
        Column("cpu", "CPU", 5, lambda row, wide: [(percent(row.cpu), tone)], rank=1),
        Column("memory", "MEM", 5, lambda row, wide: [(scene.units.amount(row.memory), tone)], rank=2),
    ]
    draw_table(inner, table, rows)


PANEL = Panel("Processes", need, draw)
