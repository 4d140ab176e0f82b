"""What is known right now: the newest of everything, for answers that need no question to the store. Pure.

Every worker holds its own copy. It is filled once from the store and kept fresh from the stair, so that the list
of hosts goes on being right while the store is away. Samples stay bytes until somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from api.encoding import to_json
from api.received import Told
from api.views.metrics import Plan, plan
from bus.copies import COPIES, Copies
from bus.fields import Unfit
from bus.messages import Alert, Check, Facts, Process, Processes, Sample, seen_from, split_sample
from bus.wire import Malformed

MANY_LAYOUTS = 2000
MANY_NAMES = 400_000
"""Names in all layouts together, about 30 MB: a few invented layouts of thousands of names are many too."""
BEGINNING = 10
"""Bytes of a sample's body up to its numbers: two samples that begin alike are of one layout."""
BURNING = ("firing", "clearing")
"""States in which an alarm burns."""


@dataclass(slots=True)
class HostNow:
    """The newest of one host."""

    heard: int = 0
    """ns: when anything about it was last received."""
    newest: Told | None = None
    before: Told | None = None
    """The sample before ``newest``: a first sample after a start has no rates yet."""
    facts: Facts | None = None
    facts_at: int = -1
    processes: tuple[Process, ...] | None = None
    processes_at: int = -1
    text: tuple[Told, Facts | None, str | None] | None = None
    """The JSON of ``ServerMetrics`` and what it was made from."""


MOST_PLACES = 64
"""Places remembered of one service: a producer may make names up."""


@dataclass(frozen=True, slots=True)
class CheckNow:
    """The newest check of a service."""

    told: Told
    check: Check


@dataclass(slots=True)
class Live:
    """All hosts, services, alarms and the hub's own rooms, as last told."""

    hosts: dict[str, HostNow] = field(default_factory=dict)
    rooms: dict[str, HostNow] = field(default_factory=dict)
    layouts: dict[int, tuple[str, ...]] = field(default_factory=dict)
    checks: dict[str, CheckNow] = field(default_factory=dict)
    places: dict[str, dict[str, CheckNow]] = field(default_factory=dict)
    """The newest check of each service from each place; the hub's own place is the empty name."""
    burning: set[str] = field(default_factory=set)
    """The incidents that burn, as the alerter told when it was asked last, and as was heard of here since."""
    malformed: int = 0
    unused: int = 0
    """Layouts that were forgotten while nobody's newest samples were of them."""
    _unnamed: set[str] = field(default_factory=set)
    """Of whom a sample came whose layout was not known then."""
    _names: int = 0
    """Names in all layouts."""
    _many: tuple[int, int] = (MANY_LAYOUTS, MANY_NAMES)
    """With more layouts, or more names in them, it is looked which of them are in use."""

    def hear(self, told: Told) -> None:
        """Take in one record; a body that cannot be read is counted and forgotten."""
        try:
            if told.kind == "sample":
                self._sample(told)
            elif told.kind == "layout":
                layout = told.message()
                self.learn({layout.id: layout.names})
            elif told.kind == "check":
                self._check(told)
            elif told.kind == "alert":
                self._alert(told)
            elif told.kind in ("facts", "processes"):
                self._described(told)
        except Malformed:
            self.malformed += 1

    def layout_of(self, told: Told) -> tuple[str, ...] | None:
        """The names of a sample's numbers; None while nobody announced them. Raises ``Malformed``."""
        return self.layouts.get(told.message().layout)

    @property
    def unnamed(self) -> bool:
        """Whether a sample came whose layout was not known then; ``unknown_layouts`` tells whether it still is not."""
        return bool(self._unnamed)

    def unknown_layouts(self) -> set[int]:
        """The layouts of newest samples that were never announced to this worker."""
        missing: set[int] = set()
        for subject in list(self._unnamed):
            unknown = self._unknown(subject)
            if unknown:
                missing |= unknown
            else:
                self._unnamed.discard(subject)
        return missing

    def _unknown(self, subject: str) -> set[int]:
        now = self.rooms.get(subject) or self.hosts.get(subject)
        layouts = {_layout(told) for told in (now.newest, now.before) if told is not None} if now else set()
        return {layout for layout in layouts if layout is not None and layout not in self.layouts}

    def decoded(self, told: Told) -> tuple[Plan, Sample] | None:
        """A sample with the plan of its layout; None when either cannot be had."""
        try:
            sample = told.message()
        except Malformed:
            return None
        names = self.layouts.get(sample.layout)
        return (plan(names), sample) if names and len(names) == len(sample.values) else None

    def values(self, told: Told) -> dict[str, float | None] | None:
        """A sample's numbers by metric."""
        found = self.decoded(told)
        return dict(zip(found[0].names, found[1].values, strict=True)) if found else None

    def metrics_text(self, subject: str, told: Told) -> str | None:
        """``ServerMetrics`` of a sample as JSON, made once for the list of hosts and all clients of the stream.

        None when it has no CPU reading.
        """
        now = self.hosts.get(subject)
        facts = now.facts if now else None
        if now and now.text and now.text[0] is told and now.text[1] is facts:
            return now.text[2]
        found = self.decoded(told)
        metrics = found[0].server_metrics(found[1].values, facts) if found else None
        text = None if metrics is None else to_json(metrics)
        if found and now and now.newest is told:
            now.text = (told, facts, text)
        return text

    def latest_text(self, subject: str) -> str | None:
        """The JSON of the newest ``ServerMetrics`` there is: of the newest sample, or of the one before."""
        now = self.hosts.get(subject)
        if now is None or now.newest is None:
            return None
        text = self.metrics_text(subject, now.newest)
        return text if text is not None or now.before is None else self.metrics_text(subject, now.before)

    def forget(self, gone: Callable[[str, int], bool]) -> None:
        """Forget the hosts of which ``gone(name, heard)`` holds."""
        for name in [name for name, host in self.hosts.items() if gone(name, host.heard)]:
            del self.hosts[name]

    def forget_services(self, gone: Callable[[str, int], bool]) -> None:
        """Forget the services of which ``gone(name, when the last check was received)`` holds."""
        for name in [name for name, now in self.checks.items() if gone(name, now.told.received)]:
            del self.checks[name]
            self.places.pop(name, None)

    def learn(self, layouts: Mapping[int, tuple[str, ...]]) -> None:
        """Take in layouts; where there are many by now, those that are in use stay, and these."""
        for layout, names in layouts.items():
            self._names += len(names) - len(self.layouts.get(layout, ()))
            self.layouts[layout] = names
        if len(self.layouts) > self._many[0] or self._names > self._many[1]:
            self._keep_used(set(layouts))

    def _keep_used(self, used: set[int]) -> None:
        """Keep the layouts in use only: interfaces that come and go make new ones, and so does who invents names."""
        for now in (*self.hosts.values(), *self.rooms.values()):
            for told in (now.newest, now.before):
                found = self.decoded(told) if told else None
                if found:
                    used.add(found[1].layout)
        before = len(self.layouts)
        self.layouts = {one: names for one, names in self.layouts.items() if one in used}
        self._names = sum(map(len, self.layouts.values()))
        self.unused += before - len(self.layouts)
        plan.cache_clear()  # each is as large as its layout
        # Where many are in use, looking again at each that comes would cost more than their memory.
        self._many = max(MANY_LAYOUTS, 2 * len(self.layouts)), max(MANY_NAMES, 2 * self._names)

    def programs(self) -> list[tuple[str, HostNow, dict[str, float | None]]]:
        """The hub's own programs that are to run, by name, each with its newest numbers."""
        copies = Copies()
        found = []
        for name, room in sorted(self.rooms.items()):
            values = (self.values(room.newest) if room.newest is not None else None) or {}
            copies.heard(name, values.get(COPIES), room.heard)
            found.append((name, room, values))
        return [one for one in found if not copies.surplus(one[0])]

    def number(self, program: str, name: str) -> float | None:
        """The newest number that one of the hub's own programs told under this name."""
        room = self.rooms.get(program)
        values = self.values(room.newest) if room is not None and room.newest is not None else None
        return values.get(name) if values else None

    def firing(self) -> int:
        """How many alarms burn, as far as it was heard of here."""
        return len(self.burning)

    def set_back(self, now: int, ahead: int = 0) -> None:
        """The hub's clock was set back to ``now``: nothing was received after that, and what comes now is newer.

        What seems to have been received by so much ``ahead`` (ns) of it at most stays as it is.
        """
        for host in (*self.hosts.values(), *self.rooms.values()):
            if host.heard <= now + ahead:
                continue
            host.heard = now
            host.newest, host.before = _by(host.newest, now), _by(host.before, now)
            host.facts_at, host.processes_at = min(host.facts_at, now), min(host.processes_at, now)
        for seen in (self.checks, *self.places.values()):
            late = {name: one for name, one in seen.items() if one.told.received > now + ahead}
            seen |= {name: CheckNow(one.told._replace(received=now), one.check) for name, one in late.items()}

    def _now(self, told: Told) -> HostNow:
        house = self.rooms if told.hub else self.hosts
        now = house.get(told.subject)
        if now is None:
            now = house[told.subject] = HostNow()
        if told.received > now.heard:
            now.heard = told.received
        return now

    def _sample(self, told: Told) -> None:
        now = self._now(told)
        if now.newest is None or told.body[:BEGINNING] != now.newest.body[:BEGINNING]:
            layout = _layout(told)
            if layout is None:
                self.malformed += 1
            elif layout not in self.layouts:
                self._unnamed.add(told.subject)
        # By age and not by the sender's clock: samples sent again after a cut come late and must not look new.
        if now.newest is None or told.born >= now.newest.born:
            now.before, now.newest = now.newest, told
        elif now.before is None or told.born >= now.before.born:
            now.before = told

    def _described(self, told: Told) -> None:
        message = told.message()
        now = self._now(told)
        if isinstance(message, Facts) and told.born >= now.facts_at:
            now.facts, now.facts_at = message, told.born
        elif isinstance(message, Processes) and told.born >= now.processes_at:
            now.processes, now.processes_at = message.rows, told.born

    def _check(self, told: Told) -> None:
        now = CheckNow(told, told.message())
        known = self.checks.get(told.subject)
        if known is None or told.born >= known.told.born:
            self.checks[told.subject] = now
        places = self.places.setdefault(told.subject, {})
        place = seen_from(told.source, now.check)
        before = places.get(place)
        if (before is None and len(places) < MOST_PLACES) or (before and told.born >= before.told.born):
            places[place] = now

    def _alert(self, told: Told) -> None:
        alert: Alert = told.message()
        if alert.state in BURNING:
            self.burning.add(alert.incident)
        else:
            self.burning.discard(alert.incident)


def _layout(told: Told) -> int | None:
    """The layout of a sample; None where its body cannot be read."""
    try:
        return split_sample(told.body)[0]
    except Unfit:
        return None


def _by(told: Told | None, now: int) -> Told | None:
    """A record that was received by then at the latest."""
    return told if told is None or told.received <= now else told._replace(received=now)
