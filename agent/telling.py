"""What the agent tells beside samples: facts and lists of processes, as jobs."""

from __future__ import annotations

import logging
import time

from agent.config import Agent
from agent.facts import FactsOfHost, News
from agent.job import Job, Submit, Taken
from agent.pace import Pace
from agent.processes import ProcessTable
from agent.readings import Costs, Ground
from bus.messages import Facts, Processes
from bus.producer import Voice

LOOK_SECONDS = 10.0
"""Facts are looked at this often, and told when they have changed."""


def facts(
    config: Agent, version: str, producer: Voice, *, costs: Costs, log: logging.Logger, submit: Submit | None
) -> Job[Facts]:
    """The job that tells the facts; what nobody took is told again at the next look."""
    news = News(config.facts_seconds)

    def done(taken: Taken[Facts]) -> None:
        if news.worth(taken.found, taken.now) and producer.tell(taken.found, at=time.time_ns()):
            news.told(taken.found, taken.now)

    source = FactsOfHost(interval=config.interval, version=version)
    pace = Pace(LOOK_SECONDS, config.budget_percent / 100)
    return Job("facts", lambda: source, pace, done, costs=costs, log=log, submit=submit)


def processes(ground: Ground, producer: Voice, *, log: logging.Logger, submit: Submit | None) -> Job[Processes]:
    """The job that tells the busiest and largest processes."""

    def done(taken: Taken[Processes]) -> None:
        if taken.found.rows:
            producer.tell(taken.found, at=time.time_ns())

    config = ground.config
    pace = Pace(config.process_seconds, config.budget_percent / 100)

    def opened() -> ProcessTable:
        return ProcessTable(config.process_count, proc=ground.proc, pids=ground.pids)

    return Job("processes", opened, pace, done, costs=ground.costs, log=log, submit=submit)
