"""Questions to the store's reader, and the client that asks them (the counter is its query endpoint)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Protocol

from api.lines import DeskLine
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
    pack_question,
    read_answer,
)

MOST_LAYOUTS = 1000
"""Asked for at once; a question has no longer lists than ``bus.fields`` lets in."""


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

    def series_begun(self, question: SeriesText) -> asyncio.Future[bytes]:
        """The same for whoever awaits nothing: the answer's bytes when they have come, for ``read_answer``."""
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


class Asker(DeskLine):
    """The counter at the reader's desk."""

    async def subjects(self, kind: str) -> tuple[Subject, ...]:
        return (await self._asked(Subjects(kind))).subjects  # type: ignore[no-any-return]

    async def latest(self, kind: str) -> tuple[Stored, ...]:
        return (await self._asked(Latest(kind))).records  # type: ignore[no-any-return]

    async def range(self, kind: str, subject: str, start: int, end: int, limit: int) -> tuple[Stored, ...]:
        return (await self._asked(Range(kind, subject, start, end, limit))).records  # type: ignore[no-any-return]

    async def layouts(self, ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
        found: dict[int, tuple[str, ...]] = {}
        every = tuple(ids)
        for place in range(0, len(every), MOST_LAYOUTS):  # thousands of hosts may have one each
            found |= (await self._asked(Layouts(every[place : place + MOST_LAYOUTS]))).layouts
        return found

    async def series(self, question: Series) -> SeriesAnswer:
        return await self._asked(question)  # type: ignore[no-any-return]

    async def series_text(self, question: SeriesText) -> SeriesTextAnswer:
        return await self._asked(question)  # type: ignore[no-any-return]

    def series_begun(self, question: SeriesText) -> asyncio.Future[bytes]:
        return self.begun(pack_question(question))

    async def availability(self, question: Availability) -> AvailabilityAnswer:
        return await self._asked(question)  # type: ignore[no-any-return]

    async def statistics(self) -> StoreStatistics:
        return await self._asked(Statistics())  # type: ignore[no-any-return]

    async def gaps(self, source: str | None, start: int | None) -> GapsAnswer:
        return await self._asked(Gaps(source, start))  # type: ignore[no-any-return]

    async def _asked(self, question: Question) -> Any:
        return read_answer(question, await self.asked(pack_question(question)))
