"""Questions to the store: the counter where they are asked, and the socket that asks.

Plain sockets on the event loop: a message through ``zmq.asyncio`` costs ten times as much as one drained when the
file descriptor says so. That descriptor tells of *changes* only, so after every send and every receive the socket
itself is asked whether there is more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import zmq

from bus.questions import (
    Availability,
    AvailabilityAnswer,
    Gaps,
    GapsAnswer,
    Latest,
    Layouts,
    Question,
    Range,
    Series,
    SeriesAnswer,
    SeriesText,
    SeriesTextAnswer,
    Statistics,
    Stored,
    StoreStatistics,
    Subject,
    Subjects,
    Unanswered,
    pack_question,
    read_answer,
)
from bus.sockets import Ask

MOST_AT_ONCE = 256


class Counter(Protocol):
    """Where the past is asked for. Every method raises ``Unanswered`` with a sentence when there is no answer."""

    async def subjects(self, kind: str) -> tuple[Subject, ...]:
        """Who has records of ``kind``."""
        ...

    async def latest(self, kind: str) -> tuple[Stored, ...]:
        """The newest record of ``kind`` of every subject."""
        ...

    async def range(self, kind: str, subject: str, start: int, end: int, limit: int) -> tuple[Stored, ...]:
        """The newest ``limit`` records between ``start`` and ``end`` (ns, included), oldest first."""
        ...

    async def layouts(self, ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
        """The names behind layout ids."""
        ...

    async def series(self, question: Series) -> SeriesAnswer:
        """Metrics in steps of time."""
        ...

    async def series_text(self, question: SeriesText) -> SeriesTextAnswer:
        """The same as JSON."""
        ...

    async def availability(self, question: Availability) -> AvailabilityAnswer:
        """How long a service was in which state."""
        ...

    async def statistics(self) -> StoreStatistics:
        """What the store holds."""
        ...

    async def gaps(self, source: str | None, start: int | None) -> GapsAnswer:
        """What became of the messages of one producer or all, since a time (ns) or ever."""
        ...


class Line:
    """A socket on which many questions may be under way. ``open`` it on a running loop; ``whom`` names who answers."""

    def __init__(self, connect: Callable[[], Ask], *, timeout: float = 2.0, whom: str = "its reader") -> None:
        self._connect = connect
        self._timeout = timeout
        self._whom = whom
        self._number = 0
        self._open: dict[bytes, asyncio.Future[bytes]] = {}
        self._ask: Ask | None = None

    def open(self) -> None:
        """Connect and listen for answers."""
        self._ask = self._connect()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._ask.raw.fileno(), self._drain)

    def close(self) -> None:
        """Stop listening; who still waits gets no answer."""
        if self._ask is not None:
            self._loop.remove_reader(self._ask.raw.fileno())
            self._ask.close()
            self._ask = None
        for future in self._open.values():
            future.cancel()

    async def asked(self, question: bytes) -> bytes:
        """The answer to ``question``; raises ``Unanswered``."""
        if len(self._open) >= MOST_AT_ONCE:
            raise Unanswered(f"{MOST_AT_ONCE} questions wait for it already")
        self._number += 1
        number = self._number.to_bytes(8, "big")
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._open[number] = future
        try:
            self._send(number, question)
            # Not wait_for: where the answer comes as the task is cancelled, Python 3.11's lets it go on for ever.
            async with asyncio.timeout(self._timeout):
                return await future
        except TimeoutError:
            raise Unanswered(f"{self._whom} did not answer within {self._timeout:g} s") from None
        finally:
            del self._open[number]

    def _send(self, number: bytes, question: bytes) -> None:
        if self._ask is None:
            raise Unanswered("this worker is starting or stopping")
        try:
            self._ask.raw.send_multipart([number, question], zmq.NOBLOCK)
        except zmq.Again:
            raise Unanswered(f"{self._whom} is not there") from None
        finally:
            self._loop.call_soon(self._drain)

    def _drain(self) -> None:
        while self._ask is not None:
            try:
                parts = self._ask.raw.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            future = self._open.get(parts[0]) if len(parts) == 2 else None
            if future is not None and not future.done():
                future.set_result(parts[1])


class Asker(Line):
    """The counter over a socket."""

    async def subjects(self, kind: str) -> tuple[Subject, ...]:
        return (await self._answer(Subjects(kind))).subjects  # type: ignore[no-any-return]

    async def latest(self, kind: str) -> tuple[Stored, ...]:
        return (await self._answer(Latest(kind))).records  # type: ignore[no-any-return]

    async def range(self, kind: str, subject: str, start: int, end: int, limit: int) -> tuple[Stored, ...]:
        return (await self._answer(Range(kind, subject, start, end, limit))).records  # type: ignore[no-any-return]

    async def layouts(self, ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
        return (await self._answer(Layouts(tuple(ids)))).layouts  # type: ignore[no-any-return]

    async def series(self, question: Series) -> SeriesAnswer:
        return await self._answer(question)  # type: ignore[no-any-return]

    async def series_text(self, question: SeriesText) -> SeriesTextAnswer:
        return await self._answer(question)  # type: ignore[no-any-return]

    async def availability(self, question: Availability) -> AvailabilityAnswer:
        return await self._answer(question)  # type: ignore[no-any-return]

    async def statistics(self) -> StoreStatistics:
        return await self._answer(Statistics())  # type: ignore[no-any-return]

    async def gaps(self, source: str | None, start: int | None) -> GapsAnswer:
        return await self._answer(Gaps(source, start))  # type: ignore[no-any-return]

    async def _answer(self, question: Question) -> Any:
        return read_answer(question, await self.asked(pack_question(question)))
