"""What is known of hosts, services and the link to the hub. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from viewer.digest import Digest, digest, parts
from viewer.events import (
    Check,
    CheckTold,
    Event,
    FactsTold,
    Garbage,
    HostEntry,
    HostsPart,
    HostsTold,
    HostTold,
    LabelsTold,
    LinkState,
    LinkTold,
    Missed,
    Process,
    SampleTold,
    ServiceEntry,
    ServicesTold,
    Values,
)
from viewer.names import natural

LATE = 10.0
"""Seconds between measuring and arriving that are the network's; more are told as the reading's age."""
SILENT = 120.0
"""Without a reading for so long a host does not look alive, and counts as down, as the hub judges it."""
BACK = 60.0
"""Where the newest that the hub has is older by so many seconds than what is known here, whose clock it is was set
back; where what it received is newer by as much, that did not reach us, or seemed to be of the past."""

ORDER = ("down", "degraded", "stale", "unknown", "up")
"""States, the most urgent first."""


class Lag(NamedTuple):
    """The median and the greatest age of the newest readings, in seconds; how many arrived late."""

    median: float | None
    oldest: float | None
    late: int


@dataclass(slots=True)
class Host:
    """One host as last told. Times are by our clock."""

    name: str
    display: str
    state: str = "unknown"
    error: str = ""
    values: Values = field(default_factory=dict)
    sampled: float = -1.0
    """When the newest reading was taken, by the host's clock; -1 before the first."""
    heard: float | None = None
    """When it arrived; None where none ever did."""
    late: float = 0.0
    """How long it took to arrive, where that is longer than networks take."""
    spacing: float | None = None
    """Seconds between readings, as observed."""
    facts: Mapping[str, object] = field(default_factory=dict)
    processes: tuple[Process, ...] | None = None
    _digest: Digest | None = None
    _digested: Values | None = None

    def age(self, now: float) -> float | None:
        """How old the newest reading is; None without one."""
        return None if self.heard is None else max(0.0, now - self.heard) + self.late

    @property
    def interval(self) -> float:
        """Seconds between readings: as the host says, else as observed."""
        said = self.facts.get("interval")
        if isinstance(said, (int, float)) and not isinstance(said, bool) and 0 < said < 86_400:
            return float(said)
        return self.spacing or 15.0

    def fresh(self, now: float) -> bool:
        """Whether the newest reading may be shown as current."""
        age = self.age(now)
        return age is not None and (age <= 5.0 or age <= 3 * self.interval)

    def value(self, name: str) -> float | None:
        """A metric's newest reading."""
        return self.values.get(name)

    def instances(self, group: str) -> dict[str, dict[str, float | None]]:
        """The readings of ``group[instance].field`` by instance and field."""
        found: dict[str, dict[str, float | None]] = {}
        for name, value in self.values.items():
            one, instance, what = parts(name)
            if one == group and instance:
                found.setdefault(instance, {})[what] = value
        return found

    @property
    def digest(self) -> Digest:
        """The numbers of the list of hosts; worked out once for each reading."""
        if self._digest is None or self._digested is not self.values:
            self._digest, self._digested = digest(self.values), self.values
        return self._digest


@dataclass(slots=True)
class Service:
    """One service as last told."""

    name: str
    url: str = ""
    state: str = "unknown"
    response_ms: float | None = None
    checked: float | None = None
    last: Check | None = None
    reason: str = ""
    """Why it is not up, or why nobody knows, as the hub's list says."""
    listed_tls_days: int | None = None

    @property
    def why(self) -> str:
        """What its last check ended with; where none was made, why not."""
        return (self.last.error if self.last else None) or (self.reason if self.state != "up" else "")

    @property
    def tls_days(self) -> int | None:
        """Days until its certificate ends, as the last check found."""
        return self.last.tls_days if self.last else self.listed_tls_days


@dataclass(slots=True)
class Link:
    """The stream from the hub; ``since`` is when it became what it is."""

    state: LinkState = "connecting"
    reason: str = ""
    retry_at: float | None = None
    since: float = 0.0
    lost_at: float | None = None
    """When it was last live; None while it is."""


@dataclass(slots=True)
class World:
    """Everything that the hub told."""

    hosts: dict[str, Host] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    link: Link = field(default_factory=Link)
    ahead: float = 0.0
    """How far the hub's clock is before ours."""
    garbage: int = 0
    missed: int = 0
    labels: LabelsTold = field(default_factory=lambda: LabelsTold({}, {}))
    """Of hosts and services by name, as ``role=db``."""
    hosts_told: bool = False
    services_told: bool = False
    changes: int = 0
    """Grows whenever a host or service comes, goes or changes its state."""
    names: int = 0
    """Grows whenever a host comes, goes or is called otherwise."""
    _named: tuple[int, list[Host]] = field(default_factory=lambda: (-1, []), repr=False)
    _lag: tuple[int, float, Lag | None] = (-1, 0.0, None)
    _counted: tuple[int, dict[str, int]] = field(default_factory=lambda: (-1, {}))

    def take(self, event: Event, now: float) -> None:
        """Take in what the hub told."""
        match event:
            case SampleTold():
                self._sample(event, now)
            case HostsTold():
                self._listed(event, now)
            case HostsPart():
                self.ahead = event.ahead
                for entry in event.entries:
                    self._entry(entry, now)
            case HostTold():
                self._described(event, now)
            case FactsTold():
                self._host(event.name, event.name).facts = event.facts
            case ServicesTold():
                self._services(event)
            case CheckTold():
                self._checked(event.check)
            case LabelsTold():
                self.changes += event != self.labels
                self.labels = event
            case LinkTold():
                self._linked(event, now)
            case Missed():
                self.missed += event.count or 1
            case Garbage():
                self.garbage += 1
            case _:
                pass

    def words(self, host: Host) -> tuple[str, ...]:
        """What a filter looks at."""
        return host.name, host.display, host.state, *self.labels.hosts.get(host.name, ())

    def counts(self) -> dict[str, int]:
        """How many hosts are in each state."""
        changes, found = self._counted
        if changes != self.changes:
            found = dict(Counter(host.state for host in self.hosts.values()))
            self._counted = self.changes, found
        return found

    def lag(self, now: float) -> Lag:
        """How old the newest readings of hosts are that are up; counted once a second."""
        changes, at, found = self._lag
        if found is None or changes != self.changes or not 0 <= now - at < 1:
            up = [host for host in self.hosts.values() if host.state == "up"]
            ages = sorted(max(0.0, now - host.heard) + host.late for host in up if host.heard is not None)
            late = sum(host.late > 0 for host in self.hosts.values())
            found = Lag(ages[len(ages) // 2], ages[-1], late) if ages else Lag(None, None, late)
            self._lag = self.changes, now, found
        return found

    def named(self) -> list[Host]:
        """The hosts by name, as people count; kept until one comes, goes or is called otherwise."""
        names, found = self._named
        if names != self.names or len(found) != len(self.hosts):
            found = sorted(self.hosts.values(), key=lambda host: (natural(host.display), host.name))
            self._named = self.names, found
        return found

    def set_back(self, now: float) -> None:
        """Our own clock was set back to ``now``: nothing arrived after that, and who is silent is so from now on."""
        for host in self.hosts.values():
            if host.heard is not None:
                host.heard = min(host.heard, now)

    def _host(self, name: str, display: str) -> Host:
        host = self.hosts.get(name)
        if host is None:
            host = self.hosts[name] = Host(name, display)
            self.changes += 1
            self.names += 1
        return host

    def _sample(self, told: SampleTold, now: float) -> None:
        host = self._host(told.name, told.display)
        if told.at < host.sampled:
            return  # sent again after a cut: the past, not the present
        if host.sampled >= 0 and 0 < told.at - host.sampled < 3600:
            step = told.at - host.sampled
            host.spacing = step if host.spacing is None else min(host.spacing * 1.5, step)
        host.sampled, host.values, host.heard = told.at, told.values, now
        late = now + self.ahead - told.at
        host.late = late if late > LATE else 0.0
        if late < SILENT:
            self._state(host, "up")

    def _listed(self, told: HostsTold, now: float) -> None:
        self.ahead = told.ahead
        self.hosts_told = True
        names = {entry.name for entry in told.entries}
        for gone in [name for name in self.hosts if name not in names]:
            del self.hosts[gone]
            self.changes += 1
            self.names += 1
        for entry in told.entries if not told.taken else ():
            self._entry(entry, now)

    def _entry(self, entry: HostEntry, now: float) -> Host:
        host = self._host(entry.name, entry.display)
        host.error = entry.error
        if host.display != entry.display:
            host.display = entry.display
            self.names += 1
            self.changes += 1
        heard = None if entry.sampled is None else min(now, entry.sampled - self.ahead)
        if heard is not None and (host.heard is None or heard > host.heard):
            if host.heard is not None and heard > host.heard + BACK:
                host.sampled = -1.0  # whatever comes next is newer than what is known here
            host.heard = heard
            # The list tells less than the stream, and some of it under other names.
            told = {name: value for name, value in entry.values.items() if name in host.values}
            if entry.values:
                host.values = {**host.values, **told} if host.values else entry.values
        self._state(host, entry.state)
        return host

    def _described(self, told: HostTold, now: float) -> None:
        host = self._entry(told.entry, now)
        if told.at is not None and _newer(told.at, host.sampled):
            host.sampled, host.values = told.at, told.entry.values
        if told.facts is not None:
            host.facts = told.facts
        if told.processes is not None:
            host.processes = told.processes

    def _services(self, told: ServicesTold) -> None:
        self.services_told = True
        names = {entry.name for entry in told.entries}
        for gone in [name for name in self.services if name not in names]:
            del self.services[gone]
        for entry in told.entries:
            self._service(entry)

    def _service(self, entry: ServiceEntry) -> None:
        service = self.services.setdefault(entry.name, Service(entry.name))
        service.url, service.state, service.reason = entry.url, entry.state, entry.reason
        service.listed_tls_days = entry.tls_days
        if entry.checked is not None and _newer(entry.checked, service.checked):
            service.checked, service.response_ms = entry.checked, entry.response_ms
            if service.last is not None and service.last.at != entry.checked:
                service.last = None  # what it ended with is no longer so: the list has the words of a later one

    def _checked(self, check: Check) -> None:
        service = self.services.setdefault(check.name, Service(check.name, check.url))
        if service.checked is None or check.at >= service.checked:
            service.checked, service.response_ms = check.at, check.response_ms
            service.state, service.last = check.status, check

    def _linked(self, told: LinkTold, now: float) -> None:
        if told.state == "live":
            self.link.lost_at = None
        elif self.link.state == "live":
            self.link.lost_at = now
        if told.state != self.link.state:
            self.link.since = now
        self.link.state, self.link.reason, self.link.retry_at = told.state, told.reason, told.retry_at

    def _state(self, host: Host, state: str) -> None:
        if host.state != state:
            host.state = state
            self.changes += 1


def _newer(told: float, known: float | None) -> bool:
    """Whether what the hub calls the newest, measured at ``told``, is to replace what is known, measured then."""
    return known is None or told >= known or told < known - BACK
