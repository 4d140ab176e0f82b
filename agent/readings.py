"""What a metric is: something that reads numbers from the host. Pure.

A metric hands over raw readings. A plain number stands for itself; ``Count``, ``Share`` and ``Mean`` are told as they
were found, and ``agent.rates`` makes rates of them, since that needs an earlier reading and the time between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import ClassVar, NamedTuple, Protocol

from agent.config import Agent
from agent.pids import Pids


class Count(NamedTuple):
    """A counter that only grows: its value is ``factor`` times its growth per second, and ``most`` at most.

    The clock is not read at the very moment at which the counter is: without a limit what is busy all the time would
    seem to be so for 101 percent of it.
    """

    total: float
    factor: float = 1.0
    most: float = inf


class Share(NamedTuple):
    """Two counters: the value is the growth of ``part`` in percent of the growth of ``whole``."""

    part: float
    whole: float


class Mean(NamedTuple):
    """Two counters, a sum and of how many: the value is ``factor`` times the growth of one by that of the other."""

    total: float
    times: float
    factor: float = 1.0


Reading = float | Count | Share | Mean | None
Readings = Mapping[str, Reading]


@dataclass
class Costs:
    """What measuring costs, in seconds: CPU time of the last reading of each group, and the whole last turn."""

    groups: dict[str, float | None] = field(default_factory=dict)
    turn: float | None = None
    failing: dict[str, float | None] = field(default_factory=dict)
    """Since when (monotonic) what cannot be read, or does not answer, does not; None: it does again."""


def silent(sentence: str) -> None:
    """Where nobody listens."""


@dataclass(frozen=True)
class Ground:
    """Where a metric finds what it reads; tests hand in folders of their own."""

    config: Agent = field(default_factory=Agent)
    proc: str = "/proc"
    sys: str = "/sys"
    costs: Costs = field(default_factory=Costs)
    say: Callable[[str], None] = silent
    """Takes a sentence for the log; may be called from any thread."""

    @cached_property
    def pids(self) -> Pids:
        """The list of processes, for all who need it."""
        return Pids(self.proc)


class Metric(Protocol):
    """A member of the drawer ``agent/metrics``. Opening one or reading it may raise ``OSError``."""

    fields: ClassVar[Mapping[str, str]]
    """The names it tells, ``*`` for any instance, and what each means."""
    slow: ClassVar[bool]
    """Whether it may block: such a metric is read in a thread, every ``[agent] slow_seconds``."""

    def __init__(self, ground: Ground) -> None: ...

    def read(self) -> Readings:
        """All readings now, by name. What the host does not have is absent."""
