"""The recent past of one metric, and what it tells: mean, extremes, change, forecast. Pure.

Readings of one step (a 60th of the window) are kept together, so that a window of days is no larger than one of
minutes. Nothing is told before the past covers half of the window.
"""

from __future__ import annotations

import math
from array import array

STEPS = 60
_FIRST_AT, _LAST_AT, _SUM, _COUNT, _MIN, _MAX, _FIRST, _LAST = range(8)
_WIDTH = 8
NAN = math.nan


class Window:
    """The readings of the last ``seconds``."""

    __slots__ = ("_line", "_rows", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._rows = array("d")
        self._line: tuple[float, float, float] | None = None
        """The line through the past when the newest step began: its slope, and a time and the value there."""

    def add(self, at: float, value: float) -> None:
        """Take a reading of time ``at`` (s); readings come in order, an earlier one is left out."""
        rows = self._rows
        if rows:
            newest = len(rows) - _WIDTH
            if at < rows[newest + _LAST_AT]:
                return
            if at - rows[newest + _FIRST_AT] < self.seconds / STEPS:
                rows[newest + _LAST_AT] = at
                rows[newest + _SUM] += value
                rows[newest + _COUNT] += 1
                rows[newest + _MIN] = min(rows[newest + _MIN], value)
                rows[newest + _MAX] = max(rows[newest + _MAX], value)
                rows[newest + _LAST] = value
                return
        self._line = None
        rows.extend((at, at, value, 1.0, value, value, value, value))
        old = 0
        while rows[old + _LAST_AT] <= at - self.seconds:
            old += _WIDTH
        if old:
            del rows[:old]

    def cut(self, at: float) -> None:
        """Forget what is of a time after ``at`` (s): the clock was set back."""
        rows = self._rows
        while rows and rows[len(rows) - _WIDTH + _LAST_AT] > at:
            del rows[-_WIDTH:]
        self._line = None

    def covered(self, now: float) -> float:
        """Seconds of the window that the readings span."""
        return max(0.0, now - self._rows[_FIRST_AT]) if self._rows else 0.0

    def _tells(self, now: float) -> bool:
        rows = self._rows
        if not rows or now - rows[len(rows) - _WIDTH + _LAST_AT] > self.seconds:
            return False
        return self.covered(now) >= self.seconds / 2

    def mean(self, now: float) -> float:
        """The mean of all readings; NaN while too little is known."""
        rows = self._rows
        return sum(rows[_SUM::_WIDTH]) / sum(rows[_COUNT::_WIDTH]) if self._tells(now) else NAN

    def highest(self, now: float) -> float:
        """The largest reading; NaN while too little is known."""
        return max(self._rows[_MAX::_WIDTH]) if self._tells(now) else NAN

    def lowest(self, now: float) -> float:
        """The smallest reading; NaN while too little is known."""
        return min(self._rows[_MIN::_WIDTH]) if self._tells(now) else NAN

    def change(self, now: float) -> float:
        """The newest reading less the oldest; NaN while too little is known."""
        return self._rows[-1] - self._rows[_FIRST] if self._tells(now) else NAN

    def rate(self, now: float) -> float:
        """The change per second."""
        rows = self._rows
        elapsed = rows[len(rows) - _WIDTH + _LAST_AT] - rows[_FIRST_AT] if rows else 0.0
        return self.change(now) / elapsed if elapsed > 0 else NAN

    def forecast(self, now: float, ahead: float) -> float:
        """The value in ``ahead`` seconds on the straight line nearest to the readings (least squares).

        The line is laid anew with each step: within one it hardly turns.
        """
        if not self._tells(now):
            return NAN
        if self._line is None:
            self._line = self._fitted()
        slope, at, value = self._line
        return value + slope * (now + ahead - at)

    def _fitted(self) -> tuple[float, float, float]:
        rows = self._rows
        counts = rows[_COUNT::_WIDTH]
        # Seen from the newest, so that the sums keep their digits; the mean of a step stands at its middle.
        newest = rows[len(rows) - _WIDTH + _LAST_AT]
        times = [(first + last) / 2 - newest for first, last in zip(rows[0::_WIDTH], rows[1::_WIDTH], strict=True)]
        means = [total / count for total, count in zip(rows[_SUM::_WIDTH], counts, strict=True)]
        weight = sum(counts)
        middle = sum(n * t for n, t in zip(counts, times, strict=True)) / weight
        mean = sum(n * y for n, y in zip(counts, means, strict=True)) / weight
        spread = sum(n * (t - middle) ** 2 for n, t in zip(counts, times, strict=True))
        if spread <= 0:
            return NAN, 0.0, NAN
        slope = sum(n * (t - middle) * (y - mean) for n, t, y in zip(counts, times, means, strict=True)) / spread
        return slope, newest + middle, mean
