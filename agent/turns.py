"""What happens at each turn: read what is due, tell one sample."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
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
        self._prompt: tuple[Job[Any], ...] = ()
        self._threaded: tuple[Job[Any], ...] = ()
        self._sampler = sampler
        self._costs = costs
        self._tell = tell
        self._gather = gather

    def add(self, job: Job[Any]) -> None:
        """From now on ``job`` is run when it is due."""
        self._jobs[job.name] = job
        self._sort()

    def remove(self, name: str) -> None:
        """The job ``name`` is no more."""
        self._jobs.pop(name, None)
        self._sort()

    def read(self, now: float) -> None:
        """Read what is due. It is done once before the first turn: a rate needs an earlier reading."""
        _run(self._prompt, now)
        _run(self._threaded, now)

    def turn(self, now: float) -> None:
        """Read what is due and tell a sample; what threads read is told with the next one."""
        started = time.monotonic()
        self._gather()
        _run(self._prompt, now)
        names, values = self._sampler.sample(now)
        if names:  # there are none yet where all that is measured is read in threads
            self._tell(names, values)
        self._costs.turn = time.monotonic() - started
        # Last: a thread that runs beside this one costs both of them the time in which they hand the lock over.
        _run(self._threaded, now)

    def _sort(self) -> None:
        jobs = self._jobs.values()
        self._prompt = tuple(job for job in jobs if not job.threaded)
        self._threaded = tuple(job for job in jobs if job.threaded)


def _run(jobs: Iterable[Job[Any]], now: float) -> None:
    for job in jobs:
        job.run(now)
