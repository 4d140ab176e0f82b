"""The rules in force: those that Guardia brings, the operator's, and the old limits. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from alerter.config import RuleTable
from alerter.terms import Condition, condition
from bus.judging import RuleShown
from bus.messages import DRILL
from bus.tables import Host
from bus.timing import SECOND

_EVERY = ("*",)


@dataclass(frozen=True)
class Rule:
    """One rule; times in ns. Two rules are the same when they are the same object."""

    name: str
    kind: str
    """host, service or hub."""
    when: Condition
    clear: Condition | None = None
    wait: int = 0
    times: int = 1
    settle: int = 0
    severity: str = "warning"
    subjects: tuple[str, ...] = _EVERY
    labels: Mapping[str, str] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    unreachable: bool = False
    advice: str = ""
    """What to do when it fires."""
    own: bool = True
    """Whether the operator wrote it."""
    every: int = 0
    """Of readings that come faster one counts in each time of this length; 0: all do."""
    drill: bool = False
    """Whether it is the one that judges Guardia's own drill, and nothing else."""

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    @property
    def timed(self) -> bool:
        """Whether its findings may change while nothing is heard."""
        return self.when.timed or (self.clear is not None and self.clear.timed)

    def concerns(self, kind: str, subject: str, labels: Mapping[str, str]) -> bool:
        """Whether it is to be judged for this subject."""
        if (subject == DRILL) != self.drill:
            return False
        if kind != self.kind or any(labels.get(name) != value for name, value in self.labels.items()):
            return False
        return any(fnmatchcase(subject, glob) for glob in self.subjects)

    def judges(self, instance: str) -> bool:
        """Whether it has alarms of this form: one for each instance, or one of the whole, whose instance is empty."""
        return self.when.wild == bool(instance)

    def shown(self) -> RuleShown:
        """The rule as other rooms see it."""
        return RuleShown(
            name=self.name,
            kind=self.kind,
            when=self.when.text,
            clear=self.clear.text if self.clear else "",
            severity=self.severity,
            seconds=self.wait / SECOND,
            clear_seconds=self.settle / SECOND,
            own=self.own,
            subjects=self.subjects,
            channels=self.channels,
            labels=dict(self.labels),
            advice=self.advice,
        )


def calls_unreachable(rules: Iterable[Rule], name: str) -> bool:
    """Whether the rule of this name says that nobody gets to its subject."""
    return any(rule.unreachable and rule.name == name for rule in rules)


DEFAULTS: tuple[RuleTable, ...] = (
    RuleTable(
        name="host-silent",
        when="age > 2m and age > 3 * interval",
        severity="critical",
        hosts=_EVERY,
        unreachable=True,
    ),
    RuleTable(
        name="disk-nearly-full",
        when="disk[*].percent > 90",
        for_=300.0,
        clear="disk[*].percent < 87",
        clear_for=60.0,
    ),
    RuleTable(
        name="inodes-nearly-full",
        when="disk[*].inodes_percent > 90",
        for_=300.0,
        clear="disk[*].inodes_percent < 87",
        clear_for=60.0,
    ),
    RuleTable(
        name="memory-exhausted",
        when="memory.percent > 95",
        for_=300.0,
        clear="memory.percent < 90",
        clear_for=60.0,
    ),
    RuleTable(
        name="out-of-memory",
        when="memory.oom_kills_per_s > 0",
        clear="memory.oom_kills_per_s == 0",
        clear_for=600.0,
    ),
    RuleTable(name="filesystem-read-only", when="disk[*].read_only > 0", severity="critical"),
    RuleTable(name="filesystem-errors", when="disk[*].errors > 0"),
    RuleTable(name="raid-degraded", when="raid[*].missing > 0", for_=60.0, severity="critical"),
    RuleTable(name="bond-degraded", when="bond[*].missing > 0", for_=60.0),
    RuleTable(name="memory-faulty", when="ecc[*].uncorrected_errors > 0", severity="critical"),
    RuleTable(
        name="battery-low",
        when="battery[*].percent < 20 and battery[*].discharging > 0",
        clear="battery[*].percent >= 25 or battery[*].discharging == 0",
        severity="critical",
    ),
    RuleTable(name="metric-failing", when="failing[*].seconds > 300", clear="failing[*].seconds == 0"),
    RuleTable(name="container-unhealthy", when="container[*].healthy == 0", for_=60.0),
    RuleTable(
        name="container-restarting",
        when="container[*].restarting > 0",
        clear="container[*].restarting == 0",
        clear_for=600.0,
    ),
    RuleTable(
        name="conntrack-nearly-full",
        when="conntrack.percent > 90",
        for_=60.0,
        clear="conntrack.percent < 80",
        clear_for=60.0,
        severity="critical",
    ),
    RuleTable(
        name="service-down",
        when="service.state == down",
        clear="service.state == up or service.state == degraded",
        severity="critical",
        unreachable=True,
    ),
    # One that lives for days is renewed, by itself, when a third or a half of them are left.
    RuleTable(
        name="certificate-expiring",
        when="tls.days < 14 and tls.left_percent < 25",
        for_=600.0,
        clear="tls.days >= 15 or tls.left_percent >= 30",
    ),
    RuleTable(name="domain-expiring", when="check.domain_days < 14", clear="check.domain_days >= 15"),
    RuleTable(
        name="clock-skew",
        when="clock.skew_seconds > 30 or clock.skew_seconds < -30",
        for_=300.0,
        clear="clock.skew_seconds < 10 and clock.skew_seconds > -10",
        clear_for=60.0,
        hosts=_EVERY,
    ),
    RuleTable(name="data-lost", when="lost.messages > 0", clear="lost.messages == 0", hosts=_EVERY),
    RuleTable(
        name="drill-missed",
        when="drill.overdue_seconds > 0",
        severity="critical",
        rooms=("guardia.alerter",),
    ),
    RuleTable(
        name="store-full",
        when="store.full > 0",
        for_=20.0,
        clear="store.full == 0",
        clear_for=60.0,
        severity="critical",
        rooms=("guardia.store-writer",),
    ),
    RuleTable(name="store-damaged", when="sealer.damaged > 0", rooms=("guardia.store-sealer",)),
    RuleTable(name="two-hosts", when="store[*].two_hosts > 0", rooms=("guardia.store-writer",)),
    # One reading may be of a clock that was just set.
    RuleTable(
        name="canary-late",
        when="canary.age_seconds > 60",
        times=3,
        clear="canary.age_seconds < 30",
        severity="critical",
        rooms=("guardia.api-*",),
    ),
    RuleTable(
        name="channel-broken",
        when="channels[*].broken > 0",
        severity="critical",
        rooms=("guardia.alerter",),
    ),
    RuleTable(name="service-unwatched", when="services[*].lacking > 0", rooms=("guardia.prober",)),
    # A place tells its vitals as a host tells its own; a host that goes mad is not to make an alarm of each sample.
    RuleTable(name="place-unwatching", when="services[*].lacking > 0", for_=60.0, hosts=_EVERY),
    RuleTable(
        name="room-restarting",
        when="program.crashes >= 3",
        clear="program.crashes < 1",
        severity="critical",
        rooms=("guardia.*",),
    ),
    RuleTable(name="room-unwell", when="age > 1m", severity="critical", rooms=("guardia.*",)),
)
"""Few, and each worth waking somebody or looking at in the morning."""


def in_force(tables: Sequence[RuleTable], hosts: Iterable[Host] = (), *, defaults: bool = True) -> tuple[Rule, ...]:
    """The rules that hold: those that Guardia brings, changed by name, then the operator's, then hosts' limits."""
    brought = {table.name: table for table in DEFAULTS} if defaults else {}
    own = {table.name: table for table in tables}
    rules = []
    for name, table in brought.items():
        merged = changed(table, own[name]) if name in own else table
        if merged.enabled:
            rules.append(compiled(merged, own=name in own))
    rules += [compiled(table) for name, table in own.items() if name not in brought and table.enabled and table.when]
    for host in hosts:
        # They counted readings that were asked for each interval; an agent may report far more often.
        every = int((host.interval or 0.0) * SECOND)
        rules += [replace(compiled(table), every=every) for table in limits_of(host)]
    return tuple(rules)


def changed(table: RuleTable, by: RuleTable) -> RuleTable:
    """A rule that Guardia brings, with what the operator says about it in place of its own."""
    given = {}
    for name in RuleTable.__dataclass_fields__:
        said = getattr(by, name)
        # A new condition does not go with the old recovery.
        replaces = name == "clear" and bool(by.when)
        given[name] = said if replaces or (said is not None and said not in ("", (), {})) else getattr(table, name)
    if any((by.hosts, by.services, by.rooms)):
        given.update(hosts=by.hosts, services=by.services, rooms=by.rooms)
    return RuleTable(**given)


def compiled(table: RuleTable, *, own: bool = True) -> Rule:
    """The rule that a table describes; raises ``Misread``."""
    when = condition(table.when)
    kind = "service" if table.services else "hub" if table.rooms else when.kind or "host"
    return Rule(
        name=table.name,
        kind=kind,
        when=when,
        clear=condition(table.clear) if table.clear else None,
        wait=int((table.for_ or 0.0) * SECOND),
        times=table.times or 1,
        settle=int((table.clear_for or 0.0) * SECOND),
        severity=table.severity or "warning",
        subjects=table.services or table.rooms or table.hosts or _EVERY,
        labels=dict(table.labels),
        channels=table.channels,
        advice=table.advice,
        unreachable=bool(table.unreachable),
        own=own,
    )


def drill(channel: str) -> Rule:
    """The rule of a drill that tells ``channel``; a word of an operator's own rule never meets it."""
    table = RuleTable(name="drill", when="drill.breach > 0", severity="info", rooms=(DRILL,), channels=(channel,))
    return replace(compiled(table, own=False), drill=True)


LIMITS = {
    "temperature": "avg(temperature[*].celsius)",
    "usage": "cpu.percent",
}
"""The old limits: the mean of all sensors that gave a reading, and the mean of all cores."""


def limits_of(host: Host) -> list[RuleTable]:
    """The old ``limit`` and ``grace`` as rules.

    A value at the limit violates it; the alarm fires at reading number ``grace`` + 1 in a row that does, and any
    reading below ends it. Where the host has an ``interval``, one reading counts in each.
    """
    tables = []
    for name, reading in LIMITS.items():
        limit = host.limits.get(name)
        if limit is not None:
            tables.append(
                RuleTable(
                    name=f"{name}-limit-{re.sub('[^A-Za-z0-9._-]', '-', host.name)[:40]}",
                    when=f"{reading} >= {limit.limit:.15g}",
                    times=limit.grace + 1,
                    hosts=(host.name,),
                    channels=limit.channels,
                )
            )
    return tables
