"""Frames with a title, charts and gauges inside them. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from viewer.axis import labels
from viewer.canvas import Pane, Span
from viewer.cells import fit, fit_end, width, wrapped
from viewer.charts import Scale, Values, area, meter
from viewer.history import Track
from viewer.limits import Limit, limits, spans
from viewer.palette import BOLD, Role
from viewer.scene import Scene
from viewer.units import Units, share

LABELS = 5
"""Columns for the scale at the left of a chart, at least."""
SCALED = 18
"""Columns from which a chart has one."""

NARROW = 8
"""Columns below which nothing can be said in words."""

Colour = Callable[[float], int]
"""The style for a height in the chart, 0 to 1."""


def panel(pane: Pane, title: str, facts: Sequence[Span] = (), *, foot: Sequence[Span] = ()) -> Pane:
    """Draw a frame; returns the pane inside it.

    ``facts`` stand at the right of the upper edge, ``foot`` at the right of the lower one; those that do not fit
    are left out whole, the last ones first.
    """
    wide, high = pane.width, pane.height
    if wide < 4 or high < 2:
        return pane.part(0, 0, 0, 0)
    edge = "─" * (wide - 2)
    pane.put(0, 0, f"╭{edge}╮", Role.LINE)
    pane.put(0, high - 1, f"╰{edge}╯", Role.LINE)
    for y in range(1, high - 1):
        pane.put(0, y, "│", Role.LINE)
        pane.put(wide - 1, y, "│", Role.LINE)
    begin = 2
    if title:
        begin = pane.put(2, 0, f" {fit(title, max(0, wide - 6))} ", Role.TITLE | BOLD)
    _edge(pane, 0, facts, begin)
    _edge(pane, high - 1, foot, 2)
    return pane.part(1, 1, wide - 2, high - 2)


def _edge(pane: Pane, y: int, spans: Sequence[Span], begin: int) -> None:
    kept: list[Span] = []
    room = pane.width - 2 - begin
    for text, style in spans:
        room -= width(text) + 3
        if room < 0:
            break
        kept.append((f" {text} ", style))
    x = pane.width - 1 - sum(width(text) + 1 for text, _ in kept)
    for text, style in kept:
        x = pane.put(x, y, text, style) + 1


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a chart stands: its dots, and the frame around it that carries the times."""

    plot: Pane
    outer: Pane
    scale: Scale
    text: Callable[[float], str]
    kept: tuple[int, ...] = ()
    """Rows whose label at the left stays, even where a limit is drawn."""


def frame(scene: Scene, outer: Pane, inner: Pane, scale: Scale, text: Callable[[float], str]) -> Frame:
    """Lay out a chart inside ``inner``: the scale at its left, the times in the lower edge of ``outer``."""
    middle = text((scale.high + scale.low) / 2)
    shift = max(LABELS, width(text(scale.high)) + 1, width(middle) + 1) if inner.width >= SCALED else 0
    plot = inner.part(shift, 0, inner.width - shift, inner.height)
    if shift and inner.height:
        inner.right(0, text(scale.high), Role.SOFT, x=shift - 1)
        inner.right(inner.height - 1, text(scale.low), Role.SOFT, x=shift - 1)
        if inner.height >= 5 and inner.height % 2:
            inner.right(inner.height // 2, middle, Role.SOFT, x=shift - 1)
    times(scene, outer, plot)
    return Frame(plot, outer, scale, text, (inner.height - 1,))


def times(scene: Scene, outer: Pane, plot: Pane) -> None:
    """Write round local times into the lower edge of ``outer``, each under its place in ``plot``."""
    if plot.width <= 0:
        return
    line = scene.axis(plot.width)
    left = plot.left - outer.left
    for first, text in labels(line.start, line.end, plot.width, scene.look.zone):
        # Times are the hub's; the person reads them on their own clock, which may differ.
        outer.put(left + first, outer.height - 1, text, Role.SOFT)


def draw_area(
    scene: Scene, plot: Pane, means: Values, peaks: Values, scale: Scale, colour: Colour, *, hang: bool = False
) -> None:
    """Draw an area; where it is empty the pane keeps what it shows."""
    rows = area(means, plot.width, plot.height, scale, scene.look.glyphs, peaks=peaks, hang=hang)
    for y, row in enumerate(rows):
        height = (y if hang else plot.height - 1 - y) + 0.5
        style = colour(height / max(1, plot.height))
        for x, text in _pieces(row):
            plot.put(x, y, text, style)


def backdrop(scene: Scene, shape: Frame, host: str, *metrics: str, hang: bool = False) -> None:
    """Draw what rules have to say of a chart, under whatever is drawn later: firing spans, and lines at limits."""
    alarms = scene.model.alarms
    incidents = {one.key: one for one in (*alarms.past, *alarms.standing) if one.subject == host}.values()
    shade(scene, shape.plot, spans(incidents, alarms.rules.values(), host, metrics))
    for limit in {limit for metric in metrics for limit in limits(alarms.rules.values(), host, metric)}:
        threshold(shape, limit, hang=hang)


def shade(scene: Scene, plot: Pane, burned: Sequence[tuple[float, float | None]]) -> None:
    """Fill the columns in which alarms fired; a span without an end goes on."""
    line = scene.axis(max(1, plot.width))
    each = line.count / max(1, plot.width)
    for begin, end in burned:
        first = math.floor(line.column(begin) / each)
        last = plot.width - 1 if end is None else math.floor(line.column(end) / each)
        first, last = max(0, first), min(plot.width - 1, last)
        for y in range(plot.height if first <= last else 0):
            plot.put(first, y, "░" * (last - first + 1), Role.FIRING)


def threshold(shape: Frame, limit: Limit, *, hang: bool = False) -> None:
    """Draw a line at a limit, with its value at the left where there is room."""
    plot, scale = shape.plot, shape.scale
    if plot.height < 4 or not scale.low < limit.value < scale.high:
        return
    rows = int(scale.fraction(limit.value) * plot.height)
    y = rows if hang else plot.height - 1 - rows
    style = Role.DOWN if limit.severity == "critical" else Role.WARN
    plot.put(0, y, "╌" * plot.width, style)
    margin = plot.left - shape.outer.left - 2
    # A label of the scale beside the line would tell another limit than there is: the line's own takes its place.
    if y not in shape.kept and margin >= 4:
        text = shape.text(limit.value)
        if width(text) <= margin:
            shape.outer.put(plot.left - shape.outer.left - 1 - margin, plot.top - shape.outer.top + y, " " * margin)
            shape.outer.put(plot.left - shape.outer.left - 1 - width(text), plot.top - shape.outer.top + y, text, style)


def nothing(pane: Pane, text: str) -> None:
    """Say in the middle why a chart or a list is empty, in several lines where it is narrow."""
    if pane.height <= 0 or pane.width < NARROW:
        return
    lines = wrapped(text, pane.width)[: pane.height]
    for y, line in enumerate(lines, start=(pane.height - len(lines)) // 2):
        pane.centre(y, line, Role.SOFT)


def empty_reason(scene: Scene, past: Track) -> str:
    """Why there is nothing to see."""
    if past.loaded:
        return f"nothing in these {scene.model.window.name}"
    if past.failed:
        return "history could not be read"
    return "no history yet" if scene.model.world.link.state == "live" else "no history: the hub is away"


@dataclass(frozen=True, slots=True)
class Gauge:
    """A line: what, how much of the whole in percent, and the bytes used and in all, where they are known."""

    label: str
    percent: float | None
    used: float | None
    total: float | None
    style: int

    @property
    def sized(self) -> bool:
        """Whether there is anything to say in bytes."""
        return self.used is not None or self.total is not None


def gauges(pane: Pane, rows: Sequence[Gauge], units: Units) -> None:
    """Draw lines with bars of one length, which shrink before the bytes are left out."""
    label = min(max((width(row.label) for row in rows), default=0), max(4, pane.width // 3))
    bar = pane.width - label - 1 - 5
    texts = [""] * len(rows)
    for words in (
        [units.of(row.used, row.total) if row.sized else "" for row in rows],
        [units.of_short(row.used, row.total) if row.sized else "" for row in rows],
    ):
        room = max((width(text) for text in words), default=0) + 2
        if bar - room >= 5:
            bar, texts = bar - room, words
            break
    for y, (row, text) in enumerate(zip(rows, texts, strict=True)):
        pane.put(0, y, fit_end(row.label, label), Role.SOFT)
        full, rest = meter(None if row.percent is None else row.percent / 100, max(0, bar))
        x = pane.put(label + 1, y, full, row.style)
        x = pane.put(x, y, rest, Role.LINE)
        pane.right(y, share(row.percent), Role.SOFT if row.percent is None else row.style | BOLD, x=x + 5)
        pane.right(y, text, Role.STALE if row.style == Role.STALE else Role.TEXT)


def one(style: int) -> Colour:
    """The same colour at every height."""
    return lambda height: style


def _pieces(row: str) -> list[tuple[int, str]]:
    """The stretches of a row that are not blank."""
    found: list[tuple[int, str]] = []
    begin = -1
    for x, character in enumerate(row):
        if character != " " and begin < 0:
            begin = x
        elif character == " " and begin >= 0:
            found.append((begin, row[begin:x]))
            begin = -1
    if begin >= 0:
        found.append((begin, row[begin:]))
    return found
