"""Which metrics the configuration asks for, as jobs that fill the sampler."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from agent.config import Agent
from agent.job import Job, Submit, Taken
from agent.metrics import METRICS, found
from agent.pace import Pace
from agent.readings import Costs, Ground, Metric, Readings
from agent.sampler import Sampler


def names(config: Agent) -> list[str]:
    """The metrics to measure, in the order of a sample."""
    return [name for name in METRICS if name not in config.skip_metrics]


def costs(config: Agent) -> Costs:
    """An account in which everything that is measured has its place from the start."""
    others = ["processes", "facts"] if config.processes else ["facts"]
    return Costs(dict.fromkeys([*names(config), *others]))


def jobs(ground: Ground, sampler: Sampler, log: logging.Logger, submit: Submit | None) -> Iterator[Job[Readings]]:
    """A job for each metric; those that may block are read by ``submit``."""
    kinds = {name: found(name) for name in names(ground.config)}
    for name, kind in kinds.items():
        yield _job(name, kind, ground, sampler, log, submit if kind.slow else None)


def _job(
    name: str,
    kind: type[Metric],
    ground: Ground,
    sampler: Sampler,
    log: logging.Logger,
    submit: Submit | None,
) -> Job[Readings]:
    config = ground.config
    asked = max(config.slow_seconds, config.interval) if kind.slow else config.interval
    pace = Pace(asked, config.budget_percent / 100)

    def opened() -> Metric:
        return kind(ground)

    def done(taken: Taken[Readings]) -> None:
        # What each sample reads anew is not repeated: where that fails, there is no reading.
        holds = 3 * pace.seconds if kind.slow or pace.slowed else 0.0
        sampler.take(name, taken.found, taken.now, holds)

    return Job(name, opened, pace, done, costs=ground.costs, log=log, submit=submit)
