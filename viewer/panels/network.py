"""What the network interfaces receive and send. Pure."""

from __future__ import annotations

from viewer.canvas import Pane, Span
from viewer.digest import is_virtual
from viewer.palette import Role
from viewer.panels.base import Need, Panel, busiest, mirrored
from viewer.scene import Scene
from viewer.world import Host

FIELDS = ("rx_bytes_per_s", "tx_bytes_per_s")


def need(scene: Scene, host: Host, width: int) -> Need | None:
    """A chart."""
    return Need(5, 6, 8, 2) if host.instances("net") else None


def draw(scene: Scene, pane: Pane, host: Host) -> None:
    """Draw the chart of the interface that moved most in the window; the others' sum is not mixed into it."""
    names = list(host.instances("net"))
    real = [name for name in names if not is_virtual(name)]
    name = busiest(scene, host, "net", FIELDS, real or names)
    if name is not None:
        metrics = (f"net[{name}].{FIELDS[0]}", f"net[{name}].{FIELDS[1]}")
        mirrored(scene, pane, host, f"Net {name}", metrics, ("↓", "↑"), network=True, more=_broken(scene, host))


def _broken(scene: Scene, host: Host) -> list[Span]:
    """Bonds that lack an interface."""
    return [
        (f"{name} lacks {fields['missing']:.0f}", scene.tone(host, Role.DOWN))
        for name, fields in sorted(host.instances("bond").items())
        if fields.get("missing")
    ]


PANEL = Panel("Network", need, draw)
