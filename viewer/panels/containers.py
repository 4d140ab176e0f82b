"""A host's containers: how each is, and what it takes. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from viewer.canvas import Pane, Span
from viewer.cells import fit
from viewer.palette import Role
from viewer.panel import panel
from viewer.panels.base import Need, Panel, unseen
from viewer.scene import Scene
from viewer.table import Column
from viewer.table import draw as draw_table
from viewer.units import percent
from viewer.world import Host

Fields = Mapping[str, float | None]
Row = tuple[str, Fields]


def need(scene: Scene, host: Host, width: int) -> Need | None:
    """A line for each; nothing for a host whose agent was not told any."""
    rows = len(host.instances("container"))
    return Need(4, 3 + min(rows, 3), 3 + min(rows, 15)) if rows else None


def draw(scene: Scene, pane: Pane, host: Host) -> None:
    """Draw the table: first what is unwell, then the busiest, last what ended."""
    rows = sorted(host.instances("container").items(), key=_rank)
    running = sum(1 for _, fields in rows if fields.get("running"))
    tone = scene.tone(host)
    inner = panel(pane, "Containers", [(f"{running} of {len(rows)} running", tone)], foot=unseen(rows, pane.height - 3))
    table: list[Column[Row]] = [
        Column("name", "CONTAINER", 10, lambda row, wide: [(fit(row[0], wide), tone)], most=60, to_right=False),
        Column("state", "STATE", 10, lambda row, wide: [_state(scene, host, row[1], wide)], rank=1, to_right=False),
        Column("cpu", "CPU", 5, lambda row, wide: [(percent(row[1].get("cpu_percent")), tone)], rank=2),
        Column("memory", "MEM", 5, lambda row, wide: [(scene.units.amount(row[1].get("memory_bytes")), tone)], rank=3),
        Column("net", "NET", 10, lambda row, wide: [(scene.units.rate(_moved(row[1]), network=True), tone)], rank=4),
    ]
    draw_table(inner, table, rows)


def _state(scene: Scene, host: Host, fields: Fields, wide: int) -> Span:
    word = state(fields)
    role = Role.DOWN if unwell(fields) else Role.UP if fields.get("running") else Role.SOFT
    return fit(word, wide), scene.tone(host, role)


def state(fields: Fields) -> str:
    """How a container is, in a word or two."""
    if fields.get("restarting"):
        return "restarting"
    if not fields.get("running"):
        code = fields.get("exit_code")
        return "stopped" if code is None else f"exit {code:.0f}"
    return {None: "running", 0.0: "unhealthy"}.get(fields.get("healthy"), "healthy")


def unwell(fields: Fields) -> bool:
    """Whether it waits to be started again, or its own health check fails."""
    return bool(fields.get("restarting")) or fields.get("healthy") == 0.0


def _moved(fields: Fields) -> float | None:
    received, sent = fields.get("rx_bytes_per_s"), fields.get("tx_bytes_per_s")
    return None if received is None or sent is None else received + sent


def _rank(row: Row) -> tuple[bool, bool, float, str]:
    name, fields = row
    return not unwell(fields), not fields.get("running"), -(fields.get("cpu_percent") or 0.0), name


PANEL = Panel("Containers", need, draw)
