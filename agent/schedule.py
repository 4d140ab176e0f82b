"""Turns at the multiples of the interval, driven by the loop."""

from __future__ import annotations

import math
import time

from agent.turns import Turns
from bus.loop import Loop

FIRST_WAIT = 0.25
"""Seconds between the first readings and the first sample, so that its rates mean something."""


class Schedule:
    """When the loop takes a turn."""

    def __init__(self, loop: Loop, interval: float, turns: Turns) -> None:
        self._loop = loop
        self._interval = interval
        self._turns = turns
        self._due = 0.0

    def start(self) -> None:
        """Read everything once, and tell the first sample at the next multiple that is not too near."""
        self._turns.read(time.monotonic())
        wall = time.time()
        self._wait(wall, next_turn(wall + min(FIRST_WAIT, self._interval / 2), self._interval))

    def _wait(self, wall: float, due: float) -> None:
        self._due = due
        self._loop.after(max(0.0, due - wall), self._take)

    def _take(self) -> None:
        self._turns.turn(time.monotonic())
        wall = time.time()
        self._wait(wall, next_turn(wall, self._interval, self._due))


def next_turn(wall: float, interval: float, last: float | None = None) -> float:
    """The first multiple of ``interval`` after ``wall``, and after the turn ``last``; seconds since the epoch.

    Turns that were missed are skipped. A timer that fired early does not repeat the last turn; a clock that was
    set back by more than an interval does not wait until it has caught up.
    """
    due = (math.floor(wall / interval) + 1) * interval
    if due <= wall:  # the division was rounded down to the turn that is now
        due += interval
    if last is not None and 0.0 <= last - wall <= interval and due <= last + interval / 2:
        due += interval
    return due
