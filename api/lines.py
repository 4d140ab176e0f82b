"""Lines on which questions go to other programs of the hub, many at a time, from a worker's event loop."""

from __future__ import annotations

import asyncio
import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import zmq

from bus.desk import MOST_ANSWER, Inbox, told
from bus.questions import Unanswered
from bus.sockets import Ask
from bus.wire import Malformed

MOST_AT_ONCE = 256
MOST_UNSENT = 2**20
"""So many bytes of questions wait for a reader that takes none; whoever asks more is told so at once."""
READ = 2**18
"""Bytes of an answer that are read at once."""


class Line(ABC):
    """A way on which many questions may be under way. ``open`` it on a running loop."""

    whom: ClassVar[str]
    """Who answers, as the reason of an answer that did not come names it."""

    def __init__(self, *, timeout: float) -> None:
        self._timeout = timeout
        self._number = 0
        self._open: dict[int, asyncio.Future[bytes]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """Listen for answers from now on."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """Stop listening; who still waits gets no answer."""
        self._loop = None
        for future in self._open.values():
            future.cancel()

    async def asked(self, question: bytes) -> bytes:
        """The answer to ``question``; raises ``Unanswered``."""
        return await self.begun(question)

    def begun(self, question: bytes) -> asyncio.Future[bytes]:
        """The answer to ``question`` when it has come; raises ``Unanswered``, and so may what is returned."""
        if self._loop is None:
            raise Unanswered("this worker is starting or stopping")
        if len(self._open) >= MOST_AT_ONCE:
            raise Unanswered(f"{MOST_AT_ONCE} questions wait for it already")
        self._number += 1
        number = self._number
        future: asyncio.Future[bytes] = self._loop.create_future()
        self._open[number] = future
        # Not wait_for: where the answer comes as the task is cancelled, Python 3.11's lets it go on for ever.
        patience = self._loop.call_later(self._timeout, self._give_up, future)

        def over(future: asyncio.Future[bytes]) -> None:
            patience.cancel()
            del self._open[number]

        future.add_done_callback(over)
        try:
            self._send(number, question)
        except BaseException:
            future.cancel()
            raise
        return future

    @abstractmethod
    def _send(self, number: int, question: bytes) -> None:
        """Have it on its way; raises ``Unanswered``."""

    def _told(self, number: int, answer: bytes) -> None:
        future = self._open.get(number)
        if future is not None and not future.done():
            future.set_result(answer)

    def _fail(self, future: asyncio.Future[bytes], why: str) -> None:
        if not future.done():
            future.set_exception(Unanswered(why))

    def _give_up(self, future: asyncio.Future[bytes]) -> None:
        self._fail(future, f"{self.whom} did not answer within {self._timeout:g} s")


class BusLine(Line):
    """Over ZeroMQ.

    A plain socket on the event loop: a message through ``zmq.asyncio`` costs ten times as much as one drained when the
    file descriptor says so. That descriptor tells of *changes* only, so after every send and every receive the socket
    itself is asked whether there is more.
    """

    def __init__(self, connect: Callable[[], Ask], *, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self._connect = connect
        self._ask: Ask | None = None

    def open(self) -> None:
        """Connect and listen for answers."""
        super().open()
        self._ask = self._connect()
        asyncio.get_running_loop().add_reader(self._ask.raw.fileno(), self._drain)

    def close(self) -> None:
        """Stop listening; who still waits gets no answer."""
        if self._ask is not None and self._loop is not None:
            self._loop.remove_reader(self._ask.raw.fileno())
            self._ask.close()
            self._ask = None
        super().close()

    def _send(self, number: int, question: bytes) -> None:
        assert self._ask is not None
        assert self._loop is not None
        try:
            self._ask.raw.send_multipart([number.to_bytes(8, "big"), question], zmq.NOBLOCK)
        except zmq.Again:
            raise Unanswered(f"{self.whom} is not there") from None
        finally:
            self._loop.call_soon(self._drain)

    def _drain(self) -> None:
        while self._ask is not None:
            try:
                parts = self._ask.raw.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            if len(parts) == 2:
                self._told(int.from_bytes(parts[0], "big"), parts[1])


class DeskLine(Line):
    """To the reader's desk (``bus.desk``), connected when there is something to ask."""

    whom = "its reader"

    def __init__(self, desk: Path, *, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self._desk = os.fspath(desk)
        self._road: socket.socket | None = None
        self._inbox = Inbox(MOST_ANSWER)
        self._buffer = bytearray(READ)
        self._unsent = b""

    def close(self) -> None:
        """Hang up; who still waits gets no answer."""
        self._hang_up()
        super().close()

    def _send(self, number: int, question: bytes) -> None:
        if self._road is None:
            self._connect()
        if len(self._unsent) > MOST_UNSENT:
            raise Unanswered(f"{self.whom} takes no more questions")
        whole = self._unsent + told(number, question)
        if not self._unsent and not (whole := self._sent(whole)):
            return
        self._unsent = whole
        if self._road is not None and self._loop is not None:
            self._loop.add_writer(self._road, self._send_on)

    def _connect(self) -> None:
        assert self._loop is not None
        try:
            road = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError as error:  # as where strangers' connections are all the files that may be open
            raise Unanswered(f"{self.whom} cannot be asked: {(error.strerror or str(error)).lower()}") from None
        try:
            road.connect(self._desk)
        except OSError:
            road.close()
            raise Unanswered(f"{self.whom} is not there") from None
        self._road, self._inbox, self._unsent = road, Inbox(MOST_ANSWER), b""
        self._loop.add_reader(road, self._read)

    def _send_on(self) -> None:
        self._unsent = self._sent(self._unsent)
        if not self._unsent and self._road is not None and self._loop is not None:
            self._loop.remove_writer(self._road)

    def _sent(self, data: bytes) -> bytes:
        """Send of ``data`` what can be sent now; returns the rest."""
        if self._road is None:
            return b""
        try:
            return data[self._road.send(data) :]
        except BlockingIOError:
            return data
        except OSError:
            self._lost()
            return b""

    def _read(self) -> None:
        if self._road is None:
            return
        try:
            size = self._road.recv_into(self._buffer)
            answers = self._inbox.feed(bytes(memoryview(self._buffer)[:size]))
        except BlockingIOError:
            return
        except (OSError, Malformed):
            size, answers = 0, []
        for number, answer in answers:
            self._told(number, answer)
        if not size:
            self._lost()

    def _lost(self) -> None:
        self._hang_up()
        for future in self._open.values():
            self._fail(future, f"{self.whom} has gone")

    def _hang_up(self) -> None:
        if self._road is not None and self._loop is not None:
            self._loop.remove_reader(self._road)
            self._loop.remove_writer(self._road)
            self._road.close()
            self._road = None
