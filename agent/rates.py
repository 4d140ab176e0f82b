"""Counters become rates: growth between two readings of a group. Pure.

The first reading of a counter gives None, and so does one that is smaller than the one before: the counter was
reset or has wrapped, and how far it went meanwhile nobody knows. A rate is never negative and always finite. Rates and
shares have the digits that ``agent.rounding`` leaves them; a plain number stays as it was read.
"""

from __future__ import annotations

import math

from agent import rounding
from agent.readings import Count, Mean, Reading, Readings, Share

_INFINITE = math.inf


class Rates:
    """The counters of one group as they were at the last reading."""

    def __init__(self) -> None:
        self._before: Readings = {}
        self._at = 0.0

    def values(self, readings: Readings, now: float) -> dict[str, float | None]:
        """Every reading as a value; ``now`` is monotonic, in seconds.

        A counter that is absent this time starts anew when it comes back.
        """
        elapsed = rounding.elapsed(now - self._at)
        earlier = self._before.get
        values: dict[str, float | None] = {}
        for name, reading in readings.items():
            if type(reading) is float:
                values[name] = reading if -_INFINITE < reading < _INFINITE else None
            elif type(reading) is Count:
                values[name] = _rate(earlier(name), reading, elapsed)
            elif type(reading) is Share:
                values[name] = _percent(earlier(name), reading)
            elif type(reading) is Mean:
                values[name] = _mean(earlier(name), reading)
            else:
                values[name] = _plain(reading)
        # Copied: whoever reads may use one and the same mapping again.
        self._before, self._at = dict(readings), now
        return values


def _rate(before: Reading, after: Count, elapsed: float) -> float | None:
    if type(before) is not Count or elapsed <= 0:
        return None
    total, factor, most = after
    grown = total - before[0]
    if not grown:  # as most counters of errors
        return 0.0
    rate = factor * grown / elapsed
    return min(rounding.rate(rate), most) if 0 <= rate < _INFINITE else None


def _percent(before: Reading, after: Share) -> float | None:
    if type(before) is not Share:
        return None
    part, whole = after.part - before.part, after.whole - before.whole
    # The kernel does not take both at the same instant, so that a part may seem to be more than the whole.
    return rounding.percent(min(part, whole), whole) if part >= 0 else None


def _mean(before: Reading, after: Mean) -> float | None:
    if type(before) is not Mean:
        return None
    total, times = after.total - before.total, after.times - before.times
    return rounding.mean(after.factor * total, times) if total >= 0 and times > 0 else None


def _plain(reading: Reading) -> float | None:
    if not isinstance(reading, int | float) or not math.isfinite(reading):
        return None
    return float(reading)
