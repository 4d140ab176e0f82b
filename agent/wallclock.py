"""When the next sample is due: at the multiples of the interval. Pure; times in seconds since the epoch."""

from __future__ import annotations

import math


def next_turn(wall: float, interval: float, last: float | None = None) -> float:
    """The first multiple of ``interval`` after ``wall``, and after the turn ``last``.

    Turns that were missed are skipped. A timer that fired early does not repeat the last turn; a clock that was
    set back by more than an interval does not wait until it has caught up.
    """
    due = (math.floor(wall / interval) + 1) * interval
    if due <= wall:  # the division was rounded down to the turn that is now
        due += interval
    if last is not None and 0.0 <= last - wall <= interval and due <= last + interval / 2:
        due += interval
    return due
