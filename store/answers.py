"""Questions to answers, over any backend."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from bus.availability import TOO_MANY
from bus.delivery.stream import Stream, read_key
from bus.fields import Unfit
from bus.questions import (
    MAX_POINTS,
    MAX_RECORDS,
    Accounted,
    Availability,
    AvailabilityAnswer,
    Gaps,
    GapsAnswer,
    Holdings,
    HoldingsAnswer,
    Latest,
    LayoutNames,
    Layouts,
    Question,
    Range,
    Records,
    Series,
    SeriesAnswer,
    SeriesText,
    SeriesTextAnswer,
    Statistics,
    Stored,
    StoreStatistics,
    SubjectList,
    Subjects,
    TooMuch,
    pack_answer,
    pack_refusal,
    read_question,
)
from bus.wire import read
from store import pieces
from store.availability import MOST_CHECKS, availability, seen
from store.backends import Backend, StoreBroken
from store.columns import Steps, steps, steps_of
from store.gaps import Mark, accounted
from store.keys import FAR

MOST_READY = 4 * 2**20
MOST_ANSWERS = 64
"""Answers that are kept, each until its question is answered anew."""
MOST_SKIPPED = 10_000_000
"""Records of one instant that are passed over at most."""


Outlook = Callable[[StoreStatistics], HoldingsAnswer]


class Ready(NamedTuple):
    """An answer to a question for series, and of what it was made."""

    question: SeriesText
    pieces: list[pieces.Piece]
    answer: bytes
    size: int


class Answers:
    """Answers over a backend. Those that were asked for last are kept, for as long as the backend finds the same."""

    def __init__(self, backend: Backend, most: int = MOST_READY, outlook: Outlook | None = None) -> None:
        """``most``: so many bytes of answers, and of what they were made of, are kept.

        ``outlook`` tells what becomes of what the backend holds.
        """
        self._backend = backend
        self._outlook = outlook
        self._most = most
        self._ready: OrderedDict[bytes, Ready] = OrderedDict()
        self._bytes = 0

    def to(self, data: bytes) -> bytes:
        """The bytes of the answer to the question in ``data``, or of why there is none."""
        known = self._ready.get(data)
        try:
            question = read_question(data) if known is None else known.question
        except Unfit as error:
            return pack_refusal(f"not understood: {error}")
        try:
            if isinstance(question, SeriesText):
                return self._series_text(data, question, known)
            if isinstance(question, Holdings) and self._outlook is not None:
                return pack_answer(self._outlook(_statistics(self._backend, Statistics())))
            return pack_answer(_ANSWERS[type(question)](self._backend, question))
        except TooMuch as error:
            return pack_refusal(str(error), much=True)
        except (Unfit, StoreBroken) as error:
            return pack_refusal(str(error))
        except OSError as error:  # as of a folder, while too many files are open
            what = f"{error.filename} cannot" if error.filename else "what is stored cannot"
            return pack_refusal(f"{what} be read now: {(error.strerror or str(error)).lower()}")

    def _series_text(self, data: bytes, question: SeriesText, known: Ready | None) -> bytes:
        start, end, grid = _grid(self._backend, question)
        found = _found(self._backend, question, start, end, grid)
        if known is not None:
            if found is known.pieces:
                self._ready.move_to_end(data)
                return known.answer
            del self._ready[data]
            self._bytes -= known.size
        made = pack_answer(pieces.text(pieces.whole(found, grid, start, end, question.aggregates)))
        size = len(made) + sum(piece.rolled.bytes for piece in found)
        if size * 8 <= self._most:
            self._ready[data] = Ready(question, found, made, size)
            self._bytes += size
        while self._bytes > self._most or len(self._ready) > MOST_ANSWERS:
            self._bytes -= self._ready.popitem(last=False)[1].size
        return made


def answer(backend: Backend, question: Question) -> Any:
    """The answer of the type that belongs to ``question``."""
    return _ANSWERS[type(question)](backend, question)


def _subjects(backend: Backend, question: Subjects) -> SubjectList:
    return SubjectList(tuple(backend.subjects(question.kind)))


def _latest(backend: Backend, question: Latest) -> Records:
    return Records(tuple(backend.latest(question.kind, question.subjects)))


def _within(start: int, end: int) -> tuple[int, int]:
    """The part of a range in which there can be records: from 1970 to the last instant that we tell."""
    return max(start, 0), min(end, FAR)


def _range(backend: Backend, question: Range) -> Records:
    limit = min(max(question.limit, 0), MAX_RECORDS)
    skip = min(max(question.skip, 0), MOST_SKIPPED) if question.start == question.end else 0
    rows = backend.newest_rows(question.kind, question.subject, question.start, question.end, limit + skip)
    kept = rows[: max(0, len(rows) - skip)]
    return Records(tuple(Stored(received, record) for _, received, record in kept))


def _layouts(backend: Backend, question: Layouts) -> LayoutNames:
    return LayoutNames(backend.layouts(question.ids))


def _series(backend: Backend, question: Series) -> SeriesAnswer:
    return pieces.answer(_stepped(backend, question))


def _series_text(backend: Backend, question: SeriesText) -> SeriesTextAnswer:
    return pieces.text(_stepped(backend, question))


def _stepped(backend: Backend, question: Series) -> pieces.Whole:
    start, end, grid = _grid(backend, question)
    return pieces.whole(_found(backend, question, start, end, grid), grid, start, end, question.aggregates)


def _grid(backend: Backend, question: Series) -> tuple[int, int, Steps]:
    """(start, end, steps) of the answer."""
    start, end = _within(question.start, question.end)
    if question.step is not None:
        return start, end, steps_of(start, end, question.step, MAX_POINTS)
    points = min(max(question.points, 1), MAX_POINTS)
    return start, end, steps(start, end, points, backend.finest(question.subject, start))


def _found(backend: Backend, question: Series, start: int, end: int, grid: Steps) -> list[pieces.Piece]:
    return backend.pieces(question.subject, question.metrics, grid, start, end) if start <= end else []


def _availability(backend: Backend, question: Availability) -> AvailabilityAnswer:
    start, end = _within(question.start, question.end)
    horizon = max(question.horizon, 1)
    # A verdict from before the range may still hold at its begin.
    rows = backend.newest_rows("check", question.subject, max(0, start - horizon), end, MOST_CHECKS + 1)
    if len(rows) > MOST_CHECKS:
        raise TooMuch(f"more than {MOST_CHECKS} checks between its times: {TOO_MANY}")
    return availability(seen(rows), start, end, horizon, question.apart)


def _statistics(backend: Backend, question: Statistics) -> StoreStatistics:
    return StoreStatistics(**backend.statistics())  # type: ignore[arg-type]


def _holdings(backend: Backend, question: Holdings) -> HoldingsAnswer:
    raise Unfit("how long what is kept is not known here")


def _gaps(backend: Backend, question: Gaps) -> GapsAnswer:
    streams: dict[str, list[Stream]] = {}
    for key, value in backend.streams():
        source, epoch = read_key(key)
        if question.source in (None, source):
            stream = Stream(source, epoch)
            stream.load(value)
            streams.setdefault(source, []).append(stream)
    return GapsAnswer(tuple(_account(backend, source, of, question.start) for source, of in sorted(streams.items())))


def _account(backend: Backend, source: str, streams: list[Stream], start: int | None) -> Accounted:
    rows = [] if start is None else backend.newest_rows("tally", source, *_within(0, start), 1)
    mark = next((Mark(at, read(record)[0].message()) for at, _, record in rows), None)
    ledger = backend.newest_rows("loss", source, mark.at + 1 if mark else 0, FAR, MAX_RECORDS)
    return accounted(source, streams, mark, ((at, read(record)[0].message()) for at, _, record in ledger))


_ANSWERS: dict[type[Any], Callable[[Backend, Any], Any]] = {
    Subjects: _subjects,
    Latest: _latest,
    Range: _range,
    Layouts: _layouts,
    Series: _series,
    SeriesText: _series_text,
    Availability: _availability,
    Statistics: _statistics,
    Holdings: _holdings,
    Gaps: _gaps,
}
