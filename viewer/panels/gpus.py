"""How busy graphics processors are. Pure."""

from __future__ import annotations

from viewer.canvas import Pane
from viewer.palette import Role
from viewer.panel import Gauge, gauges, panel
from viewer.panels.base import Need, Panel, unseen
from viewer.scene import Scene
from viewer.world import Host


def need(scene: Scene, host: Host, width: int) -> Need | None:
    """Two lines for each; nothing for a host that tells of none."""
    rows = len(_gauges(scene, host))
    return Need(3, 2 + min(rows, 2), 2 + min(rows, 16)) if rows else None


def draw(scene: Scene, pane: Pane, host: Host) -> None:
    """Draw how busy each is, and below it how full its memory."""
    rows = _gauges(scene, host)
    room = max(0, pane.height - 2)
    inner = panel(pane, "GPU", foot=unseen(rows, room))
    gauges(inner, rows[:room], scene.units)


def _gauges(scene: Scene, host: Host) -> list[Gauge]:
    found = []
    for name, fields in sorted(host.instances("gpu").items()):
        used, full = fields.get("memory_bytes"), fields.get("memory_percent")
        found.append(Gauge(name, fields.get("percent"), None, None, scene.tone(host, Role.SERIES0)))
        if full is not None:
            total = None if used is None or not full else 100 * used / full
            found.append(Gauge(f"{name} memory", full, used, total, scene.tone(host, Role.MEMORY)))
    return found


PANEL = Panel("GPU", need, draw)
