"""Readings, checks and passing time to decisions and incidents. Pure.

The alerter and ``guardia backtest`` feed the same records to the same judge, by the times at
which the collector received them; so they agree. What came of it is taken from ``decider``.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterable, Sequence

from alerter.bound import bound
from alerter.deciding import Decider, verdict_of
from alerter.hearing import Hearing
from alerter.jumps import jumped, past
from alerter.layouts import STORE, Layouts
from alerter.leaving import miss, withdraw
from alerter.machine import State
from alerter.rules import Rule
from alerter.subjects import NEVER, Cell, Kept, Subject, kind_of
from alerter.waiting import Waiting
from bus.copies import COPIES, Copies, place_of
from bus.fields import Unfit
from bus.messages import DRILL, Check, Facts, Loss, doubles, seen_from, split_sample
from bus.tables import Host, Service
from bus.timing import LONGEST, SECOND
from bus.wire import Record

LATE = 60 * SECOND
"""What was measured so long before it was sent, or two of its intervals, is the past and not judged as live."""
MOST_EPOCHS = 64
"""Of a subject: of a service each place has one, and of what was sent again the longest unheard is known no more."""


class Judge:
    """All subjects and their alarms. Times in ns by the hub's clock."""

    def __init__(
        self,
        rules: Sequence[Rule],
        hosts: Iterable[Host] = (),
        services: Iterable[Service] = (),
        *,
        now: int,
        flapping_count: int = 5,
    ) -> None:
        self.hearing = Hearing(now)
        self.subjects: dict[tuple[str, str], Subject] = {}
        self.late = 0
        self.decider = Decider(flapping_count)
        self.layouts = Layouts()
        self._waiting = Waiting()
        self._due: list[tuple[int, int, Subject]] = []
        self._copies = Copies()
        self._order = itertools.count()
        self.rules: tuple[Rule, ...] = ()
        self._services: dict[str, Service] = {}
        self.use(rules, hosts, services, now)

    # -- settings ---

    def use(self, rules: Sequence[Rule], hosts: Iterable[Host], services: Iterable[Service], now: int) -> None:
        """Judge by these rules from now on; alarms of rules that are no more end."""
        self.rules = (*rules, *(rule for rule in self.rules if rule.drill))
        named = self._services.keys()
        self._hosts = {host.name: host for host in hosts}
        self._services = {service.name: service for service in services}
        # What is not expected any longer lives on as something that was heard.
        for subject in self.subjects.values():
            self._set_up(subject, now)
        withdraw(self.subjects, self.decider, now, named=named)
        for name, host in self._hosts.items():
            if not host.gone:
                self.subject("host", name, now)
        for name in self._services:
            self.subject("service", name, now)

    def drill(self, rule: Rule | None, now: int) -> None:
        """Judge Guardia's own drill by ``rule``; None: it is over, and what it made burn ends."""
        self.rules = (*(one for one in self.rules if not one.drill), *((rule,) if rule else ()))
        self._set_up(self.subject("hub", DRILL, now), now)

    def subject(self, kind: str, name: str, now: int) -> Subject:
        """The subject of that name, made when it is new."""
        found = self.subjects.get((kind, name))
        if found is None:
            found = self.subjects[kind, name] = Subject(kind, name, self.hearing, now)
            self._set_up(found, now)
        return found

    def _set_up(self, subject: Subject, now: int) -> None:
        """Take what the configuration says of it, and the rules that concern it."""
        table: Host | Service | None
        if subject.kind == "service":
            table = self._services.get(subject.name)
            subject.parent = table.host if table else ""
            subject.url = table.url if table else ""
            subject.spacing = int(table.interval * SECOND) if table else 0
        else:
            host = table = self._hosts.get(subject.name)
            subject.parent = host.parent if host else ""
            subject.display = (host.display if host else "") or subject.name
            subject.interval = (host.interval if host else None) or subject.told_interval
        subject.configured = table is not None
        subject.labels = dict(table.labels) if table else {}
        concerns = () if self.gone(subject) else self.rules
        subject.rules = tuple(r for r in concerns if r.concerns(subject.kind, subject.name, subject.labels))
        self._bind(subject, subject.bound.names, now)
        for cell in subject.standing():
            self.decider.renew(subject, cell, now)

    def gone(self, subject: Subject) -> str:
        """By what the configuration says that it is no more; empty where it does not."""
        if subject.kind == "hub" and self._copies.surplus(subject.name):
            return "fewer of its kind are to run"
        host = None if subject.kind == "service" else self._hosts.get(subject.name)
        return "gone = true in [[hosts]]" if host is not None and host.gone else ""

    def _counted(self, told: Subject, now: int) -> None:
        """Learn from a program of the hub how many of its kind there are to be."""
        if self._copies.heard(told.name, told.reading(COPIES), now):
            for subject in self.subjects.values():
                if subject.kind == "hub" and place_of(subject.name)[0] == place_of(told.name)[0]:
                    if not subject.rules and subject is not told:
                        subject.heard, subject.first = 0, now  # from now on it is expected
                    self._set_up(subject, now)

    def _bind(self, subject: Subject, names: tuple[str, ...], now: int) -> None:
        """Line the subject's cells up with the names of its readings."""
        if subject.bound.names != names:
            subject.packed = b""
        found = subject.bound = bound(subject.rules, names)
        cells: dict[tuple[str, str], Cell] = {}
        subject.line = []
        for one in found.cells:
            key = (one.rule.name, one.instance)
            cell = subject.cells.get(key) or Cell(one.rule, one.instance)
            cell.rule, cell.missing = one.rule, 0
            cells[key] = cell
            subject.line.append(cell)
        in_force = {rule.name: rule for rule in subject.rules}
        for key, cell in subject.cells.items():
            if key in cells or (cell.alarm is None and not cell.fired):
                continue
            rule = in_force.get(cell.rule.name)
            if rule is not None and rule.judges(cell.instance):
                cell.rule, cell.missing = rule, cell.missing or now
                cells[key] = cell
            else:
                subject.at(now)
                what = "program" if subject.kind == "hub" else subject.kind
                why = f"the {what} is gone" if self.gone(subject) else f"the rule {cell.rule.name} no longer holds here"
                self.decider.end(subject, cell, why)
        subject.cells = cells
        self._schedule(subject)

    # -- what is heard ---

    def layout(self, number: int, names: tuple[str, ...], source: str = STORE) -> None:
        """Learn the names of a layout that ``source`` announced; samples that waited for it are judged."""
        self.layouts.learn(number, names, source)
        for record, received in self._waiting.taken(number):
            self.sample(record, received)

    def knows_of(self, name: str) -> bool:
        """Whether there is a host or room of that name."""
        return (kind_of(name), name) in self.subjects

    def unknown_layouts(self) -> tuple[int, ...]:
        """Layouts that samples wait for."""
        return self._waiting.layouts()

    def sample(self, record: Record, received: int) -> None:
        """Judge one sample that the collector received at ``received``."""
        try:
            number, packed = split_sample(record.body)
        except Unfit:
            return
        kind = kind_of(record.subject)
        subject = self.subjects.get((kind, record.subject))
        if (names := self.layouts.get(number)) is None:
            self._waiting.add(number, record, received)
            # It speaks, though nobody knows yet what: its silence ends, and all else is judged by when it came.
            if subject is not None:
                subject.heard = max(subject.heard, received)
                if any(subject.standing()):
                    self._look(subject, max(received, subject.now))
            return
        if len(packed) != 8 * len(names):
            return
        values = doubles(len(names)).unpack(packed)
        if math.inf in values or -math.inf in values:
            return  # as ``bus.messages`` has it: none of ours
        subject = subject or self.subject(kind, record.subject, received)
        if not self._heard(subject, record, received):
            return
        if subject.bound.names != names:
            self._bind(subject, names, received)
        subject.packed = packed
        if kind == "hub":
            self._counted(subject, received)
        self._judge_all(subject, values)

    def check(self, record: Record, check: Check, received: int) -> None:
        """Judge the outcome of a check."""
        name = record.subject
        subject = self.subjects.get(("service", name)) or self.subject("service", name, received)
        if not self._heard(subject, record, received):
            return
        self._judge_all(subject, self._saw(subject, record, check, received))

    def _saw(self, service: Subject, record: Record, check: Check, received: int) -> Sequence[float]:
        """Take in what a place saw of a service; its readings."""
        numbers = service.saw(seen_from(record.source, check), check, received)
        if service.bound.names != tuple(numbers):
            self._bind(service, tuple(numbers), received)
        return service.keep(numbers.values())

    def facts(self, record: Record, facts: Facts, received: int) -> None:
        """Learn how often a host is going to report, where the configuration does not say it."""
        host = self._hosts.get(record.subject)
        if facts.interval and 0 < facts.interval <= LONGEST:
            subject = self.subject(kind_of(record.subject), record.subject, received)
            subject.told_interval = facts.interval
            if subject.interval != facts.interval and not (host is not None and host.interval):
                subject.interval = facts.interval
                self._schedule(subject)

    def loss(self, loss: Loss, received: int, *, judged: bool = True) -> None:
        """Learn that messages of a producer are lost for ever; told again, it is the same loss.

        ``judged`` False: it was told to an earlier life, and is remembered for what is judged from now on.
        """
        subject = self.subject(kind_of(loss.stream), loss.stream, received)
        subject.lose((loss.epoch, loss.first), received, loss.last - loss.first + 1)
        if judged:
            self._look(subject, max(received, subject.now))
        self._schedule(subject)

    def known(self, kind: str, name: str, heard: int, now: int) -> Subject:
        """A subject that the store knows, heard at ``heard`` for the last time."""
        subject = self.subject(kind, name, now)
        subject.heard = max(subject.heard, heard)
        self._schedule(subject)
        return subject

    def recall(self, record: Record, received: int, now: int) -> None:
        """Know again what a host said last, or what a place told of a service, which an earlier life judged."""
        if record.kind == "check" and (service := self.subjects.get(("service", record.subject))):
            self._saw(service, record, record.message(), received)
        subject = self.subjects.get((kind_of(record.subject), record.subject))
        try:
            number, packed = split_sample(record.body)
        except Unfit:
            return
        names = self.layouts.get(number) or ()
        if subject is not None and not subject.packed and names and len(packed) == 8 * len(names):
            self._bind(subject, names, now)
            subject.packed = packed

    def _heard(self, subject: Subject, record: Record, received: int) -> bool:
        """Note that the subject speaks; whether what it says is of now."""
        if record.epoch:
            known = subject.epochs.pop(record.epoch, 0)
            subject.epochs[record.epoch] = max(known, record.number)
            if record.number <= known:
                return False
            if len(subject.epochs) > MOST_EPOCHS:
                del subject.epochs[next(iter(subject.epochs))]
        subject.at(max(received, subject.now))
        subject.heard = max(subject.heard, received)
        if record.sent:
            subject.skew = (record.sent - received) / 1e9
            if record.sent - record.at > max(LATE, int(2e9 * subject.interval)):
                self.late += 1
                # It is the past that speaks, but it speaks: it is not silent.
                self._look(subject, subject.now)
                return False
        return True

    # -- passing time ---

    def advance(self, now: int) -> None:
        """Judge at each whole second up to ``now`` what may have changed because nothing was heard.

        To be called before a record is judged with the time at which it was received, and when time passes.
        """
        second = now - now % SECOND
        while self.next_due() <= second:
            due, _, subject = heapq.heappop(self._due)
            subject.due = NEVER
            self._look(subject, max(due, subject.now))

    def next_due(self) -> int:
        """The second at which ``advance`` may find something, NEVER when none."""
        while self._due and self._due[0][0] != self._due[0][2].due:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else NEVER

    def listens(self, since: int, away: int = 0) -> None:
        """The alerter begins to listen, and judges what was ``since``; nobody listened for ``away`` (ns)."""
        self.hearing.begins(since, away)
        self._schedule_all()

    def hears(self, now: int) -> None:
        """The hub hears again."""
        deaf = self.hearing.returns(now)
        for subject in self.subjects.values():
            subject.let_off(now, deaf)
        self._schedule_all()

    def jumped(self, by: int, now: int) -> None:
        """The hub's clock was set by ``by`` (ns) to ``now``: nobody is silent for that, and no wait is longer."""
        for subject in self.subjects.values():
            jumped(subject, by, now)
            subject.due = NEVER
        self._due.clear()
        self.hearing.jumped(by, now)
        self._schedule_all()

    def _schedule_all(self) -> None:
        for subject in self.subjects.values():
            self._schedule(subject)

    def _schedule(self, subject: Subject) -> None:
        due = subject.next_due()
        if due < subject.due:
            subject.due = due
            heapq.heappush(self._due, (due, next(self._order), subject))

    def _look(self, subject: Subject, now: int) -> None:
        subject.at(now)
        if subject.bound.timed:
            values = subject.values()
            for place in subject.bound.timed:
                truth = subject.bound.cells[place].truth(values, subject)
                self.decider.decide(subject, subject.line[place], place, truth, values)
        self._schedule(subject)

    # -- judging ---

    def _judge_all(self, subject: Subject, values: Sequence[float]) -> None:
        found, news = subject.bound, False
        if found.feeds:
            subject.feed(values)
        for place, (one, cell) in enumerate(zip(found.cells, subject.line, strict=True)):
            truth = one.truth(values, subject)
            if found.paced and truth is not None and not cell.takes(subject.now):
                continue
            if cell.alarm is None:
                if truth is cell.truth and truth is not True:
                    continue
            elif truth is True and cell.alarm.state is State.FIRING:
                continue
            news |= self.decider.decide(subject, cell, place, truth, values)
        if len(subject.cells) != len(subject.line):
            miss(subject, self.decider)
        if found.timed and (news or subject.due == NEVER):
            self._schedule(subject)

    # -- what came of it ---

    def standing(self) -> Iterable[tuple[Subject, Cell]]:
        """Every alarm that is not quiet."""
        return ((subject, cell) for subject in self.subjects.values() for cell in subject.standing())

    # -- from one life to the next ---

    def restore(self, kept: Iterable[Kept], now: int) -> None:
        """Go on with alarms that were kept; those that nothing judges any more end."""
        for one in kept:
            subject = self.subject(one.kind, one.subject, now)
            rule = next((r for r in subject.rules if r.name == one.rule and r.judges(one.instance)), None)
            cell = subject.cells.get((one.rule, one.instance)) or Cell(rule or one.no_rule(), one.instance)
            cell.alarm = past(one.alarm, now) if one.alarm.state is not State.QUIET else None
            cell.fired, cell.incident, cell.turn = one.fired, one.incident, one.turn
            cell.verdict = verdict_of(one.alarm.state, True, False) if cell.alarm else ""
            if cell.incident is not None:
                self.decider.open[cell.incident.id] = cell.incident
            if rule is not None:
                if (one.rule, one.instance) not in subject.cells:
                    cell.missing = now
                    subject.cells[one.rule, one.instance] = cell
                self.decider.renew(subject, cell, now)
                self._schedule(subject)
            elif cell.alarm is not None:
                subject.at(max(now, subject.now))
                self.decider.end(subject, cell, f"no rule {one.rule} is judged here any longer")
