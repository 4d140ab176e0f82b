"""The store's past, asked of its reader a page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import zmq

from alerter.judge import Judge
from alerter.replay import Received
from bus.messages import HUB, KINDS
from bus.program import ROADS
from bus.questions import Latest, Layouts, Question, Range, Subjects, Unanswered, pack_question, read_answer
from bus.sockets import Ask
from bus.wire import Malformed, read

PATIENCE = 20_000
"""Milliseconds to wait for one page."""
PAGE = 10_000
PAST = ("sample", "check", "loss")


class History:
    """A connection to the reader of the hub in ``home``; use it in a ``with``."""

    def __init__(self, home: Path, *, hosts: str = "*") -> None:
        self._path = home / "run" / ROADS["reader"]
        self._hosts = hosts
        self._number = 0
        self._subjects: dict[str, list[Any]] = {}
        self.layouts: dict[int, tuple[str, ...]] = {}

    def __enter__(self) -> Self:
        if not self._path.exists():
            raise Unanswered(f"nobody answers: {self._path} is not there, so the hub is not running here")
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._ask = Ask(self._context)
        self._ask.connect(f"ipc://{self._path}")
        try:
            for kind in PAST:
                found = self.ask(Subjects(kind)).subjects
                self._subjects[kind] = [one for one in found if self._wanted(one.subject) or is_room(one.subject)]
        except Unanswered:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ask.close()
        self._context.term()

    def ask(self, question: Question) -> Any:
        """The answer; raises ``Unanswered``."""
        if not self._ask.raw.poll(PATIENCE, zmq.POLLOUT):
            raise Unanswered("the store's reader is not there")
        self._number += 1
        number = self._number.to_bytes(8, "big")
        self._ask.raw.send_multipart([number, pack_question(question)])
        while self._ask.raw.poll(PATIENCE):
            parts = self._ask.raw.recv_multipart()
            if parts[0] == number:
                return read_answer(question, parts[1])
        raise Unanswered(f"the store's reader did not answer within {PATIENCE // 1000} s")

    def introduce(self, judges: Sequence[Judge], start: int) -> None:
        """Let the judges know who was there at ``start``, and how often hosts report."""
        for kind in ("sample", "check"):
            for one in self._subjects[kind]:
                if one.first_at < start <= one.received and self._wanted(one.subject):
                    what = "service" if kind == "check" else "hub" if one.subject.startswith(HUB) else "host"
                    for judge in judges:
                        judge.known(what, one.subject, start, start)
        # Facts are told again and again: a host did not come with its newest, but with its first sample.
        came = {one.subject: max(start, one.first_at) for one in self._subjects["sample"]}
        for stored in self.ask(Latest("facts")).records:
            for record in read(stored.record):
                if self._wanted(record.subject) and record.subject in came:
                    for judge in judges:
                        judge.facts(record, KINDS["facts"].decode(record.body), came[record.subject])

    def _wanted(self, subject: str) -> bool:
        return fnmatchcase(subject, self._hosts)

    def fetch(self, judges: Sequence[Judge], start: int, end: int) -> Iterator[Received]:
        """The records that were measured from ``start`` up to ``end``; the judges learn their layouts."""
        for kind, subjects in self._subjects.items():
            for one in subjects:
                if one.first_at < end and one.last_at >= start:
                    yield from self._page(judges, kind, one.subject, start, end)

    def _page(self, judges: Sequence[Judge], kind: str, subject: str, start: int, end: int) -> Iterator[Received]:
        records = self.ask(Range(kind, subject, start, end - 1, PAGE)).records
        if len(records) == PAGE and end - start > 1_000_000_000:
            middle = (start + end) // 2
            yield from self._page(judges, kind, subject, start, middle)
            yield from self._page(judges, kind, subject, middle, end)
            return
        for stored in records:
            try:
                found = read(stored.record)
            except Malformed:
                continue
            if not self._wanted(subject):
                yield stored.received, None
                continue
            for record in found:
                if record.kind == "sample":
                    self._learn(judges, KINDS["sample"].decode(record.body).layout)
                yield stored.received, record

    def _learn(self, judges: Sequence[Judge], layout: int) -> None:
        if layout not in self.layouts:
            names = self.ask(Layouts((layout,))).layouts.get(layout)
            self.layouts[layout] = tuple(names) if names else ()
            if names:
                for judge in judges:
                    judge.layout(layout, tuple(names))


def is_room(subject: str) -> bool:
    """Whether it is one of Guardia's own: these are always read, since they tell when the hub heard anything."""
    return subject.startswith(HUB)
