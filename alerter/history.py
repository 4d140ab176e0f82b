"""The store's past, asked of its reader a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from alerter.handing import hand, layout_of
from alerter.judge import Judge
from alerter.replay import Received
from alerter.subjects import kind_of
from bus.faults import fitting_none, meant
from bus.messages import HUB
from bus.questions import Latest, Layouts, Question, Range, Subjects
from bus.wire import Malformed, Record, read

PAGE = 10_000
PAST = ("sample", "check", "loss")
Ask = Callable[[Question], Any]
"""Asks the store; raises ``Unanswered``."""


class History:
    """What the store that is asked by ``ask`` knows of the hosts and services that match ``hosts``."""

    def __init__(self, ask: Ask, *, hosts: str = "*") -> None:
        self._ask = ask
        self._hosts = hosts
        self.layouts: dict[int, tuple[str, ...]] = {}
        self._subjects: dict[str, list[Any]] = {}
        self._stored: set[str] = set()
        for kind in PAST:
            found = ask(Subjects(kind)).subjects
            self._stored.update(one.subject for one in found)
            # Guardia's own are always read: they tell when the hub heard anything.
            self._subjects[kind] = [one for one in found if self._wanted(one.subject) or one.subject.startswith(HUB)]

    def misnamed(self, expected: Sequence[str]) -> str:
        """That ``hosts`` fits nothing that is stored or ``expected``, in a sentence; empty where it does."""
        names = sorted({*self._stored, *expected})
        wrong = fitting_none([self._hosts], names) if self._hosts != "*" else ""
        return f"no host or service {wrong} is known; {meant(wrong, names)}" if wrong else ""

    def introduce(self, judges: Sequence[Judge], start: int) -> None:
        """Let the judges know who was there at ``start``, and how often hosts report."""
        for kind in ("sample", "check"):
            for one in self._subjects[kind]:
                if one.first_at < start <= one.received and self._wanted(one.subject) and not one.imported:
                    what = "service" if kind == "check" else kind_of(one.subject)
                    for judge in judges:
                        judge.known(what, one.subject, start, start)
        # Nobody knows since when a host that came meanwhile is configured: it is expected from its first word on.
        for one in self._subjects["sample"]:
            for judge in judges:
                subject = judge.subjects.get(("host", one.subject))
                if subject is not None and not subject.heard:
                    subject.first = max(subject.first, one.first_at)
        # Facts are told again and again: a host did not come with its newest, but with its first sample.
        came = {one.subject: max(start, one.first_at) for one in self._subjects["sample"]}
        for stored in self._ask(Latest("facts")).records:
            for record in _records(stored.record):
                if self._wanted(record.subject) and record.subject in came:
                    for judge in judges:
                        hand(judge, record, came[record.subject])

    def _wanted(self, subject: str) -> bool:
        return fnmatchcase(subject, self._hosts)

    def fetch(self, judges: Sequence[Judge], start: int, end: int) -> Iterator[Received]:
        """The records that were measured from ``start`` up to ``end``; the judges learn their layouts."""
        for kind, subjects in self._subjects.items():
            for one in subjects:
                if one.first_at < end and one.last_at >= start:
                    yield from self._page(judges, kind, one.subject, start, end)

    def _page(self, judges: Sequence[Judge], kind: str, subject: str, start: int, end: int) -> Iterator[Received]:
        records = self._ask(Range(kind, subject, start, end - 1, PAGE)).records
        if len(records) == PAGE and end - start > 1:
            middle = (start + end) // 2
            yield from self._page(judges, kind, subject, start, middle)
            yield from self._page(judges, kind, subject, middle, end)
            return
        for stored in records:
            if not self._wanted(subject):
                yield stored.received, None
                continue
            for record in _records(stored.record):
                if record.kind == "sample" and (layout := layout_of(record)):
                    self._learn(judges, layout)
                yield stored.received, record

    def _learn(self, judges: Sequence[Judge], layout: int) -> None:
        if layout not in self.layouts:
            names = self._ask(Layouts((layout,))).layouts.get(layout)
            self.layouts[layout] = tuple(names) if names else ()
            if names:
                for judge in judges:
                    judge.layout(layout, tuple(names))


def _records(stored: bytes) -> list[Record]:
    """The records in what the store gave; none where it is damaged."""
    try:
        return read(stored)
    except Malformed:
        return []
