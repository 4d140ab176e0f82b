"""The judge over history: the same records, the same seconds, and what would have been told. Pure."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from alerter.config import Maintenance
from alerter.deciding import Decision
from alerter.handing import hand
from alerter.holding import Holding
from alerter.incidents import Incident
from alerter.judge import LATE, Judge
from alerter.machine import Change
from alerter.rules import Rule, calls_unreachable
from alerter.subjects import NEVER
from bus.tables import Host, Service
from bus.timing import SECOND
from bus.wire import Record

Received = tuple[int, Record | None]
"""When it was received, ns, and the record; None for one that nobody asked about: it shows that the hub heard."""
Fetch = Callable[[int, int], Iterable[Received]]
"""Gives the records that were measured from one time up to (not including) another, in any order."""


@dataclass(slots=True)
class Outcome:
    """What some rules would have done. ``notices``: alarms and recoveries that somebody would have been told of."""

    incidents: dict[str, Incident] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    suppressed: dict[str, str] = field(default_factory=dict)
    records: int = 0

    @property
    def notices(self) -> int:
        """One for each alarm that was told, one for its recovery."""
        return sum(1 + (self.incidents[id].ended_at is not None) for id in self.told)

    def minutes(self, end: int) -> float:
        """Minutes in which alarms burned, from the begin of what they are about; each alarm counted."""
        return sum((one.ended_at or end) - one.started_at for one in self.incidents.values()) / 60e9


class Replay:
    """One set of rules on its way through history."""

    def __init__(
        self,
        rules: Sequence[Rule],
        hosts: Sequence[Host],
        services: Sequence[Service],
        windows: Sequence[Maintenance],
        start: int,
        *,
        flapping_count: int = 5,
        settle: int = 60 * SECOND,
        silent: int = NEVER,
    ) -> None:
        """``silent``: after so long (ns) without any record the hub itself heard nothing, and no silence counts."""
        self.judge = Judge(rules, hosts, services, now=start, flapping_count=flapping_count)
        self.outcome = Outcome()
        self._holding = Holding(windows, settle=settle, silent=silent)
        self._looked = self._heard = start
        self._silent = silent

    def take(self, record: Record | None, received: int) -> None:
        """Judge one record; None: only note that something was heard."""
        self.passes(received)
        self._heard = max(self._heard, received)
        if self.judge.hearing.blind:
            self.judge.hears(received)
        if record is not None:
            hand(self.judge, record, received)
            self._collect(received)
            self.outcome.records += 1

    def passes(self, now: int) -> None:
        """Let time pass up to ``now``."""
        if now - self._heard > self._silent and not self.judge.hearing.blind:
            self._advance(self._heard + self._silent)
            self.judge.hearing.ends(self._heard)
        self._advance(now)

    def _advance(self, now: int) -> None:
        # Decisions and holds are looked at when they change, which is at whole seconds.
        while (due := self.judge.next_due()) <= now - now % SECOND:
            self.judge.advance(due)
            self._collect(due)
        if now - self._looked >= SECOND:
            self._looked = now
            self._speak(now)

    def _collect(self, now: int) -> None:
        decisions: list[Decision] = self.judge.decider.taken()
        for one in decisions:
            if one.incident is None or one.change not in (Change.FIRED, Change.RESOLVED):
                continue
            self.outcome.incidents[one.incident.id] = one.incident
            if one.change is Change.RESOLVED and calls_unreachable(self.judge.rules, one.rule):
                self._holding.ended(one.incident, one.at)
        if decisions:
            self._speak(now)

    def _speak(self, now: int) -> None:
        untold = [one for id, one in self.judge.decider.open.items() if id not in self.outcome.told]
        for id, holds in self._holding.held(untold, self.judge, now).items():
            if holds:
                self.outcome.suppressed[id] = holds[0].detail
            else:
                self.outcome.told.add(id)
                self.outcome.suppressed.pop(id, None)


def replayed(replays: Sequence[Replay], fetch: Fetch, start: int, end: int, *, slice_ns: int = 3600 * SECOND) -> None:
    """Take ``replays`` through the records from ``start`` to ``end``, a slice at a time."""
    order = itertools.count()
    ahead: list[tuple[int, int, Record | None]] = []
    begin = start
    while begin < end:
        until = min(begin + slice_ns, end)
        for received, record in fetch(begin, until):
            if record is None or not is_late(record):
                heapq.heappush(ahead, (received, next(order), record))
        # A clock that goes wrong puts a record into another slice than the one in which it was received.
        while ahead and ahead[0][0] < until:
            received, _, record = heapq.heappop(ahead)
            for one in replays:
                one.take(record, received)
        for one in replays:
            one.passes(until)
        begin = until


def is_late(record: Record) -> bool:
    """Whether it was sent so long after it was measured that it was no news when it came."""
    return record.kind in ("sample", "check") and record.sent - record.at > LATE * 60


def difference(old: Outcome, new: Outcome) -> tuple[list[Incident], list[Incident]]:
    """(incidents that only the new rules give, those that only the old ones give), by the time they fired."""
    added = [one for id, one in new.incidents.items() if id not in old.incidents]
    gone = [one for id, one in old.incidents.items() if id not in new.incidents]
    return sorted(added, key=lambda one: one.started_at), sorted(gone, key=lambda one: one.started_at)
