"""What the viewer asks the hub, and the acts of an operator. Pure.

Wishes go to the feed. Times are seconds since the epoch where nothing else is said.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AskHosts:
    """All hosts with their newest reading."""


@dataclass(frozen=True, slots=True)
class AskHost:
    """One host: facts, all numbers, processes."""

    name: str


@dataclass(frozen=True, slots=True)
class AskSeries:
    """A host's past: metrics (globs allowed) from ``start`` to ``end`` in ``points`` steps.

    ``window`` and ``spark`` name the track that the answer is for.
    """

    name: str
    window: str
    spark: bool
    metrics: tuple[str, ...]
    start: int
    end: int
    points: int


@dataclass(frozen=True, slots=True)
class AskServices:
    """All services."""


@dataclass(frozen=True, slots=True)
class AskChecks:
    """A service's checks and uptime between two times; ``window`` names the past that the answer is for."""

    name: str
    window: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class AskAlerts:
    """What is not quiet now, and what is silenced; with ``past``, silences that are over too."""

    past: bool = False


@dataclass(frozen=True, slots=True)
class AskIncidents:
    """What burned between two times; ``past`` names the stretch of time that the answer is for."""

    past: str
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class AskBefore:
    """The newest incident that began at ``at`` or before; of ``host/NAME``, or of all where ``subject`` is empty."""

    at: int
    subject: str = ""


@dataclass(frozen=True, slots=True)
class AskWhy:
    """Why there is an alarm, or none; an empty rule asks for all."""

    subject: str
    rule: str = ""
    at: int | None = None
    """As it was then, ns since the epoch; now without it."""


@dataclass(frozen=True, slots=True)
class AskHub:
    """How the hub itself is."""


@dataclass(frozen=True, slots=True)
class AskLabels:
    """What kind of host and service each is."""


@dataclass(frozen=True, slots=True)
class AskRules:
    """The rules in force."""


@dataclass(frozen=True, slots=True)
class AskBacktest:
    """What a rule would have done with another condition, over the last ``seconds``; empty texts keep the rule's."""

    rule: str
    when: str
    lasting: str
    subject: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """An act: say that we care for an incident."""

    id: str
    note: str


@dataclass(frozen=True, slots=True)
class AddSilence:
    """An act: hold back notices of what matches, for so many seconds from now, or from ``starts`` (ns) on."""

    matches: tuple[str, ...]
    seconds: float
    reason: str
    starts: int | None = None


@dataclass(frozen=True, slots=True)
class EndSilence:
    """An act: end a silence before its time."""

    id: str


Act = Acknowledge | AddSilence | EndSilence
Wish = (
    AskHosts
    | AskHost
    | AskSeries
    | AskServices
    | AskChecks
    | AskAlerts
    | AskIncidents
    | AskBefore
    | AskWhy
    | AskHub
    | AskLabels
    | AskRules
    | AskBacktest
    | Act
)
