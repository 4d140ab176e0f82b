"""A judge at noon, and hosts that say what they are told to say."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from alerter.committer import Committer
from alerter.config import RuleTable
from alerter.deciding import Decision
from alerter.holding import Holding
from alerter.incidents import Hold, Incident
from alerter.judge import Judge
from alerter.machine import Change
from alerter.memory import Memory
from alerter.notices import Reason
from alerter.rules import Rule, compiled
from bus.messages import Check, Layout, Sample, layout_id
from bus.tables import Host, Service
from bus.wire import Record, record

SECOND = 1_000_000_000
NOON = 1_700_000_000 - 1_700_000_000 % 86_400 + 12 * 3600
"""Noon of a day, in s."""


def at(seconds: float) -> int:
    """So many seconds after noon, in ns."""
    return int((NOON + seconds) * SECOND)


def rule(when: str, name: str = "test", **given: Any) -> Rule:
    """A rule of the operator's."""
    return compiled(RuleTable(name=name, when=when, **given))


class World:
    """A judge, and what hosts say to it by the hub's clock in seconds after noon."""

    def __init__(
        self, *rules: Rule, hosts: Sequence[Host] = (), services: Sequence[Service] = (), began: float = -60.0
    ) -> None:
        self.judge = Judge(rules, hosts, services, now=at(began))
        self.now = began
        self.decisions: list[Decision] = []
        self.settled_elsewhere = False
        self._numbers: dict[str, int] = {}

    def says(self, seconds: float, host: str = "web-1", late: float = 0.0, skew: float = 0.0, **given: Any) -> None:
        """A sample; ``cpu=95`` is ``cpu.percent``."""
        names = {
            "cpu": "cpu.percent",
            "memory": "memory.percent",
            "root": "disk[/].percent",
            "home": "disk[/home].percent",
        }
        self.sample(seconds, host, {names.get(name, name): value for name, value in given.items()}, late, skew)

    def sample(
        self,
        seconds: float,
        host: str = "web-1",
        values: Mapping[str, float | None] | None = None,
        late: float = 0.0,
        skew: float = 0.0,
    ) -> None:
        """A sample with these readings."""
        values = values or {"cpu.percent": 1.0}
        layout = Layout(tuple(values))
        self.judge.layout(layout.id, layout.names)
        sent = at(seconds + skew)
        self._take(
            host, Sample(layout_id(layout.names), tuple(values.values())), seconds, sent, sent - int(late * SECOND)
        )

    def checks(self, seconds: float, service: str = "shop", status: str = "up", place: str = "", **given: Any) -> None:
        """The outcome of a check."""
        self._take(
            service, Check(status, place=place, **given), seconds, at(seconds), at(seconds), source="guardia.prober"
        )

    def _take(
        self, subject: str, message: Any, seconds: float, sent: int, measured: int, source: str | None = None
    ) -> None:
        source = source or subject
        self._numbers[source] = number = self._numbers.get(source, 0) + 1
        told = record(message, source=source, subject=subject, at=measured, epoch=7, number=number, sent=sent)
        self.take(told, seconds)

    def take(self, told: Record, seconds: float) -> None:
        """A record that the collector received then."""
        self.passes(seconds)
        if told.kind == "sample":
            self.judge.sample(told, at(seconds))
        else:
            self.judge.check(told, told.message(), at(seconds))
        self._collect()

    def passes(self, seconds: float) -> None:
        """Time passes until then."""
        self.now = max(self.now, seconds)
        self.judge.advance(at(seconds))
        self._collect()

    def starts_anew(self, host: str, number: int) -> None:
        """The host's next message bears this number."""
        self._numbers[host] = number - 1

    def _collect(self) -> None:
        if not self.settled_elsewhere:
            self.decisions += self.judge.decider.taken()

    def changes(self, subject: str | None = None) -> list[tuple[float, str]]:
        """What changed, and when in seconds after noon."""
        return [
            (one.at / SECOND - NOON, str(one.change))
            for one in self.decisions
            if one.change is not None and subject in (None, one.subject)
        ]

    def told(self) -> list[tuple[float, str]]:
        """As ``changes``, but only what an incident begins or ends with."""
        return [change for change in self.changes() if change[1] in (Change.FIRED, Change.RESOLVED)]


class Hearer:
    """A speaker that remembers what it was asked to consider."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, tuple[str, ...]]] = []
        self.seen: set[tuple[str, int]] = set()
        self.spoken: list[tuple[str, str]] = []
        """(subject, state) of each transition that nothing held back, once."""

    def consider(
        self,
        transaction: Any,
        incidents: Sequence[Incident],
        holds_by_incident: Mapping[str, Sequence[Hold]],
        now: int,
    ) -> Mapping[str, Sequence[Reason]]:
        """Remember."""
        for one in incidents:
            causes = tuple(hold.cause for hold in holds_by_incident.get(one.id, ()))
            self.heard.append((one.subject, one.state, causes))
            if not causes and (one.id, one.transition) not in self.seen:
                self.seen.add((one.id, one.transition))
                self.spoken.append((one.subject, one.state))
        free = [one.id for one in incidents if not holds_by_incident.get(one.id)]
        return {id: [Reason("told", "told ops")] for id in free}

    def forget(self, transaction: Any, incident: str) -> None:
        """Nothing was kept."""

    def jumped(self, transaction: Any, incidents: Sequence[str], by: int) -> None:
        """Nothing waits."""


class Teller:
    """A voice that remembers what it said."""

    def __init__(self) -> None:
        self.told: list[tuple[str | None, Any]] = []
        self.flushed = 0

    def tell(self, message: Any, *, at: int, subject: str | None = None) -> bool:
        """Remember."""
        self.told.append((subject, message))
        return True

    def flush(self) -> None:
        """Count it."""
        self.flushed += 1


def committer(
    world: World, memory: Memory, speaker: Any = None, windows: Sequence[Any] = ()
) -> tuple[Committer, Any, Teller]:
    """A committer over the world's judge."""
    speaker, teller = speaker or Hearer(), Teller()
    world.settled_elsewhere = True
    made = Committer(
        world.judge, Holding(windows, silent=25 * SECOND), memory, speaker, teller, logging.getLogger("test")
    )
    return made, speaker, teller
