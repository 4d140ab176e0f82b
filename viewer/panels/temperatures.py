"""How hot the sensors are, now and over time. Pure."""

from __future__ import annotations

import math

from viewer.canvas import Pane, Span
from viewer.cells import fit, width
from viewer.charts import Scale, lines, mark
from viewer.palette import BOLD, SERIES, Role
from viewer.panel import SCALED, backdrop, empty_reason, frame, nothing, panel
from viewer.panels.base import Need, Panel, columns, peak, track
from viewer.scene import Scene
from viewer.world import Host


def need(scene: Scene, host: Host, width: int) -> Need | None:
    """A chart with its legend; nothing for a host without sensors."""
    sensors = len(_sensors(host))
    return Need(4, 6, 7, 1) if sensors else None


def draw(scene: Scene, pane: Pane, host: Host) -> None:
    """Draw the lines of the hottest sensors, and all names that fit."""
    sensors = _sensors(host)
    hottest = sensors[0][1]
    most = _most(scene, host, pane, sensors[0][0])
    facts: list[Span] = [
        (scene.units.temperature(hottest), scene.tone(host, _style(hottest)) | BOLD),
        *peak(most, scene.units.temperature(most)),
        (f"hottest of {len(sensors)}", Role.SOFT),
    ]
    inner = panel(pane, "Temperatures", facts)
    styles = _styles([name for name, _ in sensors[:SERIES]])
    names = short([name for name, _ in sensors])[:SERIES]
    label = min(max(width(name) for name in names), max(8, inner.width // 3))
    marks = {name: mark(place, scene.look.glyphs) for place, name in enumerate(styles)}
    own = 2 if any(marks.values()) else 0
    if inner.width - own - label - 8 < SCALED <= inner.width - label - 8:
        # A scale at the left says more than the end of a name.
        label = max(4, label - own)
    legend = own + label + 7
    for y, (text, (name, value)) in enumerate(zip(names, sensors, strict=False)):
        inner.right(y, scene.units.temperature(value), scene.tone(host, styles[name]))
        inner.put(inner.width - legend, y, marks[name], scene.tone(host, styles[name]))
        inner.put(inner.width - legend + own, y, fit(text, label), scene.tone(host, styles[name]))
    chart = inner.part(0, 0, inner.width - legend - 1, inner.height)
    if chart.width >= 12 and chart.height >= 2:
        _chart(scene, pane, chart, host, styles, hottest)


def _most(scene: Scene, host: Host, pane: Pane, name: str) -> float | None:
    return track(scene, host).most(f"temperature[{name}].celsius", scene.axis(max(1, pane.width)))


def _chart(scene: Scene, pane: Pane, chart: Pane, host: Host, styles: dict[str, int], hottest: float) -> None:
    past = track(scene, host)
    metrics = [f"temperature[{name}].celsius" for name in styles]
    rough = [columns(scene, host, name, scene.axis(chart.width))[0] for name in metrics]
    scale = between([value for values in rough for value in values if value is not None] or [hottest])
    shape = frame(scene, pane, chart, scale, lambda value: scene.units.temperature(value)[:-1])
    backdrop(scene, shape, host.name, *metrics)
    drawn = [columns(scene, host, name, scene.axis(shape.plot.width))[0] for name in metrics]
    rows = lines(drawn, shape.plot.width, shape.plot.height, scale, scene.look.glyphs)
    for y, row in enumerate(rows):
        for x, (text, place) in enumerate(row):
            if place >= 0:
                shape.plot.put(x, y, text, list(styles.values())[place])
    if not any(value is not None for values in drawn for value in values):
        nothing(shape.plot, empty_reason(scene, past))


def between(values: list[float]) -> Scale:
    """A scale from ten to ten degrees that holds all values, 20 degrees high at least."""
    low, high = math.floor(min(values) / 10) * 10.0, math.ceil(max(values) / 10) * 10.0
    return Scale(min(low, high - 20.0), high)


def _styles(names: list[str]) -> dict[str, int]:
    """A colour for each sensor by its name, so that it keeps it when another becomes the hottest."""
    return {name: Role.SERIES0 + place for place, name in enumerate(sorted(names))}


def _sensors(host: Host) -> list[tuple[str, float]]:
    found = [
        (name, value)
        for name, fields in host.instances("temperature").items()
        if (value := fields.get("celsius")) is not None
    ]
    return sorted(found, key=lambda sensor: (-sensor[1], sensor[0]))


def short(names: list[str]) -> list[str]:
    """``coretemp/Package id 0`` without its chip, where the rest is a name and nobody else's."""
    labels = [name.partition("/")[2] for name in names]
    return [
        label if label and not label.isdecimal() and labels.count(label) == 1 else name.replace("/", " ")
        for name, label in zip(names, labels, strict=True)
    ]


def _style(value: float) -> int:
    return Role.DOWN if value >= 90 else Role.WARN if value >= 75 else Role.TEXT


PANEL = Panel("Temperatures", need, draw)
