"""One metric at work: opened when first read, its cost counted, its failures told once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from agent.pace import Pace
from agent.readings import Metric, Readings


class Taken(NamedTuple):
    """What a reading brought, what it cost in CPU seconds, and when it was (monotonic)."""

    readings: Readings
    cost: float
    now: float


class Group:
    """A metric with its pace and its troubles."""

    def __init__(
        self,
        name: str,
        opened: Callable[[], Metric],
        pace: Pace,
        *,
        slow: bool,
        warn: Callable[[str], None],
        tell: Callable[[str], None],
    ) -> None:
        self.name = name
        self.pace = pace
        self.slow = slow
        self.busy = False
        self._opened = opened
        self._metric: Metric | None = None
        self._warn, self._tell = warn, tell
        self._was_slowed = False

    @property
    def holds(self) -> float:
        """How long its values may be repeated: not at all where each sample has its own."""
        return 3 * self.pace.seconds if self.slow or self.pace.slowed else 0.0

    def due(self, now: float) -> bool:
        """Whether it is to be read now."""
        return not self.busy and self.pace.due(now)

    def began(self, now: float) -> None:
        """A reading begins; until ``ended`` there is no other."""
        self.busy = True
        self.pace.began(now)

    def read(self) -> Taken:
        """Read it; raises whatever the metric raises. May run in a thread."""
        start = time.thread_time()
        if self._metric is None:
            self._metric = self._opened()
        readings = self._metric.read()
        return Taken(readings, time.thread_time() - start, time.monotonic())

    def ended(self, outcome: Taken | BaseException, now: float) -> Taken | None:
        """Note how the reading went; None when it failed."""
        self.busy = False
        if isinstance(outcome, BaseException):
            self._metric = None  # a file of a device that is gone stays gone: open anew
            if self.pace.failed(now):
                reason = str(outcome) or type(outcome).__name__
                self._warn(f"cannot read {self.name}: {reason}; trying again, ever less often")
            return None
        if self.pace.succeeded(outcome.cost):
            self._tell(f"{self.name} can be read again")
        self._watch_budget()
        return outcome

    def _watch_budget(self) -> None:
        if self.pace.slowed == self._was_slowed:
            return
        self._was_slowed = self.pace.slowed
        if self._was_slowed:
            self._warn(f"{self.name} costs more than its budget: read each {self.pace.seconds:.3g} s from now on")
        else:
            self._tell(f"{self.name} keeps to its budget again")
