"""What can happen to the viewer: what the hub told, and how the link to it is. Pure.

Events come from the feed. Times are seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from viewer.history import Reading
from viewer.incidents import Hub, Incident, Opening, Silence, Verdict
from viewer.wishes import Act, AskBacktest, AskBefore, AskChecks, AskIncidents, AskSeries, AskWhy, Wish

Values = Mapping[str, float | None]
LinkState = Literal["connecting", "live", "reconnecting", "offline"]


@dataclass(frozen=True, slots=True)
class HostEntry:
    """A host as the hub lists it; ``sampled`` is when the hub received its newest reading, by the hub's clock."""

    name: str
    display: str
    state: str
    error: str = ""
    sampled: float | None = None
    values: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Process:
    """One of a host's busiest processes."""

    pid: int
    name: str
    user: str
    cpu: float | None
    memory: float | None


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """A service as the hub lists it."""

    name: str
    url: str
    state: str
    response_ms: float | None = None
    checked: float | None = None
    reason: str = ""
    """Why it is not up, or why nobody knows."""
    tls_days: int | None = None
    """Days until its certificate ends."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a service."""

    name: str
    at: float
    status: str
    response_ms: float | None = None
    code: int | None = None
    tls_days: int | None = None
    error: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class HostsTold:
    """The answer to ``AskHosts``; ``ahead`` is how far the hub's clock is before ours."""

    entries: tuple[HostEntry, ...]
    ahead: float = 0.0
    taken: bool = False
    """Whether its entries were taken in already, part by part."""


@dataclass(frozen=True, slots=True)
class HostsPart:
    """Some entries of a long list, whose ``HostsTold`` follows."""

    entries: tuple[HostEntry, ...]
    ahead: float


@dataclass(frozen=True, slots=True)
class HostTold:
    """The answer to ``AskHost``."""

    entry: HostEntry
    at: float | None
    facts: Mapping[str, object] | None
    processes: tuple[Process, ...] | None


@dataclass(frozen=True, slots=True)
class SeriesTold:
    """The answer to ``AskSeries``."""

    wish: AskSeries
    step: float
    times: tuple[float, ...]
    columns: Mapping[str, list[Reading | None]]


@dataclass(frozen=True, slots=True)
class ServicesTold:
    """The answer to ``AskServices``."""

    entries: tuple[ServiceEntry, ...]


@dataclass(frozen=True, slots=True)
class ChecksTold:
    """The answer to ``AskChecks``; ``uptime`` is a percentage of ``total`` checks."""

    wish: AskChecks
    checks: tuple[Check, ...]
    uptime: float | None = None
    total: int = 0


@dataclass(frozen=True, slots=True)
class AlertsTold:
    """The answer to ``AskAlerts``."""

    alarms: tuple[Incident, ...]
    silences: tuple[Silence, ...]
    maintenance: tuple[Opening, ...] = ()


@dataclass(frozen=True, slots=True)
class IncidentsTold:
    """The answer to ``AskIncidents``, newest first; ``more`` says that there were more than were asked for."""

    wish: AskIncidents
    incidents: tuple[Incident, ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class BeforeTold:
    """The answer to ``AskBefore``; None where there was none."""

    wish: AskBefore
    incident: Incident | None


@dataclass(frozen=True, slots=True)
class WhyTold:
    """The answer to ``AskWhy``."""

    wish: AskWhy
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class LabelsTold:
    """The answer to ``AskLabels``: each host's and service's labels, as ``role=db``."""

    hosts: Mapping[str, tuple[str, ...]]
    services: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class RuleTold:
    """A rule in force; ``seconds`` is how long its condition has to hold, ``subjects`` are globs."""

    name: str
    when: str
    severity: str
    seconds: float
    subjects: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True)
class RulesTold:
    """The answer to ``AskRules``."""

    rules: tuple[RuleTold, ...]


@dataclass(frozen=True, slots=True)
class BacktestTold:
    """The answer to ``AskBacktest``, in lines of text."""

    wish: AskBacktest
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HubTold:
    """The answer to ``AskHub``."""

    hub: Hub


@dataclass(frozen=True, slots=True)
class ActDone:
    """An act is on the hub's disk; ``text`` is its sentence."""

    act: Act
    text: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class SampleTold:
    """A host's reading as it happened."""

    name: str
    display: str
    at: float
    values: Values


@dataclass(frozen=True, slots=True)
class FactsTold:
    """A host's facts have changed."""

    name: str
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CheckTold:
    """A service was checked."""

    check: Check


@dataclass(frozen=True, slots=True)
class AlertTold:
    """An alarm changed its state: which, is asked of the hub."""


@dataclass(frozen=True, slots=True)
class Missed:
    """Events did not reach us; ``count`` None where nobody knows how many."""

    count: int | None = None


@dataclass(frozen=True, slots=True)
class Garbage:
    """Something came that nobody understands."""


@dataclass(frozen=True, slots=True)
class LinkTold:
    """The stream changed: how it is, why, and when the next attempt is made."""

    state: LinkState
    reason: str = ""
    retry_at: float | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A wish was not answered; ``status`` is the hub's, 0 where it could not be asked.

    ``known``: whether it said why in words of its own, as a hub does.
    """

    wish: Wish
    reason: str
    status: int = 0
    known: bool = False


Event = (
    HostsTold
    | HostsPart
    | HostTold
    | SeriesTold
    | ServicesTold
    | ChecksTold
    | AlertsTold
    | IncidentsTold
    | BeforeTold
    | WhyTold
    | HubTold
    | LabelsTold
    | RulesTold
    | BacktestTold
    | ActDone
    | SampleTold
    | FactsTold
    | CheckTold
    | AlertTold
    | Missed
    | Garbage
    | LinkTold
    | Failed
)
