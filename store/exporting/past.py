"""The stored past in pieces, by subject and time; never more than a piece in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from bus.faults import fitting_none, meant
from bus.messages import HUB
from bus.questions import (
    AGGREGATES,
    Layouts,
    Question,
    Range,
    Series,
    SeriesAnswer,
    Stored,
    Subject,
    Subjects,
    TooMuch,
    Unanswered,
)
from bus.timing import DAY, HOUR
from store.columns import matching
from store.keys import kept_at
from store.rows import Row

MOST_RECORDS = 2000
"""In a piece."""
MOST_STEPS = 2000
LONGEST = 7 * DAY
PASSED_OVER = "and a hub of this version tells no more of it: bring it up to date"
Ask = Callable[[Question], Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is exported; times in ns, both ends included. Without globs everything but the hub's own rooms."""

    kind: str
    start: int
    end: int
    subjects: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ("*",)

    def fits(self, subject: str) -> bool:
        """Whether a subject is wanted."""
        if not self.subjects:
            return not subject.startswith(HUB)
        return any(fnmatchcase(subject, glob) for glob in self.subjects)


@dataclass(frozen=True, slots=True)
class Extent:
    """A subject, and from when to when it has something that is wanted."""

    subject: str
    start: int
    end: int


class Past:
    """The store, asked for what is wanted."""

    def __init__(self, ask: Ask, wanted: Wanted) -> None:
        self._ask = ask
        self._wanted = wanted
        self._layouts: dict[int, tuple[str, ...]] = {}
        self._stepped: dict[str, Extent] = {}
        """Of whom steps were read."""
        self._seen: dict[str, int] = {}
        """When the newest record of a subject was that was read."""
        self._named: set[str] = set()
        """The metrics that were in these steps."""

    def misnamed(self) -> str:
        """Which of the globs fits nothing that is stored, in a sentence; empty where each does."""
        known = sorted(one.subject for one in self._ask(Subjects(self._wanted.kind)).subjects)
        wrong = fitting_none(self._wanted.subjects, known)
        return f"no {self._wanted.kind} of {wrong} is stored; {meant(wrong, known)}" if wrong else ""

    def unread(self) -> str:
        """Which of the globs fits no reading of what was exported, in a sentence; empty where each does."""
        names = self._named.union(*self._layouts.values())
        wrong = self._unfit(names)
        if not wrong:
            return ""
        for one in self._stepped.values():
            question = Series(one.subject, ("*",), one.start, one.end, points=1, aggregates=("count",))
            names.update(column.metric for column in self._ask(question).columns)
        return f"nothing there is called {wrong}; {meant(wrong, sorted(names))}" if names else ""

    def _unfit(self, names: Iterable[str]) -> str:
        return next((glob for glob in self._wanted.metrics if not matching(names, (glob,))), "")

    def extents(self, *, stepped: bool = False) -> list[Extent]:
        """The subjects, by name, that have anything between the times, or may have steps there."""
        known = [one for one in self._ask(Subjects(self._wanted.kind)).subjects if self._wanted.fits(one.subject)]
        return [extent for one in known if (extent := self._extent(one, stepped=stepped)) is not None]

    def _extent(self, known: Subject, *, stepped: bool) -> Extent | None:
        start, end, subject, first_at = self._wanted.start, self._wanted.end, known.subject, known.first_at
        last = self._newest(subject, start, end)
        if stepped and (newest := min(end, known.last_at)) >= max(start, first_at):
            last = max(newest, last or 0)  # rollups outlive the rows, of which there may be none any more
        if last is None:
            return None
        # It is known since ``first_at``, but what came late or was imported may be older.
        before = self._newest(subject, start, min(first_at - 1, last)) if first_at > start else None
        if before is None:
            return Extent(subject, min(max(start, first_at), last), last)
        return Extent(subject, self._oldest(subject, start, before), last)

    def _oldest(self, subject: str, start: int, known: int) -> int:
        """Before the first record from ``start`` on, where there is one at ``known``.

        To the day is near enough: pieces without anything cost little.
        """
        empty = start
        while known - empty > DAY:
            middle = (known + empty) // 2
            found = self._newest(subject, start, middle)
            if found is None:
                empty = middle + 1
            else:
                known = found
        return empty

    def days(self, extents: Iterable[Extent]) -> Iterator[tuple[int, list[Extent]]]:
        """(begin of a day, who may have something in it), in order; whoever is handed one reads its pieces.

        Of whom a day gave nothing it is asked when there is something again.
        """
        coming = {one: one.start - one.start % DAY for one in extents}
        while coming:
            day = min(coming.values())
            here = [one for one in coming if coming[one] == day]
            yield day, here
            for one in here:
                following = day + DAY
                if following <= one.end and self._seen.get(one.subject, -1) < day:
                    following = self._resumes(one, following)
                coming[one] = following
            coming = {one: at for one, at in coming.items() if at <= one.end}

    def _resumes(self, extent: Extent, start: int) -> int:
        """The begin of a day from ``start`` on before which there is nothing; beyond the end where nothing comes."""
        span = DAY
        while start <= extent.end:
            until = min(start + span - 1, extent.end)
            found = self._newest(extent.subject, start, until)
            if found is not None:
                oldest = self._oldest(extent.subject, start, found)
                return oldest - oldest % DAY
            start, span = until + 1, span * 2
        return start

    def _newest(self, subject: str, start: int, end: int) -> int | None:
        records = self._ask(Range(self._wanted.kind, subject, start, end, 1)).records if start <= end else ()
        return kept_at(records[0].record) if records else None

    def pieces(self, extent: Extent) -> Iterator[tuple[int, list[Row]]]:
        """(until when, records in the order of time) until the end; pieces adjoin, many of them may be empty.

        An instant of more than a piece is in several.
        """
        at, span = extent.start, HOUR
        while at <= extent.end:
            until = min(at + span - 1, extent.end)
            records = self._piece(extent.subject, at, until)
            if len(records) >= MOST_RECORDS and until > at:
                # There may be more, and only the newest came.
                span = max(1, (until - at + 1) // 4)
                continue
            yield until, self._rows(extent.subject, records)
            told = len(records)
            while len(records) >= MOST_RECORDS:
                before, records = records, self._piece(extent.subject, at, until, told)
                if records == before:
                    raise Unanswered(f"{told} records of {extent.subject} are of one instant, {PASSED_OVER}")
                yield until, self._rows(extent.subject, records)
                told += len(records)
            at = until + 1
            if told < MOST_RECORDS // 4:
                # Of nothing, however long, a question is soon answered.
                span = min(span * 2, LONGEST) if told else span * 2

    def _piece(self, subject: str, start: int, end: int, skip: int = 0) -> tuple[Stored, ...]:
        question = Range(self._wanted.kind, subject, start, end, MOST_RECORDS, skip)
        return tuple(self._ask(question).records)

    def _rows(self, subject: str, records: Sequence[Stored]) -> list[Row]:
        rows = [(kept_at(one.record), one.received, one.record) for one in records]
        if rows:
            self._seen[subject] = rows[-1][0]
        return rows

    def steps(self, extent: Extent, step: int) -> Iterator[tuple[int, SeriesAnswer]]:
        """(until when, steps) until the end, in steps of ``step`` ns at its multiples."""
        at, most = extent.start - extent.start % step, MOST_STEPS
        while at <= extent.end:
            until = min(at + step * most - 1, extent.end)
            question = Series(extent.subject, self._wanted.metrics, at, until, step=step, aggregates=AGGREGATES)
            try:
                found = self._ask(question)
            except TooMuch:  # as of a host of very many metrics
                if most == 1:
                    raise
                most //= 2
                continue
            self._stepped[extent.subject] = extent
            self._named.update(column.metric for column in found.columns)
            yield until, found
            at = until + 1

    def layouts(self, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """The names behind layout ids, each asked for once."""
        unknown = tuple(one for one in ids if one not in self._layouts)
        if unknown:
            self._layouts.update(self._ask(Layouts(unknown)).layouts)
        return {one: self._layouts[one] for one in ids if one in self._layouts}
