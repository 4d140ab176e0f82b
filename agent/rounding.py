"""How many digits a value is told with: those that say something, since digits of noise fill disks. Pure.

The time between two readings is known to some tenths of a millisecond, a core's time to a tick of 10 ms. What comes
after those digits in a quotient is chance, which no packing makes smaller.
"""

from __future__ import annotations

WHOLE = 100.0
"""From here on a rate is told in whole numbers."""
FROM = 0.5
"""A shorter time in seconds between two readings is taken as it is."""


def elapsed(seconds: float) -> float:
    """The time between two readings to the millisecond, so that what is read each second grows by whole numbers."""
    return round(seconds, 3) if seconds >= FROM else seconds


def rate(per_second: float) -> float:
    """Whole from 100 on, else hundredths; below one four decimals, of which one event an hour still has some."""
    if per_second >= WHOLE:
        return float(round(per_second))
    return round(per_second, 2 if per_second >= 1 else 4)


def percent(part: float, whole: float) -> float | None:
    """Hundredths of a percent; None where there is no whole."""
    return round(100.0 * part / whole, 2) if whole > 0 else None


def mean(seconds: float, times: float) -> float:
    """What one of so many took, to ten microseconds, of which a transfer by a fast disk takes some."""
    return round(seconds / times, 5)


def cost(seconds: float) -> float:
    """CPU time to the microsecond."""
    return round(seconds, 6)
