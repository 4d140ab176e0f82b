"""What one host's numbers were, in steps of equal length: loaded from the hub, then grown live. Pure.

A step that is both loaded and heard live keeps whichever counted more readings, and the extremes of both: so the
loaded past and the live present meet without a seam, in whichever order they come.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from viewer.axis import Axis

MAX_METRICS = 2000
"""A host that names more is not charted beyond them."""

Reading = tuple[float, float, float, int]
"""Mean, lowest, highest and how many readings."""


class Strip:
    """One metric: the newest ``size`` steps, numbered from the epoch."""

    __slots__ = ("_counts", "_highs", "_lows", "_sums", "newest", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.newest = -1
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

    def _place(self, step: int) -> int | None:
        if step <= self.newest - self.size or step < 0:
            return None
        if step > self.newest:
            for passed in range(max(self.newest + 1, step - self.size + 1), step + 1):
                self._counts[passed % self.size] = 0
            self.newest = step
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
    strips: dict[str, Strip] = field(default_factory=dict)

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

    def columns(self, name: str, axis: Axis, join: float) -> tuple[list[float | None], list[float | None]]:
        """Means and peaks of a metric for each column of ``axis``.

        Readings no more than ``join`` seconds apart are joined by a straight line; a longer silence is a gap.
        """
        sums = [0.0] * axis.count
        counts = [0] * axis.count
        peaks: list[float | None] = [None] * axis.count
        strip = self.strips.get(name)
        if strip is not None:
            self._spread(strip, axis, sums, counts, peaks)
        means = [total / count if count else None for total, count in zip(sums, counts, strict=True)]
        reach = max(1, math.floor(join / axis.step))
        return _joined(means, reach), _joined(peaks, reach)

    def most(self, name: str, axis: Axis) -> float | None:
        """The highest reading in the window."""
        strip = self.strips.get(name)
        if strip is None:
            return None
        steps = range(math.floor(axis.start / self.step), math.ceil(axis.end / self.step))
        return max((found[2] for step in steps if (found := strip.get(step))), default=None)

    def _spread(
        self, strip: Strip, axis: Axis, sums: list[float], counts: list[int], peaks: list[float | None]
    ) -> None:
        for step in range(math.floor(axis.start / self.step), math.ceil(axis.end / self.step)):
            found = strip.get(step)
            if found is None:
                continue
            mean, _, high, count = found
            first = max(0, math.floor((step * self.step - axis.start) / axis.step + 1e-6))
            after = math.ceil(((step + 1) * self.step - axis.start) / axis.step - 1e-6)
            for column in range(first, min(axis.count, max(first + 1, after))):
                sums[column] += mean * count
                counts[column] += count
                peak = peaks[column]
                peaks[column] = high if peak is None or high > peak else peak


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
