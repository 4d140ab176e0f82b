"""A speaker with a loop of its own, and channels that do what a test says."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from alerter.channels.common import Carries, Channel
from alerter.incidents import Hold, Incident
from alerter.letters import Letter
from alerter.memory import Memory, MemoryFull, Transaction
from alerter.outbox import Delivered, Outcome
from alerter.routes import Notify
from alerter.speaker import Speaker
from alerter.speaking import means
from bus.config import Secret
from bus.loop import Loop
from bus.messages import Notice
from bus.workers import Workers
from tests.alerter.shapes import NOON

LOG = logging.getLogger("guardia.test")


@dataclass(frozen=True, kw_only=True)
class Friend(Channel):
    """A channel that does what the test says."""

    outcomes: list[Outcome | Exception] = field(default_factory=list)
    heard: list[Letter] = field(default_factory=list)
    key: Secret = Secret("s3same-open")  # noqa: RUF009
    gate: threading.Event | None = None

    def send(self, letter: Letter, carrier: Carries) -> Outcome:
        if self.gate is not None:
            self.gate.wait(60)
        outcome = self.outcomes.pop(0) if self.outcomes else Delivered("ok")
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, Delivered):
            self.heard.append(letter)
        return outcome

    def texts(self) -> list[tuple[str, str]]:
        """What was heard: about what, of whom."""
        return [(item.about, item.incident.subject) for letter in self.heard for item in letter.items]


class Narrow(Memory):
    """A memory whose disk is full when the test says so."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.refuses: list[bool] = []

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Refused at its end if that is the next thing in ``refuses``."""
        with super().transaction() as transaction:
            yield transaction
            if self.refuses and self.refuses.pop(0):
                raise MemoryFull("no room")


class Room:
    """A speaker with a loop of its own on a memory in a folder; ``ahead`` of real time by so many seconds.

    What waits longer than a test does is due when the test says so: ``ahead`` grows.
    """

    def __init__(
        self, folder: Path, channels: Mapping[str, Channel], notify: Notify | None = None, now: int = NOON
    ) -> None:
        notify = notify or Notify(group_seconds=0.0)
        self.ahead = 0.0
        self.memory, self.loop = Narrow(folder / "alerter"), Loop(self._clock)
        self.workers = Workers(self.loop, max(2, len(channels)), "notice")
        self.notices: list[Notice] = []
        self.now = now
        self.speaker = Speaker(
            self.memory,
            means(replace(notify, private_networks=("127.0.0.0/8",)), channels),
            loop=self.loop,
            workers=self.workers,
            log=LOG,
            tell=lambda notice, _subject, _at: self.notices.append(notice),
            wall=lambda: self.now,
            clock=self._clock,
            chance=lambda: 0.0,
        )
        self.speaker.start()

    def judged(self, *incidents: Incident, holds: Mapping[str, Sequence[Hold]] | None = None) -> Any:
        with self.memory.transaction() as transaction:
            return self.speaker.consider(transaction, incidents, holds or {}, self.now)

    def _clock(self) -> float:
        return time.monotonic() + self.ahead

    def until(self, seen: Callable[[], bool], seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while not seen():
            assert time.monotonic() < end, "it did not happen"
            self.loop.pass_once(0.05)

    def waiting(self) -> int:
        with self.memory.reading() as view:
            return view.count("outbox")

    def quiet(self) -> None:
        self.until(lambda: self.waiting() == 0)

    def told(self, incident: Incident) -> Mapping[str, Any]:
        with self.memory.reading() as view:
            return self.speaker.history(view, incident.id)

    def close(self) -> None:
        self.workers.close()
        self.memory.close()


Rooms = Callable[..., Room]
