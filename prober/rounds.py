"""What is due when: each service at its own phase, without drift, spread by chance. Pure.

A service's turns are ``begin + phase + n * interval``, whatever became of the turns before: an attempt that takes long
moves no later one. The phase comes from the service's name, so that thousands of services are spread evenly over the
interval and stay there over restarts. Jitter puts each turn off by up to its share of the interval, so that services
which share a machine do not always meet; the turn after it is counted from the turn itself, not from when it was put
off to. A turn that was missed (the program slept, the check before is still running) is skipped.

A new service, or one that was changed, is looked at within ``SOON`` seconds, in a turn of its own before the regular
ones.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from zlib import crc32

SOON = 10.0
"""Seconds: the longest wait for the first look at a service."""
Chance = Callable[[], float]
"""A random number from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A check that is due: of which service, and when it was to begin (seconds)."""

    name: str
    due: float


@dataclass(slots=True)
class _Plan:
    interval: float
    turn: float
    """The regular time of the turn in the line, without jitter."""
    number: int
    """The entry in the line that counts: those of an older plan do not."""


def phase(name: str) -> float:
    """From 0 to 1: where in its interval a service is looked at."""
    return crc32(name.encode()) / 2**32


class Rounds:
    """The turns of all services. Times are seconds of any clock that does not jump."""

    def __init__(self, chance: Chance, jitter: float = 0.0) -> None:
        self._chance = chance
        self.jitter = jitter
        self._plans: dict[str, _Plan] = {}
        self._line: list[tuple[float, int, str]] = []
        self._numbers = 0
        self.missed = 0
        """Turns that were skipped because their time had passed."""

    def __len__(self) -> int:
        return len(self._plans)

    def use(self, intervals: Mapping[str, float], now: float, changed: Collection[str] = ()) -> None:
        """Look at these services from now on; one that has not changed, nor its interval, keeps its turns."""
        for name in self._plans.keys() - intervals.keys():
            del self._plans[name]
        for name, interval in intervals.items():
            known = self._plans.get(name)
            if known is None or known.interval != interval or name in changed:
                first = now + phase(name) * min(interval, SOON)
                self._plans[name] = _Plan(interval, first, 0)
                self._enqueue(name, first)

    def due(self, now: float) -> list[Turn]:
        """The turns that have come, each once, in their order; the next turn of each is planned."""
        found = []
        while self._line and self._line[0][0] <= now:
            at, number, name = heapq.heappop(self._line)
            plan = self._plans.get(name)
            if plan is None or plan.number != number:
                continue
            found.append(Turn(name, at))
            self._plan_next(name, plan, now)
        return found

    def next_due(self) -> float | None:
        """When ``due`` has something to tell; None while nothing is planned. It may be too early, never too late."""
        return self._line[0][0] if self._line else None

    def _plan_next(self, name: str, plan: _Plan, now: float) -> None:
        interval = plan.interval
        # The regular turns lie on the grid of the service's phase. The first one follows the first look by at least
        # half an interval, so that no service is looked at twice in a row.
        turn = self._after(phase(name) * interval, interval, plan.turn + interval / 2)
        if turn <= now:
            later = self._after(phase(name) * interval, interval, now)
            self.missed += round((later - turn) / interval)
            turn = later
        plan.turn = turn
        self._enqueue(name, turn + self._chance() * self.jitter * interval)

    def _enqueue(self, name: str, at: float) -> None:
        self._numbers += 1
        self._plans[name].number = self._numbers
        heapq.heappush(self._line, (at, self._numbers, name))

    @staticmethod
    def _after(offset: float, interval: float, now: float) -> float:
        """The first time after ``now`` on the grid of ``interval`` that goes through ``offset``."""
        turn = offset + ((now - offset) // interval + 1) * interval
        return turn if turn > now else turn + interval
