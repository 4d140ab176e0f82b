"""Lives of an alerter on one memory, with a store that it can ask for what it missed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import zmq

from alerter.catching import Catching
from alerter.committer import Committer
from alerter.listening import Listening
from alerter.memory import Memory
from alerter.rules import Rule
from bus.loop import Loop
from bus.messages import IMPORT, Layout, Message, Sample
from bus.questions import (
    Column,
    Latest,
    LayoutNames,
    Layouts,
    Range,
    Records,
    Series,
    SeriesAnswer,
    Stored,
    Subject,
    SubjectList,
    Subjects,
    pack_answer,
    read_question,
)
from bus.sockets import Ask
from bus.vitals import Vitals
from bus.wire import pack, read, record
from tests.alerter.given import SECOND, Hearer, World, at, committer
from tests.alerter.stair import Stair

CPU = Layout(("cpu.percent",))


class Store:
    """What was stored, and a reader of it."""

    def __init__(self, context: zmq.Context[Any]) -> None:
        self.answers: zmq.Socket[bytes] = context.socket(zmq.ROUTER)
        self.address = f"tcp://127.0.0.1:{self.answers.bind_to_random_port('tcp://127.0.0.1')}"
        self.rows: list[Stored] = []
        self.series: list[tuple[float, float]] = []
        self.asked: list[Any] = []
        self._number = 0

    def keeps(
        self, seconds: float, message: Message, subject: str = "web-1", *, source: str = "", ahead: float = 0.0
    ) -> None:
        """A record of that time, by a clock that is ``ahead``."""
        self._number += 1
        one = record(
            message,
            source=source or subject,
            subject=subject,
            at=at(seconds + ahead),
            epoch=8,
            number=self._number,
            sent=at(seconds + ahead),
        )
        self.rows.append(Stored(at(seconds), pack(one)))

    def says(self, seconds: float, cpu: float, subject: str = "web-1", ahead: float = 0.0) -> None:
        """A sample of that time."""
        self.keeps(seconds, Sample(CPU.id, (cpu,)), subject, ahead=ahead)

    def answer(self) -> None:
        """Answer what was asked."""
        try:
            who, number, question = self.answers.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return
        self.asked.append(read_question(question))
        self.answers.send_multipart([who, number, pack_answer(self._found(self.asked[-1]))])

    def _found(self, question: Any) -> Any:
        match question:
            case Subjects(kind=kind):
                names = {one.subject for one, _ in self._of(kind)}
                return SubjectList(tuple(self._subject(kind, name) for name in sorted(names)))
            case Latest(kind=kind, subjects=wanted):
                newest = {one.subject: row for one, row in self._of(kind) if wanted is None or one.subject in wanted}
                return Records(tuple(newest.values()))
            case Range(kind=kind, subject=name, start=start, end=end):
                return Records(tuple(r for one, r in self._of(kind) if one.subject == name and start <= one.at < end))
            case Layouts():
                return LayoutNames({CPU.id: CPU.names})
            case Series(metrics=(metric,)):
                values = tuple(value for _, value in self.series)
                column = Column(metric, values, values, values, values, tuple(1 for _ in values))
                return SeriesAnswer(tuple(at(second) for second, _ in self.series), SECOND, "rows", 1.0, (column,))
        raise AssertionError(question)

    def _of(self, kind: str) -> list[tuple[Any, Stored]]:
        return [(one, row) for row in self.rows for one in read(row.record) if one.kind == kind]

    def _subject(self, kind: str, name: str) -> Subject:
        found = [(one.at, row.received, one.source) for one, row in self._of(kind) if one.subject == name]
        imported = max(found)[2] == IMPORT
        return Subject(name, min(found)[0], max(found)[0], max(received for _, received, _ in found), imported)


class Alerter:
    """One life of judge and committer, which catches up with a store."""

    def __init__(
        self, store: Store, memory: Memory, rules: tuple[Rule, ...], now: float, context: Any, *, patience: float = 10.0
    ) -> None:
        self.world = World(*rules, began=now)
        room, self.speaker, _ = committer(self.world, memory)
        self.committer: Committer = room
        self.store, self.now = store, now
        self.loop = Loop()
        self.ask = Ask(context)
        self.ask.raw.connect(store.address)
        clock = lambda: at(self.now)  # noqa: E731 (it moves)
        log = logging.getLogger("test")
        self.catching = Catching(self.ask, self.loop, self.world.judge, log, clock, patience=patience)
        self.stair = Stair(context)
        self.listening = Listening(
            self.stair,  # type: ignore[arg-type]
            self.world.judge,
            self.committer,
            self.catching,
            Vitals(0.0),
            log,
            silent_seconds=1e9,
            clock=clock,
            monotonic=lambda: self.now,
        )

    def starts(self) -> None:
        """Go on from what was kept, as the program does."""
        self.listening.begin(self.committer.restore(at(self.now)))
        self.catches_up()

    def starts_alone(self) -> None:
        """The same while the store does not answer."""
        self.listening.begin(self.committer.restore(at(self.now)))
        while not self.listening.began:
            self.loop.pass_once(0.01)
        self.passes(self.now)

    def catches_up(self) -> None:
        """Hear what the store answers, until it judges what comes."""
        while not self.listening.began:
            self.store.answer()
            self.loop.pass_once(0.01)
        self.passes(self.now)

    def hears(self, seconds: float) -> None:
        """It is so late, and what came is judged, with what the store has to tell."""
        self.now = seconds
        self.listening.pulse()
        while self.catching.busy:
            self.store.answer()
            self.loop.pass_once(0.01)

    def passes(self, seconds: float) -> None:
        """Time passes."""
        self.now = seconds
        self.world.passes(seconds)
        self.committer.note((), at(seconds))
        self.committer.settle(at(seconds), all_open=True)

    def says(self, seconds: float, cpu: float) -> None:
        """A sample, live."""
        self.now = seconds
        self.store.says(seconds, cpu)
        self.world.says(seconds, cpu=cpu)
        self.passes(seconds)

    def close(self) -> None:
        self.listening.close()
        self.stair.close()
        self.ask.raw.close()


Life = Callable[..., Alerter]
"""Begins a life; the one before it is over."""


def spoken(one: Alerter) -> list[tuple[str, str]]:
    """What people heard in this life."""
    assert isinstance(one.speaker, Hearer)
    return one.speaker.spoken


def until(one: Alerter, seen: Callable[[], bool]) -> None:
    """Let time stand, and the store answer, until something holds."""
    end = time.monotonic() + 60
    while not seen():
        assert time.monotonic() < end, "it did not happen"
        one.store.answer()
        one.loop.pass_once(0.01)
        one.listening.pulse()
