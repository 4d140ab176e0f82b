"""Whether the clock may be gone by when what is old is dropped. Pure.

A clock that is far ahead, as that of a machine which forgot the time while it was off, makes all that is kept look old.
So for some hours after a leap nothing is dropped: until then it may be set right, and where it was right nothing is
lost by waiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bus.timing import DAY

LEAP = DAY
"""So much further than what has passed, ns, is a leap."""
PATIENCE = 6 * 3600.0
"""Seconds in which nothing is dropped then."""


class Leaps:
    """Compares the clock with the time that has passed since it was looked at before."""

    def __init__(self, statistics: Mapping[str, Any]) -> None:
        """``statistics`` of a store say when something was last dropped by the clock."""
        self._last = int(statistics.get("last_cleanup") or 0)
        self._looked: float | None = None
        self._until: float | None = None
        self.is_new = False
        """Whether a leap was found when it was looked last."""
        self.ahead = 0
        """How far the last leap was, ns."""

    def waits(self, now: int, monotonic: float) -> bool:
        """Whether nothing is to be dropped yet; ``now`` in ns since 1970, ``monotonic`` in s."""
        passed = 0 if self._looked is None else int((monotonic - self._looked) * 1e9)
        leap = now - self._last - passed if self._last else 0
        self._last, self._looked = now, monotonic
        self.is_new = leap > LEAP
        if self.is_new:
            self._until, self.ahead = monotonic + PATIENCE, leap
        elif leap < -LEAP or (self._until is not None and monotonic >= self._until):
            self._until = None
        return self._until is not None

    def __str__(self) -> str:
        return (
            f"the clock is {self.ahead / DAY:,.0f} days ahead of when something was last dropped by it: nothing is for"
            f" {PATIENCE / 3600:g} hours, in case it is wrong"
        )
