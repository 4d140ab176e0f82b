"""``guardia agent --once``: one sample on the terminal, as ``name value`` lines."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Sequence

from agent import names, panel
from agent.config import Agent
from agent.execution import Executor
from agent.plugins import Plugins, environment
from agent.readings import Ground
from agent.sampler import Sampler
from agent.turns import Turns
from bus import home, rooms
from bus.arguments import CONFIG, Parser
from bus.config import ConfigError, Settings
from bus.exits import STOPPED, WRONG
from bus.harmless import safe

BETWEEN = 1.0
"""Seconds between the two readings that rates need."""


def main(argv: Sequence[str]) -> int:
    """Print one sample; what cannot be read is told on standard error."""
    parser = Parser(prog="guardia agent --once", description="Print one sample and end.")
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    arguments = parser.parse_args(argv)
    try:
        settings = rooms.load(home.config_path(arguments.config, os.environ), needs=rooms.needs("agent"))
    except ConfigError as error:
        for fault in error.faults:
            print(f"agent: {fault}", file=sys.stderr)
        return WRONG
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Harmless("agent: %(message)s"))
    logging.basicConfig(handlers=[handler])
    turns = _turns(settings)
    turns.read(time.monotonic())
    time.sleep(BETWEEN)
    turns.turn(time.monotonic())
    return STOPPED


class _Harmless(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return safe(super().format(record))


def _turns(settings: Settings) -> Turns:
    table: Agent = settings["agent"]
    log = logging.getLogger("agent")
    costs = panel.costs(table)
    sampler = Sampler(panel.names(table), log.warning)
    turns = Turns(sampler, costs, _print)
    for job in panel.jobs(Ground(table, costs=costs, say=log.warning), sampler, log, submit=None):
        turns.add(job)
    executor = Executor(environment(table.name or names.host(os.uname().nodename)))
    plugins = Plugins(turns, sampler, executor, config=table, costs=costs, log=log, submit=None)
    turns.add(plugins.job(settings.path.parent / table.plugins, None))
    if settings["scrapes"]:
        from agent.scrapes import Scrapes

        scrapes = Scrapes(sampler, config=table, folder=settings.path.parent, costs=costs, log=log, submit=None)
        for scrape in scrapes.jobs(settings["scrapes"]):
            turns.add(scrape)
    return turns


def _print(names: Sequence[str], values: Sequence[float | None]) -> None:
    for name, value in zip(names, values, strict=True):
        print(safe(name), "nan" if value is None else f"{value:.15g}")
