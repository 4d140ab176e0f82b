"""Days of blocks to Parquet, and back when rows come late: the sealer's last step.

Order makes it safe: the Parquet file is written beside its place, synced, read again and compared with the block value
by value, and renamed; only then the block goes. Who dies leaves the block, or both, of which the block is read.
"""

from __future__ import annotations

import contextlib
import errno
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bus import failpoints
from bus.folder import sync_folder
from bus.messages import KINDS
from bus.timing import DAY
from store.archive.files import Archive
from store.archive.mark import RESTORED
from store.backends.partitions import Partitions
from store.blocks.files import Blocks, Gone
from store.blocks.gather import Origin, Told, few
from store.blocks.listing import Index
from store.blocks.pressing import Damaged, LeftAlone, Newer
from store.blocks.segments import NEW, Segment
from store.folders import entries
from store.keys import SAMPLE
from store.retention import Held
from store.sealing import Rows, merged, part_of, rows_of
from store.spans import ARCHIVE, RAW, Span, day_of, name_of

DEEP = 3
"""So many folders above a file may have been made for it: ``PATH/kind=sample/day=2026-01-31``."""


class Mover:
    """One per sealer. ``after`` and ``keep`` are ages in ns; a ``keep`` of 0 keeps for ever."""

    def __init__(
        self,
        archive: Archive,
        blocks: Blocks,
        rows: Partitions,
        log: logging.Logger,
        *,
        after: int = 5 * DAY,
        keep: int = 0,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self.archive = archive
        self.after = after
        self.keep = keep
        self.drops = True
        """Whether the clock may be gone by: else no day is moved, and none is past its time."""
        self.days = 0
        self.dropped: Callable[[str, int], None] = lambda kind, rows: None
        """Told how many records of a kind were dropped from the archive."""
        self.lacks: Callable[[Span, frozenset[tuple[int, int, int]], int], bool] = lambda span, sources, now: False
        """Whether a day's rollups are to be made anew, now, where its rows are of these partitions."""
        self.thin: Callable[[Held, int], bool] = lambda one, now: False
        """Drops of a file who is not kept until it comes into the archive; whether it wrote or removed it."""
        self._looked_through: set[Span] = set()
        self._blocks = blocks
        self._rows = rows
        self._log = log
        self._alive = alive
        self._given_up: dict[Path, int] = {}
        self._was_away = False
        self._swept = False

    def turn(self, now: int) -> bool:
        """Move or drop one day; False when there is none. Raises ``OSError`` when a disk does not let it."""
        if self.archive.mark.is_away(now=True) != self._was_away:
            self._was_away = not self._was_away
            if self._was_away:
                self._log.error("%s; nothing is moved meanwhile", self.archive.lacking)
            else:
                self._log.info("the archive %s is there again", self.archive.folder)
        if self._was_away:
            return False
        self._sweep()
        if self._look_through(now):
            return True
        if not self.drops:
            return False
        return any(self._move(kind, span, now) for kind in KINDS for span in self._due(kind, now)) or self._drop(now)

    def _sweep(self) -> None:
        """Remove, once, what the sealer before was writing; not at its start: its disk may be away."""
        if not self._swept:
            for left in entries(self.archive.folder, f"kind=*/day=*/.*{NEW}"):
                self._blocks.stuck.remove(left)
            self._swept = True

    def _look_through(self, now: int) -> bool:
        """After a restore: take back a day of which the archive has rows that the rollups here were not made of."""
        flag = self._blocks.folder / RESTORED
        if not flag.exists() or flag in self._blocks.stuck:
            return False
        later = False
        for span in self.archive.spans(SAMPLE):
            if span in self._looked_through:
                continue
            self._alive()
            try:
                if self._knows_more(span, now):
                    self.bring_back(SAMPLE, span.start)
                    return True
            except Damaged as error:  # it is told, and stays as it is
                if isinstance(error, LeftAlone) and not isinstance(error, Newer):
                    later = True  # what cannot be opened now is looked at in the next turn
                    continue
            self._looked_through.add(span)
        if later:
            return False
        roll = self._blocks.roll
        if roll is not None:
            spans = [(kind, span) for kind in KINDS for span in self.archive.spans(kind)]
            opened = {f"{kind}/{ARCHIVE}/{span.name}": self.archive.opened(kind, span) for kind, span in spans}
            roll.call({name: file.index.rows for name, file in opened.items() if file and name not in roll.files})
        self._blocks.stuck.remove(flag)
        return False

    def _knows_more(self, span: Span, now: int) -> bool:
        """Whether an archived day has rows that its rollups here were not made of; raises ``Damaged``."""
        file = self.archive.opened(SAMPLE, span)
        if file is None:
            self.archive.put_aside(SAMPLE, span)
            return False
        block = self._blocks.path(SAMPLE, RAW, span)
        return not block.exists() and self.lacks(span, file.index.sources, now)

    def spares(self, one: Held, now: int) -> bool:
        """Whether a file is not to be dropped for its age, because it comes into the archive."""
        path = self._blocks.folder / one.kind / one.tier / one.name
        return one.tier == RAW and now - one.end >= self.after and path not in self._given_up

    def bring_back(self, kind: str, at: int) -> None:
        """Have the archived day of ``at`` as a block again, so that late rows join it.

        Raises ``Damaged`` when the block that was there is no whole one, ``OSError`` when a disk does not let it.
        """
        start = day_of(at)
        span = Span(start, start + DAY, name_of(start, "1d"))
        path = self._blocks.path(kind, RAW, span)
        if path.exists() or span not in self.archive.spans(kind, start, start):
            return
        file = self.archive.opened(kind, span)
        if file is None:
            self.archive.put_aside(kind, span)
            return
        layouts, whole = dict(file.index.layouts), True
        with contextlib.closing(self._blocks.writing(path)) as writing:
            for place in file.index.places:
                self._alive()
                try:
                    told = file.told(place)
                except Damaged as error:
                    self._log.error("damaged: %s: %s: %s", file.path, place.subject, error)
                    whole = False
                    continue
                writing.add(part_of(place.subject, place.origin, told))
            writing.finish(Index(kind, RAW, span.start, span.end, (), layouts, file.index.sources))
        if not whole:  # what of it can be read is in the block now
            self.archive.put_aside(kind, span, damaged=True)
        failpoints.at("archive.back")
        self._log.info("took %s of %s back from the archive: rows came late", span.name, kind)

    def _due(self, kind: str, now: int) -> list[Span]:
        found = []
        for span in self._blocks.spans(kind, RAW):
            if span.end - span.start != DAY or span.end + self.after > now:
                continue
            # What is in rows still is about to join the block, or will be removed from there.
            rows = self._rows.between(kind, span.start, span.end - 1)
            if not rows and self._blocks.path(kind, RAW, span) not in self._blocks.stuck:
                found.append(span)
        return found

    def _move(self, kind: str, span: Span, now: int) -> bool:
        block = self._blocks.path(kind, RAW, span)
        try:
            changed = block.stat().st_mtime_ns
            if self._given_up.get(block) == changed:
                return False
            if self.thin(Held(span.name, kind, RAW, span.start, span.end, 0), now):
                return True
            segment = self._blocks.segment(block)
            if segment is None or block in self._blocks.stuck:
                return False
            if self._take_in(kind, span, segment):
                return True
            self._write(kind, span, segment)
        except Gone:
            return False
        except (Damaged, ValueError) as error:
            if isinstance(error, LeftAlone) and not isinstance(error, Newer):
                return False  # it is told already, and tried again
            self._given_up[block] = changed
            self._log.error("damaged: %s is not moved to the archive, and stays: %s", block, error)
            return False
        if self._blocks.roll is not None:
            file = self.archive.opened(kind, span)
            self._blocks.roll.call({f"{kind}/{ARCHIVE}/{span.name}": file.index.rows if file is not None else 0})
        self._blocks.remove([block])
        sync_folder(block.parent)
        failpoints.at("archive.unlink")
        self.days += 1
        self._log.info("moved %s of %s to the archive", span.name, kind)
        return True

    def _take_in(self, kind: str, span: Span, segment: Segment) -> bool:
        """Have the block hold what the archive has of its day and it has not; the rollups are made anew of both.

        So it is after a restore, when rows came late since, and when they came while the archive was away.
        """
        before = self.archive.opened(kind, span)
        if before is None:
            if self.archive.path(kind, span.start).exists():
                self.archive.put_aside(kind, span)
            return False
        index = segment.index
        if before.index.sources <= index.sources:
            return False
        layouts = {**before.index.layouts, **index.layouts}
        with contextlib.closing(self._blocks.writing(self._blocks.path(kind, RAW, span))) as writing:
            for subject in sorted({*segment.subjects(), *before.subjects()}):
                self._alive()
                both = before.rows_of(subject), rows_of(segment, subject)
                for origin, told in few(merged(both), span.end - span.start).items():
                    writing.add(part_of(subject, origin, told))
            if kind == SAMPLE:
                self._blocks.mark_late(span)
            writing.finish(Index(kind, RAW, span.start, span.end, (), layouts, before.index.sources | index.sources))
        self._log.info("put %s of %s together with what the archive has of it", span.name, kind)
        return True

    def _write(self, kind: str, span: Span, segment: Segment) -> None:
        from store.archive import parquet

        index = segment.index
        layouts, sources = dict(index.layouts), index.sources
        subjects = sorted(segment.subjects())
        path = self.archive.path(kind, span.start)
        fresh = path.with_name(f".{path.name}{NEW}")
        self.archive.mark.claim(self._give_up_lost)
        for folder in (path.parent.parent, path.parent):  # not the archive itself: its disk may have gone
            folder.mkdir(exist_ok=True)
        try:
            with contextlib.closing(parquet.Writing(fresh, kind)) as writing:
                for subject in subjects:
                    self._alive()
                    for origin, told in rows_of(segment, subject).items():
                        writing.add(subject, origin, told, layouts.get(origin.layout or 0, ()))
                failpoints.at("archive.write")
                writing.finish((span.start, span.end), layouts, sources)
            with contextlib.closing(parquet.Archived(fresh)) as again:
                for subject in subjects:
                    self._alive()
                    _compare(subject, rows_of(segment, subject), again.rows_of(subject))
                for fault in again.verify():
                    raise Damaged(fault)
            failpoints.at("archive.before_rename")
            if self.archive.mark.is_away(now=True):
                raise OSError(errno.ENODEV, self.archive.lacking)
            fresh.rename(path)
            for folder in (path.parent, *path.parents[1 : DEEP + 1]):
                sync_folder(folder)
            failpoints.at("archive.after_rename")
        finally:
            fresh.unlink(missing_ok=True)

    def _give_up_lost(self) -> None:
        """A new archive is begun: what was in another one, which somebody had the store forget, is missed no more."""
        roll = self._blocks.roll
        lost = [name for name in (roll.files if roll is not None else ()) if f"/{ARCHIVE}/" in name]
        if roll is not None and lost:
            roll.strike(lost)
            self._log.warning("a new archive is begun; %d files of the one before it are given up", len(lost))

    def _drop(self, now: int) -> bool:
        """Remove a day that is past its time."""
        if not self.keep:
            return False
        for kind in KINDS:
            for span in self.archive.spans(kind, end=now - self.keep):
                path = self.archive.path(kind, span.start)
                if now - span.end >= self.keep and not self._blocks.stuck.waits(path):
                    file = self.archive.opened(kind, span)
                    rows, name = file.index.rows if file is not None else 0, f"{kind}/{ARCHIVE}/{span.name}"
                    if self._blocks.roll is not None:
                        self._blocks.roll.strike([name])
                    if not self.archive.remove(kind, span, self._blocks.stuck):
                        if self._blocks.roll is not None:
                            self._blocks.roll.call({name: rows})
                        continue
                    self.dropped(kind, rows)
                    self._log.info("dropped %s of %s from the archive: it is past its time", span.name, kind)
                    return True
        return False


def _compare(subject: str, ours: Rows, theirs: dict[Origin, Told]) -> None:
    """Raises ``Damaged`` unless both are the same, bit for bit."""
    same = ours.keys() == theirs.keys() and all(_alike(told, theirs[origin]) for origin, told in ours.items())
    if not same:
        raise Damaged(f"{subject}: what was written to the archive is not what is read")


def _alike(one: Told, other: Told) -> bool:
    columns = ((one.at, other.at), (one.received, other.received), (one.epoch, other.epoch), (one.number, other.number))
    if one.bodies != other.bodies or not all(np.array_equal(a, b) for a, b in columns):
        return False
    if one.values is None or other.values is None:
        return one.values is other.values
    return one.values.shape == other.values.shape and np.array_equal(
        np.ascontiguousarray(one.values).view(np.uint64), np.ascontiguousarray(other.values).view(np.uint64)
    )
