"""``guardia agent --once``: one sample on the terminal, as ``name value`` lines."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

from agent import panel
from agent.group import Group
from agent.readings import Costs
from agent.sampler import Sampler
from bus import config, home, rooms
from bus.config import ConfigError
from bus.program import STOPPED, WRONG

BETWEEN = 1.0
"""Seconds between the two readings that rates need."""


def main(argv: Sequence[str]) -> int:
    """Print one sample; a metric that cannot be read is told on standard error."""
    parser = argparse.ArgumentParser(prog="guardia agent --once", description="Print one sample and end.")
    parser.add_argument("--config", metavar="FILE")
    arguments = parser.parse_args(argv)
    try:
        settings = config.load(home.config_path(arguments.config, os.environ), rooms.tables(), rooms.LISTS)
    except ConfigError as error:
        for fault in error.faults:
            print(f"agent: {fault}", file=sys.stderr)
        return WRONG
    place = panel.ground(settings["agent"], _complain)
    sampler = Sampler(panel.names(place.config))
    groups = panel.groups(place, warn=_complain, tell=_complain)
    for wait in (BETWEEN, 0.0):
        for group in groups:
            _read(group, sampler, place.costs)
        time.sleep(wait)
    names, values = sampler.sample(time.monotonic())
    for name, value in zip(names, values, strict=True):
        print(name, "-" if value is None else f"{value:.15g}")
    return STOPPED


def _read(group: Group, sampler: Sampler, costs: Costs) -> None:
    try:
        taken = group.read()
    except Exception as error:
        _complain(f"cannot read {group.name}: {error}")
        return
    costs.groups[group.name] = taken.cost
    sampler.take(group.name, taken.readings, taken.now, holds=60.0)


def _complain(sentence: str) -> None:
    print(f"agent: {sentence}", file=sys.stderr)
