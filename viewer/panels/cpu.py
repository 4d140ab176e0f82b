"""How busy the processors are: over time, and each of them now. Pure."""

from __future__ import annotations

from viewer.canvas import Pane, Span
from viewer.charts import PERCENT, meter, nice, spark
from viewer.palette import BOLD, Role, heat
from viewer.panel import backdrop, draw_area, empty_reason, frame, nothing, panel
from viewer.panels.base import Need, Panel, columns, peak, track
from viewer.scene import Scene, alarm
from viewer.units import count, number, percent, share
from viewer.world import Host

CORE_WIDTH = 14
"""Columns of one core's bar with its number and percentage."""


def need(scene: Scene, host: Host, width: int) -> Need | None:
    """The chart, and a line of cores where they cannot stand beside it."""
    return Need(5, 6, 9, 3)


def draw(scene: Scene, pane: Pane, host: Host) -> None:
    """Draw the panel."""
    busy = host.value("cpu.percent")
    past = track(scene, host)
    most = past.most("cpu.percent", scene.axis(max(1, pane.width - 7)))
    facts: list[Span] = [(percent(busy), scene.tone(host, alarm(busy, heat((busy or 0) / 100))) | BOLD)]
    facts += peak(most, share(most))
    loads = [host.value(f"load.{span}") for span in ("1m", "5m", "15m")]
    if any(load is not None for load in loads):
        facts.append((f"load {' '.join(number(load) for load in loads)}", scene.tone(host)))
    total = host.value("cpu.count")
    if total:
        facts.append((f"{count(total)} core{'s' if total != 1 else ''}", Role.SOFT))
    for name, word in (("cpu.iowait_percent", "waiting"), ("cpu.steal_percent", "stolen")):
        value = host.value(name)
        if value is not None and value >= 1:
            facts.append((f"{share(value)} {word}", scene.tone(host, alarm(value, warn=20, grave=50))))
    inner = panel(pane, "CPU", facts)
    chart = _cores(scene, inner, host)
    scale = nice(most) if scene.model.own_scale else PERCENT
    shape = frame(scene, pane, chart, scale, share)
    means, peaks = columns(scene, host, "cpu.percent", scene.axis(shape.plot.width))
    backdrop(scene, shape, host.name, "cpu.percent")
    draw_area(scene, shape.plot, means, peaks, scale, lambda height: heat(height * scale.high / 100))
    if not any(value is not None for value in means):
        nothing(shape.plot, empty_reason(scene, past))


def cores(host: Host) -> list[float | None]:
    """The cores' percentages in their order."""
    found = host.instances("cpu")
    named = sorted((int(name), fields) for name, fields in found.items() if name.isdecimal() and len(name) < 6)
    return [fields.get("percent") for _, fields in named if "percent" in fields]


def _cores(scene: Scene, inner: Pane, host: Host) -> Pane:
    """Draw the cores above the chart or at its right, as bars or as signs; returns what is left for the chart."""
    values = cores(host)
    if len(values) < 2 or inner.height < 3:
        return inner
    if inner.width >= 60:
        across = (inner.width + 2) // (CORE_WIDTH + 2)
        rows = -(-len(values) // across)
        if rows <= max(1, inner.height // 5):
            wide = (inner.width + 2) // min(across, len(values)) - 2
            _bars(scene, inner.part(0, 0, inner.width, rows), host, values, wide)
            return inner.part(0, rows, inner.width, inner.height - rows)
        across = -(-len(values) // inner.height)
        side = across * (CORE_WIDTH + 2)
        if side <= inner.width // 3 + 2:
            right = inner.part(inner.width - side + 2, 0, side - 2, inner.height)
            _bars(scene, right, host, values, CORE_WIDTH)
            return inner.part(0, 0, inner.width - side - 1, inner.height)
    return _strip(scene, inner, host, values)


def _strip(scene: Scene, inner: Pane, host: Host, values: list[float | None]) -> Pane:
    room = inner.width - 6
    rows = -(-len(values) // max(1, room))
    if inner.height - rows < 3:
        return inner
    inner.put(0, 0, "cores", Role.SOFT)
    for place, value in enumerate(values):
        text = spark([value], 1, PERCENT, scene.look.glyphs)
        inner.put(6 + place % room, place // room, text, scene.tone(host, heat((value or 0) / 100)))
    return inner.part(0, rows, inner.width, inner.height - rows)


def _bars(scene: Scene, pane: Pane, host: Host, values: list[float | None], wide: int) -> None:
    """Each core as a bar ``wide`` columns long, down the pane and then on to the right."""
    digits = len(str(len(values) - 1))
    for place, value in enumerate(values):
        x, y = place // pane.height * (wide + 2), place % pane.height
        at = pane.put(x, y, f"{place:>{digits}} ", Role.SOFT)
        style = scene.tone(host, heat((value or 0) / 100))
        full, rest = meter(None if value is None else value / 100, wide - digits - 1 - 5)
        at = pane.put(at, y, full, style)
        at = pane.put(at, y, rest, Role.LINE)
        pane.right(y, share(value), scene.tone(host), x=at + 5)


PANEL = Panel("CPU", need, draw)
