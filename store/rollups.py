"""Which rollups a day lacks, or an hour whose rows go before its day is over; and making them.

A day's rollups are made when it is joined. Where samples are kept for less time than that takes, an hour gets rollups
of its own, ``1m/20260131T05.1h``, before its rows go; when the day is over its hours' rollups become the day's. A
rollup that is made anew because rows came late keeps what it knew of subjects whose rows are gone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bus import failpoints
from bus.timing import DAY, HOUR, SECOND
from store.blocks.files import Blocks, Gone
from store.blocks.listing import Index
from store.blocks.pressing import LeftAlone
from store.blocks.segments import Segment, Writing
from store.columns import Layouts
from store.folders import entries
from store.joining import add_rollup, join_day, join_months, rollups_of
from store.keys import SAMPLE
from store.retention import Held
from store.rollup import Rolled, those
from store.sealing import Made, Rollup, chained_rollups
from store.spans import RAW, TIERS, Span, day_of, month_of, name_of, span_of

MONTHLY = "1h"
"""The tier whose days are joined to months."""
Sources = frozenset[tuple[int, int, int]]
ALL = 2**62


@dataclass(frozen=True, slots=True)
class Pace:
    """When what is over is sealed, ns: so long after its end, and after it was last written to."""

    after: int = 600 * SECOND
    quiet: int = 60 * SECOND
    day_after: int = 2 * HOUR
    month_after: int = DAY
    keep: dict[str, int] = field(default_factory=dict)
    """How long each tier is kept; one that is absent is kept for ever, one of 0 is not made."""
    raw: tuple[int, int] = ALL, ALL
    """So old the first rows go, of those that are kept the shortest, and the last."""
    over: Callable[[Iterable[str], int], set[str]] = lambda subjects, age: set()
    """Of these subjects, those whose rows are not kept any more at this age."""

    def tiers(self, end: int, now: int) -> list[str]:
        """The tiers that are worth making of what ended then."""
        return [tier for tier in TIERS if now - end < self.keep.get(tier, now)]


def hour_of(at: Any) -> Any:
    """The start of the hour of a time, or of each of many."""
    return at - at % HOUR


class Rollups:
    """One per sealer. ``sound`` opens a file, or puts it aside when it cannot be read."""

    def __init__(
        self,
        blocks: Blocks,
        layouts: Layouts,
        sound: Callable[[Path], Segment | None],
        note: Callable[[str], None],
        alive: Callable[[], None],
        pace: Callable[[], Pace],
    ) -> None:
        """``note`` is told of damage, ``alive`` is called now and then."""
        self._blocks = blocks
        self._layouts = layouts
        self._sound = sound
        self._note = note
        self._alive = alive
        self._pace = pace

    def lacking(self, span: Span, sources: Sources, now: int) -> list[str]:
        """The rollups of a day or an hour that are to be made of its rows, which are of these partitions."""
        sources = frozenset(source for source in sources if span.start <= source[0] < span.end)
        return [tier for tier in self._pace().tiers(span.end, now) if self._lacks(tier, span, sources)]

    def knows(self, tier: str, span: Span) -> bool:
        """Whether a file holds this rollup already, its own or that of its day or month."""
        return self._before(tier, span)[0] is not None

    def make(self, span: Span, segments: Sequence[Segment], tiers: Sequence[str], now: int) -> None:
        """Make rollups of rows of a day or an hour; what they knew of rows that are gone stays in them."""
        sources = frozenset(source for one in segments for source in one.index.sources)
        before = {tier: self._before(tier, span) for tier in tiers}
        done: dict[str, set[str]] = {tier: set() for tier in tiers}
        with ExitStack() as stack:
            writings = {tier: stack.enter_context(self._writing(tier, span)) for tier in tiers}

            def put(tier: str, subject: str, made: Made | None) -> None:
                found, theirs = before[tier]
                known = self._of(found, subject, span) if found is not None else None
                if known is not None:
                    made = self._renewed(subject, known, _in_floats(made), _whole_hours(sources, theirs), now)
                if made is not None:
                    add_rollup(writings[tier], subject, made, TIERS[tier])
                done[tier].add(subject)

            join_day(segments, self._layouts, tiers, put, self._note, self._alive)
            for tier, writing in writings.items():
                found, theirs = before[tier]
                for subject in found.subjects() if found is not None else ():
                    if subject not in done[tier]:
                        self._alive()
                        put(tier, subject, None)
                whole = _whole_hours(sources, theirs)
                every = theirs | {source for source in sources if hour_of(source[0]) in whole}
                writing.finish(Index(SAMPLE, tier, span.start, span.end, (), {}, every))
                failpoints.at("seal.rollup")

    def _renewed(self, subject: str, known: Rollup, made: Rollup | None, whole: set[int], now: int) -> Rollup:
        """Hour by hour what was made now, or what was known before, if that was made of more rows."""
        there = _by_hour(made[1]) if made is not None else {}
        kept = set()
        for hour, rows in _by_hour(known[1]).items():
            if (
                hour not in whole
                or there.get(hour, 0) < rows
                or subject in self._pace().over((subject,), now - hour - HOUR)
            ):
                kept.add(hour)
        if made is None:
            return known
        old, new = (np.isin(hour_of(one.starts), list(kept)) for _, one in (known, made))
        some = [(names, those(one, of)) for (names, one), of in ((known, old), (made, ~new)) if of.any()]
        names, one = chained_rollups(some)
        return names, those(one, np.argsort(one.starts, kind="stable"))

    def is_hidden(self, day: int) -> bool:
        """Whether a month's file still answers in the place of the day's rollup, which was made anew."""
        names = name_of(day, "1d"), name_of(month_of(day), "1mo")
        return all((self._blocks.folder / SAMPLE / MONTHLY / name).exists() for name in names)

    # -- hours ---

    def make_early(self, hours: Sequence[Span], now: int, age: int) -> bool:
        """Make those of one hour that is so old, or add it to its day's; False when there is nothing to do."""
        for span in hours:
            segment = self._segment(RAW, span) if now - span.end >= age else None
            tiers = self.lacking(span, segment.index.sources, now) if segment is not None else []
            if segment is not None and tiers:
                day = day_of(span.start)
                whole = Span(day, day + DAY, name_of(day, "1d"))
                of_day = [tier for tier in tiers if self.knows(tier, whole)]
                self.make(whole if of_day else span, [segment], of_day or tiers, now)
                return True
        return False

    def covers(self, one: Held, now: int) -> bool:
        """Whether nothing more is to be made of an hour's rows, which may go."""
        span = span_of(one.name)
        with contextlib.suppress(Gone, LeftAlone):
            segment = self._segment(RAW, span) if span is not None else None
            if span is not None and segment is not None:
                return not self.lacking(span, segment.index.sources, now)
        return False

    def days(self) -> set[int]:
        """The days that have rollups of hours."""
        return {day_of(span.start) for tier in TIERS for _, span in self._hours(tier)}

    def join_hours(self, whole: Span, now: int) -> bool:
        """Make a day's rollups of those of its hours; False when there is nothing to do."""
        done = False
        for tier, length in TIERS.items():
            segments = [one for _, span in self._hours(tier, whole.start) if (one := self._segment(tier, span))]
            sources = frozenset(source for one in segments for source in one.index.sources)
            if segments and tier in self._pace().tiers(whole.end, now) and self._lacks(tier, whole, sources):
                with self._writing(tier, whole) as writing:
                    join_months(None, segments, length, writing, self._note)
                    writing.finish(Index(SAMPLE, tier, whole.start, whole.end, (), {}, sources))
                failpoints.at("seal.rollup")
                done = True
        return done

    def remove_hours(self, day: int) -> bool:
        """Remove what became part of a day's rollups; False when there is nothing."""
        found = [path for tier in TIERS for path, _ in self._hours(tier, day)]
        self._blocks.remove(found)
        return bool(found)

    def _hours(self, tier: str, day: int | None = None) -> list[tuple[Path, Span]]:
        """The files of hours, of a day or all."""
        found = [(path, span_of(path.name)) for path in entries(self._blocks.folder / SAMPLE / tier, "*.1h")]
        there = [(path, span) for path, span in found if span is not None and path not in self._blocks.stuck]
        return sorted((path, span) for path, span in there if day in (None, day_of(span.start)))

    def hours(self, tier: str, day: int) -> list[Path]:
        """The files of a day's hours."""
        return [path for path, _ in self._hours(tier, day)]

    # -- files ---

    def _lacks(self, tier: str, span: Span, sources: Sources) -> bool:
        """Whether a rollup was made of less than ``sources``, of which its rows are now, in any of its hours.

        An hour that was made of more stays: its rows were dropped since, and what is there came late.
        """
        _, theirs = self._before(tier, span)
        whole = _whole_hours(sources, theirs)
        return any(source not in theirs for source in sources if hour_of(source[0]) in whole)

    def _before(self, tier: str, span: Span) -> tuple[Segment | None, Sources]:
        """The file that holds this rollup, its own or that of its day or month; and of which partitions it was made."""
        names = [span.name, name_of(day_of(span.start), "1d"), name_of(month_of(span.start), "1mo")]
        for name in names:
            known = span_of(name)
            found = self._segment(tier, known) if known is not None else None
            if found is not None:
                theirs = frozenset(source for source in found.index.sources if span.start <= source[0] < span.end)
                if theirs:
                    return found, theirs
        return None, frozenset()

    def _of(self, segment: Segment, subject: str, span: Span) -> Rollup | None:
        """What a file holds of a subject in the time of a day or an hour."""
        found = []
        for names, one in rollups_of(segment, subject, self._note):
            inside = (one.starts >= span.start) & (one.starts < span.end)
            if inside.any():
                found.append((names, those(one, inside)))
        return chained_rollups(found) if found else None

    def _segment(self, tier: str, span: Span) -> Segment | None:
        return self._sound(self._blocks.path(SAMPLE, tier, span))

    def _writing(self, tier: str, span: Span) -> contextlib.closing[Writing]:
        return contextlib.closing(self._blocks.writing(self._blocks.path(SAMPLE, tier, span)))


def _in_floats(made: Made | None) -> Rollup | None:
    if made is None:
        return None
    names, one = made
    return names, one if isinstance(one, Rolled) else one.rolled()


def _whole_hours(sources: Sources, theirs: Sources) -> set[int]:
    """The hours of which ``sources`` have all that is in ``theirs``."""
    return {hour_of(start) for start, _, _ in sources} - {hour_of(one[0]) for one in theirs - sources}


def _by_hour(one: Rolled) -> dict[int, int]:
    """Of how many rows each hour of a rollup was made."""
    hours, places = np.unique(hour_of(one.starts), return_inverse=True)
    return dict(zip(hours.tolist(), np.bincount(places, one.rows).astype(int).tolist(), strict=True))
