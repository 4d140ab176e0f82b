"""When a watchman says that the hub is silent, and when that it is back. Pure.

A hub that is gone cannot say so. An agent that is a watchman (``[agent] watch_url``) notices that no receipt has come
for long and says it to somebody outside; with several watchmen each waits a little longer by chance, and every message
names who speaks, so that the receiver can fold them. Whoever was told of the silence is told of its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bus.timing import backoff

SPREAD = 0.2
"""By this share of the limit, at most, a watchman waits longer than another."""
FIRST_AGAIN, LONGEST_AGAIN = 5.0, 300.0
"""Seconds until a message that nobody took is tried again, doubling."""


@dataclass(frozen=True, slots=True)
class Cry:
    """What to say: the hub is ``silent`` or ``back``; it was last heard at ``heard`` on the watchman's clock."""

    state: Literal["silent", "back"]
    heard: float


class Watchman:
    """Times are in seconds of one clock that only grows."""

    def __init__(self, limit: float, *, chance: float, now: float) -> None:
        """``limit``: seconds without a receipt; ``chance`` from 0 to 1."""
        self._limit = limit * (1 + SPREAD * chance)
        self._chance = chance
        self._began = now
        self._told_of: float | None = None
        """When the hub was last heard before the silence that was told."""
        self._attempts = 0
        self._again = 0.0

    def due(self, heard: float | None, now: float) -> Cry | None:
        """What is to be said now. ``heard`` is when the last receipt came; None: there was none since the start."""
        if now < self._again:
            return None
        last = self._began if heard is None else heard
        if self._told_of is None:
            return Cry("silent", last) if now - last > self._limit else None
        return Cry("back", self._told_of) if last > self._told_of else None

    def said(self, cry: Cry) -> None:
        """Somebody took it."""
        self._told_of = cry.heard if cry.state == "silent" else None
        self._attempts, self._again = 0, 0.0

    def failed(self, now: float) -> float:
        """Nobody took it; returns the seconds until it is tried again."""
        self._attempts += 1
        wait = backoff(self._attempts, first=FIRST_AGAIN, longest=LONGEST_AGAIN, chance=self._chance)
        self._again = now + wait
        return wait
