"""How much may be under way at once, and how fast it goes out (rule R3). Pure.

The window grows by what was acknowledged until the first loss, then by an eighth of that, and only while it is what
holds the sender back. A loss halves it, once until something is acknowledged again: an outage of an hour is one loss.
A receipt tells of many messages, so that growing by one for each receipt would take minutes to find the way back.
Messages go out at twice the window for each round trip, so that a backlog after an outage is spread over the time
that the store needs for it anyway.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from bus.timing import backoff


@dataclass(frozen=True, slots=True)
class Limits:
    """What a sender may take; seconds and messages unless the name says bytes."""

    window: int = 256
    window_min: int = 8
    window_max: int = 8192
    window_bytes: int = 8 * 1_048_576
    timeout: float = 5.0
    timeout_max: float = 60.0
    answer_timeout: float = 1.0
    """How long the first HELLO waits for its answer; doubles up to ``timeout``."""
    pause: float = 1.0
    """The first pause after a silence; doubles up to ``timeout_max``."""
    blocked: float = 0.05
    """How long nothing is tried after the queue to the door was full."""
    delay: float = 2.0
    """A round trip that takes longer shrinks the window: what is queued before the store delays live messages."""
    refused_pause: float = 5.0
    refused_pause_max: float = 300.0
    probe: float = 30.0
    """How often a store that said DISK_FULL is asked for room."""
    lanes: int = 16
    """Old epochs that are sent at the same time."""
    live_lag: float = 2.0
    """A backlog that is older and larger than the window moves new messages to a new epoch (R8)."""
    live_pause: float = 30.0
    """The least time between two epochs that are begun for it."""
    live_epochs: int = 8
    """No further epoch is begun while so many are unfinished."""
    floor_epochs: int = 448
    """Epochs that are remembered for their floors alone (R6)."""


class Window:
    """The window of one sender, its round trip, and tokens for messages that may go now."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self.size = float(limits.window)
        self.round_trip = 0.2
        self._threshold = float(limits.window_max)
        self._mean_bytes = 512.0
        self._tokens = float(limits.window)
        self._filled = now
        self._halved = float("-inf")
        self._slow = False
        self._moved = True

    def spooled(self, count: int, size: int) -> None:
        """``count`` messages of ``size`` bytes in all were added to the spool."""
        self._mean_bytes += (size / count - self._mean_bytes) * min(1.0, count / 64)

    def limit(self, credit: int) -> int:
        """Messages that may be under way; the store may ask for less by ``credit`` (0: no opinion)."""
        limits = self._limits
        most = min(self.size, limits.window_bytes / max(self._mean_bytes, 1.0))
        if credit:
            most = min(most, credit)
        return max(limits.window_min, int(most))

    def acknowledged(self, count: int, under_way: int) -> None:
        """``count`` messages were acknowledged when ``under_way`` had been sent."""
        self._moved = True
        # Old epochs have half of the window at most: a quarter under way is enough to say that it holds them back.
        if under_way * 4 < self.size or self._slow:
            return
        grown = self.size + (count if self.size < self._threshold else max(1, count / 8))
        self.size = min(float(self._limits.window_max), grown)

    def lost(self, now: float) -> None:
        """Something was lost on the way: halve, at most once within a round trip and until something arrives."""
        if now - self._halved < self.round_trip or not self._moved:
            return
        self._halved, self._moved = now, False
        self.size = max(float(self._limits.window_min), self.size / 2)
        self._threshold = self.size

    def measured(self, seconds: float) -> None:
        """A round trip took so long."""
        self.round_trip += (min(max(seconds, 0.001), 10.0) - self.round_trip) / 8
        self._slow = seconds > self._limits.delay
        if self._slow:
            self.size = max(float(self._limits.window_min), self.size * 0.75)

    def may_send(self, now: float) -> int:
        """Messages that may go out at this instant."""
        rate = 2 * self.size / self.round_trip
        deep = max(self.size / 4, rate * 0.05, float(self._limits.window_min))
        self._tokens = min(deep, self._tokens + (now - self._filled) * rate)
        self._filled = now
        return int(self._tokens)

    def spend(self, count: int) -> None:
        """So many went out."""
        self._tokens -= count

    def until_affordable(self) -> float:
        """Seconds until at least one message may go again, or several where they go fast."""
        rate = 2 * self.size / self.round_trip
        return max(0.002, (1 - self._tokens) / rate)


class Backoff:
    """Pauses that double, with jitter so that a thousand producers do not come back at once."""

    def __init__(self, first: float, most: float, rng: random.Random) -> None:
        self._first, self._most, self._rng = first, most, rng
        self.attempts = 0

    def next(self) -> float:
        """The next pause in seconds: between half of and the whole doubled one."""
        self.attempts += 1
        return backoff(self.attempts, first=self._first, longest=self._most, chance=self._rng.random())

    def reset(self) -> None:
        """Begin with the first pause again."""
        self.attempts = 0
