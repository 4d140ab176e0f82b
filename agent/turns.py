"""What happens at each turn: read what is due, tell one sample."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from agent.group import Group, Taken
from agent.readings import Costs
from agent.sampler import Sampler

Submit = Callable[[Callable[[], Taken], Callable[[Taken | BaseException], None]], None]
TellSample = Callable[[Sequence[str], Sequence[float | None]], object]


class Turns:
    """Joins groups and sampler. Fast groups are read on the spot, slow ones by ``submit``, for the next sample."""

    def __init__(
        self, groups: Sequence[Group], sampler: Sampler, costs: Costs, submit: Submit, tell: TellSample
    ) -> None:
        self._fast = [group for group in groups if not group.slow]
        self._slow = [group for group in groups if group.slow]
        self._sampler = sampler
        self._costs = costs
        self._submit = submit
        self._tell = tell

    def prime(self, now: float) -> None:
        """Read everything before the first turn: a rate needs an earlier reading, a thread some time."""
        self._start_slow(now)
        for group in self._fast:
            self._finish(group, _attempt(group), now)

    def turn(self, now: float) -> None:
        """Read what is due and tell a sample."""
        started = time.monotonic()
        self._start_slow(now)
        for group in self._fast:
            if group.due(now):
                group.began(now)
                self._finish(group, _attempt(group), now)
        self._tell(*self._sampler.sample(now))
        self._costs.turn = time.monotonic() - started

    def _start_slow(self, now: float) -> None:
        for group in self._slow:
            if group.due(now):
                group.began(now)
                self._submit(group.read, self._ender(group))

    def _ender(self, group: Group) -> Callable[[Taken | BaseException], None]:
        return lambda outcome: self._finish(group, outcome, time.monotonic())

    def _finish(self, group: Group, outcome: Taken | BaseException, now: float) -> None:
        taken = group.ended(outcome, now)
        if taken is not None:
            self._costs.groups[group.name] = taken.cost
            self._sampler.take(group.name, taken.readings, taken.now if group.slow else now, group.holds)


def _attempt(group: Group) -> Taken | BaseException:
    try:
        return group.read()
    except Exception as error:  # whatever a metric's file holds, the other metrics go on
        return error
