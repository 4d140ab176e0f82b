"""Which metrics the configuration asks for, made ready to be read."""

from __future__ import annotations

from collections.abc import Callable

from agent.config import Agent
from agent.group import Group
from agent.metrics import METRICS, found
from agent.pace import Pace
from agent.readings import Costs, Ground, Metric


def names(config: Agent) -> list[str]:
    """The metrics to measure, in the order of a sample."""
    return [name for name in METRICS if name not in config.skip_metrics]


def ground(config: Agent, say: Callable[[str], None]) -> Ground:
    """This machine, with an account of costs in which each metric has its place from the start."""
    return Ground(config, costs=Costs(dict.fromkeys(names(config))), say=say)


def groups(place: Ground, *, warn: Callable[[str], None], tell: Callable[[str], None]) -> list[Group]:
    """A group for each metric."""
    config = place.config
    return [_group(name, place, config, warn, tell) for name in names(config)]


def _group(name: str, place: Ground, config: Agent, warn: Callable[[str], None], tell: Callable[[str], None]) -> Group:
    # A metric's module is loaded here, but its files are opened when it is first read: that may fail and heal.
    kind = found(name)

    def opened() -> Metric:
        return kind(place)

    seconds = max(config.slow_seconds, config.interval) if kind.slow else config.interval
    return Group(name, opened, Pace(seconds, config.budget_percent / 100), slow=kind.slow, warn=warn, tell=tell)
