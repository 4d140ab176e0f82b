"""Partitions of rows that are over, to blocks: an hour of samples, a day of all else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import lmdb

from bus import failpoints
from bus.messages import KINDS
from bus.timing import DAY, HOUR
from bus.wire import Malformed
from store.backends import StoreBroken, StoreDamaged
from store.backends.doubt import doubt
from store.backends.environments import DAMAGED
from store.backends.partitions import Partitions
from store.blocks.gather import Origin, Told, few, gathered
from store.blocks.listing import Index
from store.blocks.missing import miss
from store.blocks.pressing import Damaged, LeftAlone, Newer
from store.keys import SAMPLE, partition_start, period
from store.quiet import Quiet
from store.rollups import Pace
from store.sealing import Together, merged, parts_of, rows_of, sheets_of
from store.sealing_files import Files
from store.spans import RAW, Span, day_of, name_of, named


class Hours:
    """One per sealer. ``bring_back`` (kind, time) sees to it that late rows find the day which they join."""

    def __init__(
        self,
        files: Files,
        rows: Partitions,
        pace: Callable[[], Pace],
        alive: Callable[[], None],
        bring_back: Callable[[str, int], None] = lambda kind, at: None,
    ) -> None:
        self.settled: dict[Path, int] = {}
        """When the partitions were last written to that are in blocks, or were given up."""
        self._files = files
        self._rows = rows
        self._pace = pace
        self._alive = alive
        self._bring_back = bring_back
        self._quiet = Quiet()

    def seal_one(self, now: int) -> bool:
        """Seal what is due first; False when nothing is."""
        self._rows.refresh()
        there: set[Path] = set()
        for kind in KINDS:
            for path in self._rows.between(kind):
                there.add(path)
                start = partition_start(path.name)
                if start + period(kind) + self._pace().after > now or not self._due(path, now):
                    continue
                try:
                    if self._seal(kind, path, start):
                        return True
                except (StoreDamaged, *DAMAGED) as error:
                    doubt(path)
                    self._give_up(path, f"{path}: {error}")
                except (StoreBroken, lmdb.Error) as error:
                    # As when too many files are open: it is tried again in the next turn.
                    self._files.say_once(f"{path} cannot be sealed now: {error}")
                except (Damaged, Malformed) as error:
                    if isinstance(error, LeftAlone) and not isinstance(error, Newer):
                        self._files.say_once(f"{path} cannot be sealed now: {error}")
                        continue
                    self._give_up(path, f"{path} cannot be sealed, and is kept as it is: {error}")
        self.settled = {path: changed for path, changed in self.settled.items() if path in there}
        self._quiet.forget_but(there)
        return False

    def _due(self, path: Path, now: int) -> bool:
        """Whether it holds something that is in no block, and nobody has written to it for a while."""
        try:
            changed = (path / "data.mdb").stat().st_mtime_ns
        except OSError:
            return False
        return self.settled.get(path) != changed and self._quiet.lasts(path, changed, self._pace().quiet, now)

    def _give_up(self, path: Path, why: str) -> None:
        """Do not try it again until it changes."""
        self._files.note(why)
        with contextlib.suppress(OSError):
            self.settled[path] = (path / "data.mdb").stat().st_mtime_ns

    def _seal(self, kind: str, path: Path, start: int) -> bool:
        """Write the partition's rows as blocks, together with what was sealed of that time before."""
        self._bring_back(kind, start)
        blocks, done = self._files.blocks, self._files.done
        changed, noted = self._rows.changed(path), self._rows.noted
        with self._rows.scanned(path) as (transaction, series):
            source = start, changed, transaction
            span = self._target(kind, start)
            target = blocks.path(kind, RAW, span)
            before = self._files.segment(target)
            if before is not None and source in before.index.sources:
                self.settled[path] = changed
                return False
            rows = values = 0
            with self._files.writing(target) as writing:
                touched: set[str] = set()
                together = Together(writing, sheets_of if span.end - span.start == HOUR else parts_of)
                for groups in series:
                    self._alive()
                    found = gathered(groups)
                    if not found:
                        continue
                    subject = _subject(found)
                    rows += sum(map(len, found.values()))
                    values += sum(origin.values * len(told) for origin, told in found.items())
                    if before is not None and before.places(subject):
                        try:
                            found = few(merged([rows_of(before, subject), found]), span.end - span.start)
                            touched.add(subject)
                        except Damaged as error:
                            self._files.note(f"{target}: {subject}: {error}")
                    else:
                        touched.add(subject)
                    for origin, told in found.items():
                        together.add(subject, origin, told)
                together.flush()
                if self._rows.noted != noted:
                    miss(blocks.folder, kind, path, self._rows.lacking(path))
                if before is not None:
                    for place in before.index.parts:
                        if place.subject not in touched:
                            writing.add((place, before.raw(place)), as_it_was=True)
                index = self._files.index(kind, RAW, span, writing.places, [before] if before else [])
                sources = index.sources | {source}
                failpoints.at("seal.write")
                if kind == SAMPLE and before is not None and before.index.end - before.index.start == DAY:
                    blocks.mark_late(span)
                writing.finish(Index(kind, RAW, span.start, span.end, (), index.layouts, sources))
        self.settled[path] = changed
        done.partitions += 1
        done.rows += rows
        done.values += values
        done.bytes += writing.bytes
        self._files.log.info("sealed %s of %s: %d rows in %d bytes", kind, path.name, rows, writing.bytes)
        return True

    def _target(self, kind: str, start: int) -> Span:
        """The file that takes up what belongs to this time: that of the day, if there is one."""
        day = named(name_of(day_of(start), "1d"))
        if period(kind) == DAY or self._files.blocks.path(kind, RAW, day).exists():
            return day
        return named(name_of(start, "1h"))


def _subject(rows: dict[Origin, Told]) -> str:
    origin = next(iter(rows))
    return (origin.subject or origin.source).decode()
