"""Questions to the store's reader, or to the alerter, for commands that end after them.

``asker`` asks the hub of another machine alike.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import zmq

from bus.program import ROADS
from bus.questions import Question, Unanswered, pack_question, read_answer
from bus.sockets import Ask
from bus.standing import absent

if TYPE_CHECKING:
    from bus import judging
    from bus.hubs import Hub

PROGRAMS = {ROADS["reader"]: "store-reader"}
"""Who listens where, if it is called otherwise."""
PATIENCE = 5.0
"""Seconds that a person at a terminal waits for an answer."""


def asked(home: Path, question: Question, *, seconds: float = PATIENCE) -> Any:
    """The answer to ``question`` from the hub whose files are in ``home``; raises ``Unanswered``."""
    return read_answer(question, asked_at(home / "run" / ROADS["reader"], pack_question(question), seconds=seconds))


def asked_alerter(home: Path, question: judging.Question) -> Any:
    """The alerter's answer to ``question``, of the hub whose files are in ``home``; raises ``Unanswered``."""
    from bus.judging import read_answer  # who asks the store needs none of it

    return read_answer(question, asked_at(home / "run" / ROADS["alerter"], pack_question(question)))


def asked_at(socket: Path, question: bytes, *, seconds: float = PATIENCE) -> bytes:
    """The bytes that the program behind ``socket`` answers to ``question``; raises ``Unanswered``."""
    if not socket.exists():
        raise _away(socket)
    until = time.monotonic() + seconds
    with zmq.Context() as context:
        ask = Ask(context)
        try:
            ask.connect(f"ipc://{socket}")
            if not ask.raw.poll(_left(until), zmq.POLLOUT):
                raise Unanswered(f"nobody answers at {socket}")
            ask.raw.send_multipart([b"1", question])
            if not ask.raw.poll(_left(until)):
                raise Unanswered(f"no answer within {seconds:g} s")
            frames = ask.raw.recv_multipart()
        finally:
            ask.close()
    return frames[-1]


class Asking:
    """Many questions to the store's reader over one connection, for commands that read much."""

    def __init__(self, home: Path, *, seconds: float = PATIENCE) -> None:
        self._socket = home / "run" / ROADS["reader"]
        self._seconds = seconds
        self._context: zmq.Context[Any] = zmq.Context()
        self._ask: Ask | None = None
        self._number = 0

    def __enter__(self) -> Asking:
        return self

    def __exit__(self, *_: object) -> None:
        if self._ask is not None:
            self._ask.close()
        self._context.term()

    def now(self) -> int:
        """What time it is on the hub's clock, ns."""
        return time.time_ns()

    def ask(self, question: Question) -> Any:
        """The answer to ``question``; raises ``Unanswered``."""
        if not self._socket.exists():
            raise _away(self._socket)
        if self._ask is None:
            self._ask = Ask(self._context)
            self._ask.connect(f"ipc://{self._socket}")
        until = time.monotonic() + self._seconds
        self._number += 1
        number = b"%d" % self._number
        if not self._ask.raw.poll(_left(until), zmq.POLLOUT):
            raise Unanswered(f"nobody answers at {self._socket}")
        self._ask.raw.send_multipart([number, pack_question(question)])
        while self._ask.raw.poll(_left(until)):
            frames = self._ask.raw.recv_multipart()
            if frames[0] == number:
                return read_answer(question, frames[-1])
        raise Unanswered(f"no answer within {self._seconds:g} s")


class Asker(Protocol):
    """Somebody who asks a hub; closed when the block ends."""

    def __enter__(self) -> Asker: ...
    def __exit__(self, *_: object) -> None: ...

    def now(self) -> int:
        """What time it is on the hub's clock, ns; raises ``Unanswered``."""
        ...

    def ask(self, question: Any) -> Any:
        """The answer to ``question``; raises ``Unanswered``."""
        ...


def asker(place: Hub | None, home: Path, *, seconds: float = PATIENCE) -> Asker:
    """Who asks the hub at ``place``; without one, that whose files are in ``home``."""
    if place is None:
        return Asking(home, seconds=seconds)
    from bus.afar import Afar  # it takes HTTP, which is of no use here at home

    return Afar(place, seconds=seconds)


def _away(socket: Path) -> Unanswered:
    program = PROGRAMS.get(socket.name, socket.stem)
    return Unanswered(f"nobody answers: {socket} is not there, so {absent(program, socket.parents[1])}")


def _left(until: float) -> int:
    return max(0, int(1000 * (until - time.monotonic())))
