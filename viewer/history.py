"""What one host's numbers were, in steps of equal length: loaded from the hub, then grown live. Pure.

A step that is both loaded and heard live keeps whichever counted more readings, and the extremes of both: so the
loaded past and the live present meet without a seam, in whichever order they come.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from viewer.axis import Axis

MAX_METRICS = 2000
"""A host that names more is not charted beyond them."""
MAX_DRAWN = 500

Reading = tuple[float, float, float, int]
"""Mean, lowest, highest and how many readings."""
Columns = tuple[Sequence[float | None], Sequence[float | None]]
"""Means and peaks."""


class Strip:
    """One metric: the newest ``size`` steps, numbered from the epoch."""

    __slots__ = ("_counts", "_highs", "_lows", "_sums", "changes", "newest", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.newest = -1
        self.changes = 0
        """Grows with whatever is taken in."""
        zeros = [0.0] * size
        self._sums = array("d", zeros)
        self._lows = array("d", zeros)
        self._highs = array("d", zeros)
        self._counts = array("L", [0] * size)

    def add(self, step: int, value: float) -> None:
        """Take in one live reading."""
        place = self._place(step)
        if place is None:
            return
        if self._counts[place] == 0:
            self._sums[place] = self._lows[place] = self._highs[place] = value
        else:
            self._sums[place] += value
            self._lows[place] = min(self._lows[place], value)
            self._highs[place] = max(self._highs[place], value)
        self._counts[place] += 1

    def load(self, step: int, reading: Reading) -> None:
        """Take in what the hub remembers of a step."""
        place = self._place(step)
        if place is None:
            return
        mean, low, high, count = reading
        known = self._counts[place]
        if known:
            low, high = min(low, self._lows[place]), max(high, self._highs[place])
        if count >= known:
            self._sums[place], self._counts[place] = mean * count, count
        self._lows[place], self._highs[place] = low, high

    def get(self, step: int) -> Reading | None:
        """The readings of a step; None where there are none."""
        if not self.newest - self.size < step <= self.newest:
            return None
        place = step % self.size
        count = self._counts[place]
        return (self._sums[place] / count, self._lows[place], self._highs[place], count) if count else None

    def filled(self, first: int, after: int) -> Iterator[tuple[int, float, float, int]]:
        """Step, sum, highest and count of all readings from the step ``first`` to the one before ``after``."""
        sums, highs, counts, size = self._sums, self._highs, self._counts, self.size
        for step in range(max(first, self.newest - size + 1, 0), min(after, self.newest + 1)):
            place = step % size
            if count := counts[place]:
                yield step, sums[place], highs[place], count

    def _place(self, step: int) -> int | None:
        if step <= self.newest - self.size or step < 0:
            return None
        if step > self.newest:
            for passed in range(max(self.newest + 1, step - self.size + 1), step + 1):
                self._counts[passed % self.size] = 0
            self.newest = step
        self.changes += 1
        return step % self.size


@dataclass(slots=True)
class Track:
    """The strips of one host, ``size`` steps of ``step`` seconds; ``wanted`` says which metrics it keeps."""

    step: int
    size: int
    wanted: Callable[[str], bool]
    loaded: bool = False
    """Whether the hub's memory is in it; False again when something was missed since."""
    failed: str = ""
    """Why it could not be loaded."""
    after: float = math.inf
    """The time from which on readings are not its own (seconds since the epoch)."""
    strips: dict[str, Strip] = field(default_factory=dict)
    _drawn: dict[tuple[str, Axis, float], tuple[int, Columns]] = field(default_factory=dict, repr=False)
    """Columns by what they were asked for, with the strip's changes then: most pictures show them once more."""

    def add(self, at: float, values: Mapping[str, float | None]) -> None:
        """Take in a live sample of the time ``at`` (seconds since the epoch)."""
        step = math.floor(at / self.step)
        for name, value in values.items():
            if value is not None and self.wanted(name) and (strip := self.strip(name)):
                strip.add(step, value)

    def load(self, times: Iterable[float], length: float, columns: Mapping[str, list[Reading | None]]) -> None:
        """Take in an answer: readings of each metric for steps of ``length`` seconds from ``times`` on."""
        begins = [math.floor(at / self.step) for at in times]
        long = max(1, round(length / self.step))
        places = [range(begin, begin + long) for begin in begins]
        for name, readings in columns.items():
            strip = self.strip(name)
            if strip is None:
                continue
            for steps, found in _gathered(zip(places, readings, strict=False)):
                for step in steps:
                    strip.load(step, found)
        self.loaded, self.failed = True, ""

    def strip(self, name: str) -> Strip | None:
        """The strip of a metric, made when first asked for; None when there are too many."""
        found = self.strips.get(name)
        if found is None and len(self.strips) < MAX_METRICS:
            found = self.strips[name] = Strip(self.size)
        return found

    def columns(self, name: str, axis: Axis, join: float) -> Columns:
        """Means and peaks of a metric for each column of ``axis``.

        Readings no more than ``join`` seconds apart are joined by a straight line; a longer silence is a gap.
        """
        strip = self.strips.get(name)
        if strip is None:
            return [None] * axis.count, [None] * axis.count
        changes, known = self._drawn.get((name, axis, join), (-1, None))
        if known is not None and changes == strip.changes:
            return known
        if len(self._drawn) >= MAX_DRAWN:
            self._drawn.clear()
        found = self._spread(strip, axis, max(1, math.floor(join / axis.step)))
        self._drawn[name, axis, join] = strip.changes, found
        return found

    def most(self, name: str, axis: Axis) -> float | None:
        """The highest reading in the window."""
        strip = self.strips.get(name)
        return max((high for _, _, high, _ in strip.filled(*self._steps(axis))), default=None) if strip else None

    def total(self, name: str, axis: Axis) -> float:
        """The sum of the means of the steps in the window."""
        strip = self.strips.get(name)
        return sum(total / count for _, total, _, count in strip.filled(*self._steps(axis))) if strip else 0.0

    def _steps(self, axis: Axis) -> tuple[int, int]:
        return math.floor(axis.start / self.step), math.ceil(axis.end / self.step)

    def _spread(self, strip: Strip, axis: Axis, reach: int) -> Columns:
        sums = [0.0] * axis.count
        counts = [0] * axis.count
        peaks: list[float | None] = [None] * axis.count
        length, start, wide = self.step, axis.start, axis.step
        for step, total, high, count in strip.filled(*self._steps(axis)):
            begin = step * length - start
            first = max(0, math.floor(begin / wide + 1e-6))
            after = math.ceil((begin + length) / wide - 1e-6)
            for column in range(first, min(axis.count, max(first + 1, after))):
                sums[column] += total
                counts[column] += count
                peak = peaks[column]
                peaks[column] = high if peak is None or high > peak else peak
        means = [total / count if count else None for total, count in zip(sums, counts, strict=True)]
        return _joined(means, reach), _joined(peaks, reach)


def _gathered(pairs: Iterable[tuple[range, Reading | None]]) -> Iterable[tuple[range, Reading]]:
    """Neighbouring readings that fall into the same step become one."""
    last: tuple[range, Reading] | None = None
    for steps, reading in pairs:
        if reading is None:
            continue
        if last is not None and last[0].start == steps.start:
            mean, low, high, count = last[1]
            more = reading[3]
            both = (
                (mean * count + reading[0] * more) / max(1, count + more),
                min(low, reading[1]),
                max(high, reading[2]),
                count + more,
            )
            last = (steps, both)
            continue
        if last is not None:
            yield last
        last = (steps, reading)
    if last is not None:
        yield last


def _joined(values: list[float | None], reach: int) -> list[float | None]:
    """Gaps of fewer than ``reach`` columns between two readings, filled by a straight line."""
    before = -1
    for place, value in enumerate(values):
        if value is None:
            continue
        missing = place - before - 1
        if before >= 0 and 0 < missing < reach:
            begin = values[before] or 0.0
            for step in range(1, missing + 1):
                values[before + step] = begin + (value - begin) * step / (missing + 1)
        before = place
    return values
