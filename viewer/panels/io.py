"""What the disks read and write. Pure."""

from __future__ import annotations

from viewer.canvas import Pane, Span
from viewer.panels.base import Need, Panel, busiest, mirrored, stalled
from viewer.scene import Scene
from viewer.units import milliseconds
from viewer.world import Host

FIELDS = ("read_bytes_per_s", "write_bytes_per_s")


def need(scene: Scene, host: Host, width: int) -> Need | None:
    """A chart."""
    return Need(5, 6, 8, 2) if host.instances("io") else None


def draw(scene: Scene, pane: Pane, host: Host) -> None:
    """Draw the chart of the device that moved most in the window."""
    name = busiest(scene, host, "io", FIELDS, list(host.instances("io")))
    if name is not None:
        metrics = (f"io[{name}].{FIELDS[0]}", f"io[{name}].{FIELDS[1]}")
        mirrored(scene, pane, host, f"Disk {name}", metrics, ("r", "w"), more=_more(scene, host, name))


def _more(scene: Scene, host: Host, name: str) -> list[Span]:
    """How long one transfer takes, and whether tasks are held up by it."""
    wait = host.value(f"io[{name}].wait_seconds")
    took: list[Span] = [] if wait is None else [(f"{milliseconds(wait * 1000)} each", scene.tone(host))]
    return [*took, *stalled(scene, host, "io")]


PANEL = Panel("Disk I/O", need, draw)
