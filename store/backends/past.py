"""What is known of the past, from rows and from blocks, without a seam and with nothing twice.

Rows are looked at before blocks: what the sealer takes up meanwhile is in both for a while, never in neither.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from functools import partial
from operator import is_
from pathlib import Path
from typing import Any

from bus.timing import DAY, HOUR, MINUTE
from store.archive.files import Archive, NoArchive
from store.archive.mark import OURS
from store.backends.lacking import Lacking
from store.backends.names import Filed, remembered
from store.backends.partitions import Partitions
from store.backends.scope import Answered, Scope
from store.backends.sealed import Sealed
from store.backends.tails import Tail, Tails
from store.blocks.files import TRIES, Blocks, Gone
from store.blocks.stepped import Stepped
from store.columns import Layouts, Steps, columns, united
from store.keys import SAMPLE, partition_start, period
from store.pieces import Piece, of_columns
from store.plan import Plans, Step, Stretch
from store.pruning import statistics_of
from store.rows import Row, folded
from store.spans import ARCHIVE, RAW, TIERS, day_of

log = logging.getLogger("guardia")
MOST_SCOPES = 32
MOST_ANSWERED, MOST_OF_ONE = 64, 2**17
"""So many answers are remembered, of so many bytes each at most."""


class Past:
    """Reads both. ``number`` is a series' number, None when nothing of it was ever stored."""

    def __init__(self, rows: Partitions, blocks: Blocks, layouts: Layouts, archive: Path | None = None) -> None:
        self._archive = Archive(archive, rows.note, blocks.folder / OURS) if archive else NoArchive()
        self._lacking = ""
        self._rows = rows
        self._blocks = blocks
        self.sealed = Sealed(rows, blocks)
        self._stepped = Stepped(blocks)
        self._lacks = Lacking(blocks, self._archive)
        self._layouts = remembered(layouts)
        self._filed = Filed(blocks, self._archive)
        self._tails = Tails(rows, self._layouts)
        self._scopes: dict[tuple[int, int, int], Scope] = {}
        self._answered: OrderedDict[Hashable, Answered] = OrderedDict()

    def rows(self, kind: str, subject: str, number: int, start: int, end: int) -> list[Row]:
        """The records in a range; see ``Backend``."""
        self._rows.settled(kind, start, end)
        rows: list[Row] = []
        for path in self._rows.between(kind, start, end):
            rows.extend(self._rows.rows_of(path, number, start, end))
        return folded([*self._over(kind, subject, start, end), *rows])

    def newest_rows(self, kind: str, subject: str, number: int, start: int, end: int, limit: int) -> list[Row]:
        """The newest rows in a range; partitions are read from the newest on, until there are enough."""
        self._rows.settled(kind, start, end)
        rows: list[Row] = []
        for path in reversed(self._rows.between(kind, start, end)):
            first = partition_start(path.name)
            last = min(end, first + period(kind) - 1)
            # Within a partition too: steps back that double, so that the newest ten of an hour cost ten.
            step = 2 * MINUTE
            while last >= max(start, first) and len(rows) < limit:
                begin = max(start, first, last - last % MINUTE - step)
                rows = folded([*self._rows.rows_of(path, number, begin, last), *rows])
                last, step = begin - 1, step * 2
            if len(rows) >= limit:
                break
        if len(rows) >= limit:
            start = max(start, rows[-limit][0])
        return folded([*self._over(kind, subject, start, end, limit), *rows])[-limit:]

    def finest(self, subject: str, at: int) -> int:
        """How long the shortest spans are that are still known of a host at this time, ns; 0 for rows."""
        return self._lacks.finest(subject, at)

    def pieces(self, subject: str, number: int, globs: Sequence[str], grid: Steps, start: int, end: int) -> list[Piece]:
        """The metrics of a host that match, between two times (both included), in steps of the grid.

        The same list as before where nothing changed since; it is nobody's to change.
        """
        self._rows.settled(SAMPLE, start, end)
        scope = self._scope(grid.length, start, end)
        steps = self._blocks.settled(partial(scope.plans.steps, start, end + 1, partial(self._lacks.of, subject)))
        tails: dict[tuple[Path, int], Tail | None] = {}
        for step in steps:
            for path, (first, last) in scope.waiting.items() if step.tier == RAW else ():
                begin, until = max(first, step.start), min(last, step.end)
                if begin < until:
                    tails[path, begin] = self._tails.read(path, number, globs, begin, until - 1)
        of = subject, tuple(globs), grid, start, end
        signs = [tail.sign if tail is not None else None for tail in tails.values()]
        known = self._answered.get(of)
        if known is not None and known.scope is scope and known.signs == signs:
            self._answered.move_to_end(of)
            return known.pieces
        faults = self._blocks.faults
        found: list[Piece] = []
        for step in steps:
            if step.tier == RAW:
                found += self._raw(subject, number, globs, grid, step, scope.waiting, tails)
            else:
                found += self._stepped.rolled(step.tier, subject, globs, grid, step.start, step.end)
        self._answered.pop(of, None)
        if (
            self._blocks.faults == faults
            and None not in signs
            and sum(one.rolled.bytes for one in found) <= MOST_OF_ONE
        ):
            self._answered[of] = Answered(scope, signs, found)
            if len(self._answered) > MOST_ANSWERED:
                self._answered.popitem(last=False)
        return found

    def _scope(self, length: int, start: int, end: int) -> Scope:
        """What there is between two times; the same object while it is the same."""
        rows = self._rows.listing(SAMPLE)
        files = rows, *(self._blocks.listing(SAMPLE, tier) for tier in (RAW, *TIERS))
        archived = self._archived(start, end)
        key = length, start // HOUR, end // HOUR
        known = self._scopes.get(key)
        if (
            known is not None
            and not archived
            and known.late == self._blocks.late()
            and all(map(is_, known.files, files))
            and all(self.sealed.source(path) == source for path, source in known.sealed.items())
        ):
            return known
        sealed = {path: self.sealed.source(path) for path in self._rows.between(SAMPLE, start, end)}
        waiting = self.sealed.waiting(start, end)
        # These after what waits: a day is marked before what came late is in its block, and waits no more.
        late = self._blocks.late()
        tiers = {tier: self._stretches(tier, start, end) for tier in TIERS}
        raw = {RAW: self._stretches(RAW, start, end), ARCHIVE: archived}
        days = {day_of(first) for first, _ in waiting.values()} | late
        # A day without rollups is answered from its rows in any case.
        rolled = [stretch for stretches in tiers.values() for stretch in stretches]
        days = {
            day
            for day in days
            if day <= end
            and day + DAY > start
            and any(first <= day < last for first, last in rolled)
            and self._whole(day)
        }
        sealed = {path: source for path, source in sealed.items() if path not in waiting}
        plans = Plans((start, end + 1), length, {**raw, **tiers}, list(waiting.values()), days)
        made = Scope(files, late, waiting, sealed, plans)
        if not archived:
            if len(self._scopes) >= MOST_SCOPES:
                self._scopes.clear()
            self._scopes[key] = made
        return made

    def statistics(self, folder: Path, deleted: dict[str, int]) -> dict[str, Any]:
        """What is sealed, and what was dropped of rows and blocks together, for ``StoreStatistics``.

        ``bytes`` are those of the blocks: the archive is beside the store.
        """
        return {**statistics_of(folder, deleted, self._archive.held()), "lacking": self._archive.lacking}

    def damage(self) -> dict[str, float]:
        """A reading of whether the archive is away, if there is one."""
        return {"archive_away": float(bool(self._archive.lacking))} if self._archive.there else {}

    def names(self, ids: Collection[int]) -> dict[int, tuple[str, ...]]:
        """The names behind layouts that the state has forgotten, as the files that use them have them."""
        return self._filed.names(ids)

    def close(self) -> None:
        """Close every file."""
        self._blocks.close()
        self._archive.close()

    def refresh(self) -> None:
        """Close files that are no more."""
        self._blocks.refresh()
        self._archive.refresh()
        before, self._lacking = self._lacking, self._archive.lacking
        if self._lacking != before:
            told = f"{self._lacking}; answers lack what is in it" if self._lacking else "the archive is there again"
            log.warning("%s", told)

    def _over(self, kind: str, subject: str, start: int, end: int, limit: int | None = None) -> list[Row]:
        """What blocks and the archive hold between two times; with ``limit`` at least the newest so many of it.

        What was told twice is as it came first, so the oldest comes first here. Blocks are read before the archive:
        what is moved meanwhile is in both for a while, never in neither.
        """
        found = self._blocks.rows(kind, subject, start, end, limit)
        if limit is not None and len(found) >= limit:
            start = max(start, sorted(row[0] for row in found)[-limit])
        return [*self._archive.rows(kind, subject, start, end, limit), *found]

    def _archived(self, start: int, end: int) -> list[Stretch]:
        return [(span.start, span.end) for span in self._archive.spans(SAMPLE, start, end)]

    def _stretches(self, tier: str, start: int, end: int) -> list[Stretch]:
        return [(span.start, span.end) for span in self._blocks.spans(SAMPLE, tier, start, end)]

    def _whole(self, day: int) -> bool:
        """Whether blocks and archive hold all rows of which the day's rollups were made; else these know more."""
        kept: set[tuple[int, int, int]] = set()
        for span in self._archive.spans(SAMPLE, day, day):
            file = self._archive.opened(SAMPLE, span)
            kept |= file.index.sources if file is not None else set()
        try:
            kept |= self._sources(RAW, day)
            return all({one for one in self._sources(tier, day) if day_of(one[0]) == day} <= kept for tier in TIERS)
        except Gone:
            return True  # they are just put together

    def _sources(self, tier: str, day: int) -> set[tuple[int, int, int]]:
        """The partitions that went into the files of a day; raises ``Gone``."""
        spans = self._blocks.spans(SAMPLE, tier, day, day + DAY - 1)
        segments = [self._blocks.segment(self._blocks.path(SAMPLE, tier, span)) for span in spans]
        return {source for segment in segments if segment is not None for source in segment.index.sources}

    def _raw(
        self,
        subject: str,
        number: int,
        globs: Sequence[str],
        grid: Steps,
        step: Step,
        waiting: dict[Path, Stretch],
        tails: Mapping[tuple[Path, int], Tail | None],
    ) -> Iterator[Piece]:
        """Rows and blocks between two times, by time."""
        at = step.start
        for path, (first, last) in sorted(waiting.items(), key=lambda item: item[1]):
            first, last = max(first, step.start), min(last, step.end)
            if first >= last:
                continue
            yield from self._blocks_between(subject, globs, grid, at, first)
            over: list[Row] = []
            found, tier, tail = None, "rows", tails.get((path, first))
            if self._blocks.spans(SAMPLE, RAW, first, last - 1) or self._archived(first, last - 1):
                rows = list(self._rows.rows_of(path, number, first, last - 1))
                # After the rows: what is taken up meanwhile is in both, never in neither.
                over, tier = self._over(SAMPLE, subject, first, last - 1), "blocks"
            elif tail is None or (found := tail.columns()) is None:
                rows = list(self._rows.rows_of(path, number, first, last - 1))
            if found is None:
                found = columns(folded([*over, *rows]), globs, self._layouts)
            piece = of_columns(tier, found, grid, first, last)
            if piece is not None:
                yield piece
            at = last
        yield from self._blocks_between(subject, globs, grid, at, step.end)

    def _blocks_between(self, subject: str, globs: Sequence[str], grid: Steps, start: int, end: int) -> list[Piece]:
        found: list[Piece] = []
        for _ in range(TRIES):
            days, at = self._archived(start, end - 1), start
            found = []
            for first, last in days:
                first, last = max(first, start), min(last, end)
                found += self._stepped.raw(subject, globs, grid, at, first)
                found += self._day(subject, globs, grid, first, last)
                at = last
            found += self._stepped.raw(subject, globs, grid, at, end)
            if self._archived(start, end - 1) == days:
                break  # else a day was moved under our eyes
        return found

    def _day(self, subject: str, globs: Sequence[str], grid: Steps, start: int, end: int) -> Iterator[Piece]:
        """A time of a day that is in the archive, and perhaps in blocks too, which are about to be moved or joined."""
        if self._blocks.spans(SAMPLE, RAW, start, end - 1):
            rows = folded(self._over(SAMPLE, subject, start, end - 1))
            tier, found = "blocks", columns(rows, globs, self._layouts) if rows else None
        else:
            some = self._archive.columns(subject, globs, start, end - 1)
            tier, found = ARCHIVE, united(some) if some else None
        piece = of_columns(tier, found, grid, start, end) if found is not None else None
        if piece is not None:
            yield piece
