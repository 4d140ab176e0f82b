"""How long tasks wait for cores, memory and disks, now and over time. Pure."""

from __future__ import annotations

from viewer.canvas import Pane
from viewer.charts import lines, mark, nice
from viewer.palette import BOLD, Role
from viewer.panel import backdrop, empty_reason, frame, nothing, panel
from viewer.panels.base import Need, Panel, columns, peak, track
from viewer.scene import Scene, alarm
from viewer.units import percent
from viewer.world import Host

_WAITS = {
    "pressure.cpu_percent": ("cores", Role.SERIES0),
    "pressure.memory_percent": ("memory", Role.SERIES0 + 1),
    "pressure.io_percent": ("disks", Role.SERIES0 + 2),
}
"""What tasks wait for: by the metric its name for people, and its colour."""
_LEGEND = len("memory 100.0%")
_LEAST = 10.0
"""Percent that the scale goes to at least: it grows with what it shows, since a host is ill long before 100 %."""


def need(scene: Scene, host: Host, width: int) -> Need | None:
    """A chart with its legend; nothing for a host whose kernel keeps no account of it."""
    return Need(4, 5, 7, 1) if _told(host) else None


def draw(scene: Scene, pane: Pane, host: Host) -> None:
    """Draw a line for each, with its newest value beside it."""
    told = _told(host)
    past = track(scene, host)
    marks = {metric: mark(place, scene.look.glyphs) for place, metric in enumerate(_WAITS)}
    own = 2 if any(marks.values()) else 0
    legend = own + _LEGEND
    line = scene.axis(max(1, pane.width - legend))
    most = max((value for metric, _ in told if (value := past.most(metric, line)) is not None), default=None)
    metric, worst = told[0]
    # Cores that somebody waits for are well used; memory and disks that somebody waits for hold everything up.
    style = Role.TEXT if metric == "pressure.cpu_percent" else alarm(worst, warn=20, grave=50)
    inner = panel(pane, "Pressure", [(percent(worst), scene.tone(host, style) | BOLD), *peak(most, percent(most))])
    for y, (metric, value) in enumerate(told):
        label, style = _WAITS[metric]
        inner.put(inner.width - legend, y, marks[metric], scene.tone(host, style))
        inner.put(inner.width - legend + own, y, label, scene.tone(host, style))
        inner.right(y, percent(value), scene.tone(host, style))
    chart = inner.part(0, 0, inner.width - legend - 1, inner.height)
    if chart.width < 12 or chart.height < 2:
        return
    scale = nice(most, least=1.0 if scene.model.own_scale else _LEAST)
    shape = frame(scene, pane, chart, scale, lambda value: f"{value:.3g}%")
    backdrop(scene, shape, host.name, *_WAITS)
    plot = shape.plot
    drawn = [columns(scene, host, metric, scene.axis(plot.width))[0] for metric in _WAITS]
    styles = [style for _, style in _WAITS.values()]
    for y, row in enumerate(lines(drawn, plot.width, plot.height, scale, scene.look.glyphs)):
        for x, (text, place) in enumerate(row):
            if place >= 0:
                plot.put(x, y, text, styles[place])
    if not any(value is not None for values in drawn for value in values):
        nothing(plot, empty_reason(scene, past))


def _told(host: Host) -> list[tuple[str, float | None]]:
    """The metrics that the host has, that for which tasks wait longest first."""
    found = [(metric, host.value(metric)) for metric in _WAITS if metric in host.values]
    return sorted(found, key=lambda one: -(one[1] or 0.0))


PANEL = Panel("Pressure", need, draw)
