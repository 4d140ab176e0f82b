"""A token bucket. Pure; ``now`` is monotonic, in seconds."""

from __future__ import annotations

BURST_SECONDS = 2.0
"""A full bucket holds so many seconds' allowance: what a producer that catches up sends within one round trip."""


class Bucket:
    """Tokens that come back with time. A large cost makes a debt, so that no frame is too large for ever."""

    __slots__ = ("_deep", "_filled", "_rate", "tokens")

    def __init__(self, rate: float, now: float, seconds: float = BURST_SECONDS) -> None:
        self._rate = rate
        self._deep = self.tokens = max(1.0, rate * seconds)
        self._filled = now

    def open(self, now: float) -> bool:
        """Whether anything is left now."""
        if now > self._filled:
            self.tokens = min(self._deep, self.tokens + (now - self._filled) * self._rate)
            self._filled = now
        return self.tokens > 0

    def spend(self, cost: float) -> None:
        """Take ``cost`` out."""
        self.tokens -= cost

    @property
    def is_full(self) -> bool:
        """Whether nothing was missing when it was looked at last."""
        return self.tokens >= self._deep
