"""What is asked of the store for a back-test, and what judges are told of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerter.history import PAGE, History
from alerter.judge import Judge
from bus.messages import Check, Facts, Layout, Sample
from bus.questions import (
    Latest,
    LayoutNames,
    Layouts,
    Range,
    Records,
    Stored,
    Subject,
    SubjectList,
    Subjects,
)
from bus.tables import Host
from bus.wire import Record, pack, record
from tests.alerter.given import SECOND, at, rule

CPU = Layout(("cpu.percent",))
Row = tuple[int, int, bytes]
"""Measured, received, record."""


class Past:
    """A store, by kind and subject; it remembers what it was asked."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], list[Row]] = {}
        self.facts: list[bytes] = []
        self.imported: set[str] = set()
        self.asked: list[Any] = []

    def has(self, one: Record, received: float) -> None:
        self.rows.setdefault((one.kind, one.subject), []).append((one.at, at(received), pack(one)))

    def ask(self, question: Any) -> Any:
        self.asked.append(question)
        match question:
            case Subjects(kind):
                return SubjectList(
                    tuple(self._subject(name, rows) for (of, name), rows in self.rows.items() if of == kind)
                )
            case Range(kind, subject, start, end, limit):
                rows = sorted(row for row in self.rows[kind, subject] if start <= row[0] <= end)[-limit:]
                return Records(tuple(Stored(received, packed) for _, received, packed in rows))
            case Latest("facts"):
                return Records(tuple(Stored(at(0), packed) for packed in self.facts))
            case Layouts(ids):
                return LayoutNames({CPU.id: CPU.names} if CPU.id in ids else {})
        raise AssertionError(question)

    def _subject(self, name: str, rows: Sequence[Row]) -> Subject:
        measured = [row[0] for row in rows]
        return Subject(name, min(measured), max(measured), max(row[1] for row in rows), name in self.imported)


def sample(seconds: float, host: str = "web-1", layout: Layout = CPU) -> Record:
    return record(Sample(layout.id, (10.0,)), source=host, subject=host, at=at(seconds), epoch=7, number=1)


def check(seconds: float, service: str = "shop") -> Record:
    return record(Check("up"), source="guardia.prober", subject=service, at=at(seconds), epoch=7, number=1)


def judge() -> Judge:
    return Judge((), (), (), now=at(0))


@pytest.fixture
def past() -> Past:
    return Past()


@settings(max_examples=25)
@given(st.integers(1, 10 * SECOND // PAGE), st.floats(-0.1, 1.1), st.floats(-0.1, 1.1))
def test_each_record_of_the_range_is_told_once_however_many_they_are(step: int, begin: float, until: float) -> None:
    past, count = Past(), 5 * PAGE // 2
    past.rows["sample", "guardia.store"] = [(number * step, number, b"") for number in range(count)]
    start, end = int(begin * count) * step, int(until * count) * step + 1

    told = list(History(past.ask, hosts="nobody").fetch((), start, end))

    first, last = max(0, int(begin * count)), min(count - 1, int(until * count))
    assert sorted(received for received, _ in told) == list(range(first, last + 1))


def test_more_at_one_moment_than_a_page_holds_are_asked_for_once(past: Past) -> None:
    past.rows["sample", "guardia.store"] = [(at(1), at(1), b"")] * (PAGE + 1)

    assert len(list(History(past.ask, hosts="nobody").fetch((), at(0), at(2)))) == PAGE


def test_of_what_nobody_asks_for_only_rooms_are_read_and_as_a_sign_of_life(past: Past) -> None:
    for host in ("web-1", "db-1", "guardia.store"):
        past.has(sample(5, host), 6)
    past.has(check(7, "shop"), 8)
    past.has(check(7, "web-shop"), 9)

    found = list(History(past.ask, hosts="web-*").fetch((judge(),), at(0), at(60)))

    assert sorted((received, one.subject if one else "") for received, one in found) == [
        (at(6), ""),
        (at(6), "web-1"),
        (at(9), "web-shop"),
    ]


def test_what_has_nothing_in_the_range_is_not_asked_for(past: Past) -> None:
    past.has(sample(10, "web-1"), 10)
    past.has(sample(20, "web-1"), 20)
    found = History(past.ask)
    for start, end, asks in [(0, 10, 0), (0, 10.001, 1), (20, 30, 1), (20.001, 30, 0), (12, 15, 1)]:
        past.asked.clear()
        list(found.fetch((judge(),), at(start), at(end)))
        assert len([one for one in past.asked if isinstance(one, Range)]) == asks, (start, end)


def test_judges_learn_each_layout_once_and_what_nobody_announced_too(past: Past) -> None:
    strange = Layout(("never.announced",))
    for seconds in (1, 2):
        past.has(sample(seconds), seconds)
        past.has(sample(seconds, "web-2", strange), seconds)
    one, other = judge(), judge()
    found = History(past.ask)

    assert len(list(found.fetch((one, other), at(0), at(60)))) == 4
    assert found.layouts == {CPU.id: CPU.names, strange.id: ()}
    assert [one for one in past.asked if isinstance(one, Layouts)] == [Layouts((CPU.id,)), Layouts((strange.id,))]
    assert one.layouts.get(CPU.id) == other.layouts.get(CPU.id) == CPU.names


def test_those_are_known_at_the_start_who_were_there_before_and_are_still_heard(past: Past) -> None:
    for name, began, last in (("web-1", -60, 60), ("late", 0, 60), ("left", -60, -1), ("guardia.store", -60, 60)):
        past.has(sample(began, name), began)
        past.has(sample(last, name), last)
    past.has(sample(-60, "web-2"), -60)
    past.has(sample(0, "web-2"), 0)
    past.has(check(-60, "web-shop"), -60)
    past.has(check(60, "web-shop"), 60)
    past.has(sample(-60, "web-rust"), -60)
    past.has(sample(60, "web-rust"), 60)
    past.imported.add("web-rust")
    met = judge()

    History(past.ask, hosts="[wl]*").introduce((met,), at(0))

    assert sorted(met.subjects) == [("host", "web-1"), ("host", "web-2"), ("service", "web-shop")]


def test_facts_are_told_of_hosts_that_were_sampled_as_of_when_they_came(past: Past) -> None:
    for host, first in (("web-1", -60), ("web-2", 30), ("guardia.store", -60)):
        past.has(sample(first, host), first)
        past.has(sample(60, host), 60)
    for host in ("web-1", "web-2", "web-3", "guardia.store"):
        told = Facts(host, interval=30.0)
        past.facts.append(pack(record(told, source=host, subject=host, at=at(50), epoch=7, number=2)))
    past.facts.append(b"rubbish")
    met = judge()

    History(past.ask, hosts="web-*").introduce((met,), at(0))

    assert sorted(name for _, name in met.subjects) == ["web-1", "web-2"]
    assert met.subjects["host", "web-1"].first == at(0)
    assert met.subjects["host", "web-2"].first == at(30)


def test_a_host_that_came_meanwhile_is_expected_from_its_first_word_on(past: Past) -> None:
    past.has(sample(-60, "web-1"), -60)
    past.has(sample(0, "web-1"), 0)
    past.has(sample(90, "web-2"), 90)
    met = Judge(
        (rule("age > 2m", name="silent"),), [Host(name=name) for name in ("web-1", "web-2", "web-3")], now=at(0)
    )

    History(past.ask).introduce((met,), at(0))

    since = {name: max(one.heard, one.first) for (_, name), one in met.subjects.items()}
    assert since == {"web-1": at(0), "web-2": at(90), "web-3": at(0)}, "of one that never came nobody ever heard"
