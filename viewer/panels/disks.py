"""How full the filesystems are. Pure."""

from __future__ import annotations

from viewer.canvas import Pane, Span
from viewer.palette import Role
from viewer.panel import Gauge, gauges, panel
from viewer.panels.base import Need, Panel, unseen
from viewer.scene import Scene, alarm
from viewer.units import share
from viewer.world import Host


def need(scene: Scene, host: Host, width: int) -> Need | None:
    """A line for each filesystem."""
    lines = len(_disks(host))
    return Need(3, 2 + min(lines, 3), 2 + min(lines, 24)) if lines else None


def draw(scene: Scene, pane: Pane, host: Host) -> None:
    """Draw the panel, the fullest filesystem first."""
    disks = _disks(host)
    room = max(0, pane.height - 2)
    free = sum(fields.get("free") or 0.0 for _, fields in disks)
    facts: list[Span] = [(f"{scene.units.size(free)} free", scene.tone(host))] if free else []
    for name, fields in sorted(host.instances("raid").items()):
        if fields.get("missing"):
            facts.insert(0, (f"{name} lacks {fields['missing']:.0f}", scene.tone(host, Role.DOWN)))
        elif (done := fields.get("sync_percent")) is not None:
            facts.append((f"{name} {share(done)} synced", scene.tone(host)))
    facts[:0] = _ill(scene, host)
    inner = panel(pane, "Filesystems", facts, foot=unseen(disks, room, "less full not shown"))
    rows = []
    for name, fields in disks[:room]:
        percent = fields.get("percent")
        style = scene.tone(host, alarm(percent, Role.HEAT0 + 2))
        rows.append(Gauge(name, percent, fields.get("used"), fields.get("total"), style))
    gauges(inner, rows, scene.units)


def _ill(scene: Scene, host: Host) -> list[Span]:
    """Which the kernel made read-only, and which met faults."""
    found: list[Span] = []
    for name, fields in sorted(host.instances("disk").items()):
        if fields.get("read_only"):
            found.append((f"{name} read-only", scene.tone(host, Role.DOWN)))
        elif errors := fields.get("errors"):
            found.append((f"{name} {errors:.0f} errors", scene.tone(host, Role.WARN)))
    return found


def _disks(host: Host) -> list[tuple[str, dict[str, float | None]]]:
    found = [(name, fields) for name, fields in host.instances("disk").items() if "percent" in fields]
    return sorted(found, key=lambda disk: (-(disk[1].get("percent") or -1.0), disk[0]))


PANEL = Panel("Filesystems", need, draw)
