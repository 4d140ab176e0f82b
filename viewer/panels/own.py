"""What a host's plugins and scrapes tell: the readings that its agent does not measure by itself. Pure."""

from __future__ import annotations

from bus.units import unit
from viewer.canvas import Pane
from viewer.cells import fit, width
from viewer.digest import parts
from viewer.palette import Role
from viewer.panel import panel
from viewer.panels.base import Need, Panel, unseen
from viewer.scene import Scene
from viewer.units import NOTHING, age, number, percent
from viewer.world import Host

AGENTS = frozenset(
    (
        "agent",
        "battery",
        "bond",
        "clock",
        "conntrack",
        "container",
        "cpu",
        "disk",
        "ecc",
        "fan",
        "gpu",
        "io",
        "load",
        "memory",
        "metric",
        "net",
    )
) | {
    *("pressure", "raid", "spool", "swap", "system", "tcp", "temperature", "unit"),
}
"""The groups that agents tell by themselves."""


def need(scene: Scene, host: Host, width: int) -> Need | None:
    """A line for each; nothing for a host without such readings."""
    rows = len(_readings(host))
    return Need(3, 2 + min(rows, 3), 2 + min(rows, 20)) if rows else None


def draw(scene: Scene, pane: Pane, host: Host) -> None:
    """Draw the lines, by name."""
    readings = _readings(host)
    room = max(0, pane.height - 2)
    inner = panel(pane, "Plugins and scrapes" if _scrapes(host) else "Plugins", foot=unseen(readings, room))
    for y, (label, name, value) in enumerate(readings[:room]):
        text = told(scene, name, value)
        inner.put(0, y, fit(label, max(0, inner.width - width(text) - 1)), Role.SOFT)
        inner.right(y, text, scene.tone(host))


def told(scene: Scene, name: str, value: float | None) -> str:
    """A reading with its unit, as its name tells it."""
    if value is None:
        return NOTHING
    match unit(name):
        case "percent":
            return percent(value)
        case "bytes":
            return scene.units.size(value)
        case "bytes/s":
            return scene.units.rate(value)
        case "1/s":
            return f"{number(value)}/s"
        case "seconds":
            return age(value) if value >= 60 else f"{number(value)} s"
        case "celsius":
            return scene.units.temperature(value)
        case other:
            return f"{number(value)} {other}".rstrip()


def _readings(host: Host) -> list[tuple[str, str, float | None]]:
    """(label, name, value) of each, by label: ``plugin[mail].queued`` is called ``mail queued``.

    What scrapes tell stands last: of it there is much.
    """
    found, scrapes = [], _scrapes(host)
    for name, value in host.values.items():
        group, instance, field = parts(name)
        if group not in AGENTS:
            label = f"{instance} {field}" if group == "plugin" and instance else name
            found.append((group in scrapes, label, name, value))
    return [(label, name, value) for _, label, name, value in sorted(found, key=lambda one: one[:3])]


def _scrapes(host: Host) -> frozenset[str]:
    """The names of the host's scrapes, which are the groups of what they tell."""
    return frozenset(parts(name)[1] for name in host.values if name.startswith("scrape["))


PANEL = Panel("Plugins", need, draw)
