"""What happens at each turn: read what is due, tell one sample."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from agent.job import Job
from agent.readings import Costs
from agent.sampler import Sampler

TellSample = Callable[[Sequence[str], Sequence[float | None]], object]


class Turns:
    """The jobs by name and the sampler that they fill. ``tell`` gets the names and values of each sample.

    ``gather`` hands over what threads have read since.
    """

    def __init__(
        self, sampler: Sampler, costs: Costs, tell: TellSample, gather: Callable[[], None] = lambda: None
    ) -> None:
        self._jobs: dict[str, Job[Any]] = {}
        self._sampler = sampler
        self._costs = costs
        self._tell = tell
        self._gather = gather

    def add(self, job: Job[Any]) -> None:
        """From now on ``job`` is run when it is due."""
        self._jobs[job.name] = job

    def remove(self, name: str) -> None:
        """The job ``name`` is no more."""
        self._jobs.pop(name, None)

    def read(self, now: float) -> None:
        """Read what is due. It is done once before the first turn: a rate needs an earlier reading."""
        self._run(now, threaded=False)
        self._run(now, threaded=True)

    def turn(self, now: float) -> None:
        """Read what is due and tell a sample; what threads read is told with the next one."""
        started = time.monotonic()
        self._gather()
        self._run(now, threaded=False)
        self._tell(*self._sampler.sample(now))
        self._costs.turn = time.monotonic() - started
        # Last: a thread that runs beside this one costs both of them the time in which they hand the lock over.
        self._run(now, threaded=True)

    def _run(self, now: float, *, threaded: bool) -> None:
        for job in list(self._jobs.values()):
            if job.threaded is threaded:
                job.run(now)
