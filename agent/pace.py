"""When a group is read next: its pace, its budget, and patience when it fails. Pure; all times in seconds."""

from __future__ import annotations

LONGEST = 300.0
"""A failing group is tried at least this often."""
_EARLY = 0.05
"""A turn that comes this much of a pace too early still counts: timers are not exact."""


class Pace:
    """The pace of one group, as ``seconds`` asks for and as its cost allows.

    A group that takes more than ``share`` of a core is read less often, until it keeps to that. The second reading
    of all is due at once, since rates need two.
    """

    def __init__(self, seconds: float, share: float) -> None:
        self.seconds = seconds
        """The time between two readings now."""
        self.failures = 0
        self.slowed = False
        """Whether the budget makes it slower than asked for; it lasts until the cost is well below the budget."""
        self._asked = seconds
        self._share = share
        self._cost: float | None = None
        self._readings = 0
        self._due = float("-inf")

    def due(self, now: float) -> bool:
        """Whether it is time."""
        return now >= self._due

    def began(self, now: float) -> None:
        """A reading begins: the next is due one pace later."""
        if self._readings:
            self._due = now + self.seconds * (1 - _EARLY)

    def succeeded(self, cost: float) -> bool:
        """A reading took ``cost`` of CPU time; True when it failed before."""
        self._readings += 1
        if self._readings > 1:  # the first one opens files and warms caches
            self._cost = cost if self._cost is None else 0.8 * self._cost + 0.2 * cost
            asked, affordable = self._asked, self._cost / self._share
            self.slowed = affordable > asked * (0.5 if self.slowed else 1.0)
            self.seconds = asked if affordable <= asked else min(affordable, max(LONGEST, asked))
        recovered, self.failures = self.failures > 0, 0
        return recovered

    def failed(self, now: float) -> bool:
        """A reading failed; True when the one before had not. Tries become rarer, up to ``LONGEST``."""
        self.failures += 1
        wait = min(max(self.seconds, 1.0) * 2.0 ** min(self.failures, 20), max(LONGEST, self.seconds))
        self._due = now + wait * (1 - _EARLY)
        return self.failures == 1
