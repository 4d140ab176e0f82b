"""Time and chance: events in their order, all from one seed."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from itertools import count

NOON = 1_700_000_000 * 10**9
"""Wall clock at the beginning, ns."""


class World:
    """A clock that jumps from event to event."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.now = 1000.0
        self.history: list[str] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Call ``do`` when so much time has passed."""
        heapq.heappush(self._events, (self.now + seconds, next(self._order), do))

    def run(self, until: float) -> None:
        """Let everything happen that happens before ``until``."""
        events = self._events
        while events and events[0][0] <= until:
            self.now, _, do = heapq.heappop(events)
            do()
        self.now = until

    def note(self, text: str) -> None:
        """Remember a fault for whoever reads the history of a failed run."""
        self.history.append(f"{self.now - 1000:8.2f} {text}")

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.rng.random() < probability
