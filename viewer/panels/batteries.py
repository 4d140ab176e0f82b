"""How full a host's batteries are. Pure."""

from __future__ import annotations

from viewer.canvas import Pane, Span
from viewer.palette import Role
from viewer.panel import Gauge, gauges, panel
from viewer.panels.base import Need, Panel
from viewer.scene import Scene
from viewer.world import Host

_LOW = 20.0
"""Percent below which it will not be long."""


def need(scene: Scene, host: Host, width: int) -> Need | None:
    """A line for each; nothing for a host without."""
    rows = len(host.instances("battery"))
    return Need(3, 2 + min(rows, 2), 2 + min(rows, 8)) if rows else None


def draw(scene: Scene, pane: Pane, host: Host) -> None:
    """Draw how full each is, and say whether the host runs on them."""
    batteries = sorted(host.instances("battery").items())
    used = any(fields.get("discharging") for _, fields in batteries)
    facts: list[Span] = [("mains are gone", scene.tone(host, Role.DOWN))] if used else []
    inner = panel(pane, "Batteries", facts)
    rows = []
    for name, fields in batteries[: inner.height]:
        left = fields.get("percent")
        low = left is not None and left < _LOW
        rows.append(Gauge(name, left, None, None, scene.tone(host, Role.DOWN if low else Role.MEMORY)))
    gauges(inner, rows, scene.units)


PANEL = Panel("Batteries", need, draw)
