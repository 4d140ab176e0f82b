"""What the sealer does in one turn: one piece of work, whole or not at all, and whatever was left by a death before.

Order makes it safe. A file of blocks is on disk and was read again before anything that it holds is removed. The
rows' partitions are not removed here at all: the writer does it, which alone knows that nothing was added meanwhile
(``store.backends.lmdb``). A day's rollups are finished before the day itself, and both before its hours go. Who dies
leaves a file that nobody sees, or two that say the same, of which the longer one is read.
"""

from __future__ import annotations

import contextlib
import logging
import resource
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import lmdb

from bus import failpoints
from bus.messages import KINDS
from bus.wire import Malformed
from store.archive.files import Archive
from store.archive.moving import Mover
from store.backends import StoreBroken, StoreDamaged
from store.backends.doubt import doubt
from store.backends.partitions import DAMAGED, Partitions
from store.blocks.aside import put_aside
from store.blocks.files import Blocks
from store.blocks.gather import Origin, Told, few, gathered
from store.blocks.listing import Index, Place
from store.blocks.missing import miss
from store.blocks.pressing import Damaged, LeftAlone, Newer
from store.blocks.segments import NEW, Segment, Writing
from store.joining import join_day, join_months
from store.joining_apart import begun
from store.keys import DAY, HOUR, partition_start, period
from store.quiet import Quiet
from store.retention import Held
from store.rollups import ALL, MONTHLY, SAMPLE, Pace, Rollups
from store.sealing import Layouts, Together, layouts_of, merged, parts_of, rows_of, sheets_of
from store.spans import RAW, TIERS, Span, day_of, month_after, month_of, name_of, span_of

__all__ = ["ALL", "Done", "Pace", "Sealer"]


@dataclass(slots=True)
class Done:
    """What was done since the start."""

    partitions: int = 0
    rows: int = 0
    values: int = 0
    bytes: int = 0
    days: int = 0
    months: int = 0
    damaged: int = 0
    seconds: float = 0.0


class Sealer:
    """Looks for what is due, and does it. One process at a time may."""

    def __init__(
        self,
        store: Path,
        rows: Partitions,
        layouts: Layouts,
        pace: Pace,
        log: logging.Logger,
        alive: Callable[[], None] = lambda: None,
        archive: Archive | None = None,
    ) -> None:
        """``alive`` is called now and then during long work; old days go to the ``archive``."""
        self.done = Done()
        self._told: set[str] = set()
        self._alive = alive
        self.pace = pace
        self._layouts = layouts
        self._log = log
        self._rows = rows
        self.blocks = Blocks(store / "blocks", self._note, most_listed=ALL)
        self._folder = store / "blocks"
        self.mover = Mover(archive, self.blocks, rows, log, alive=alive) if archive is not None else None
        self.rollups = Rollups(self.blocks, layouts, self._segment, self._note, alive, lambda: self.pace)
        if self.mover is not None:
            self.mover.lacks = lambda day, sources, now: bool(self.rollups.lacking(day, sources, now))
        self.settled: dict[Path, int] = {}
        """When the partitions were last written to that are in blocks, or were given up."""
        self._quiet = Quiet()
        for left in self._folder.glob(f"*/*/*{NEW}"):
            self.blocks.stuck.remove(left)
        self.blocks.be_kept(alive)

    def turn(self, now: int) -> bool:
        """Do one piece of work; False when there is none now. Raises ``OSError`` when the disk does not let it."""
        started = _cpu_seconds()
        try:
            if self._seal_one(now) or self._join_one_day(now) or self._join_one_month(now):
                return True
            return self.mover is not None and self.mover.turn(now)
        finally:
            self.done.seconds += _cpu_seconds() - started

    def close(self) -> None:
        """Close every file."""
        self.blocks.close()
        if self.mover is not None:
            self.mover.archive.close()

    # -- hours ---

    def _seal_one(self, now: int) -> bool:
        self._rows.refresh()
        for kind in KINDS:
            for path in self._rows.between(kind):
                start = partition_start(path.name)
                if start + period(kind) + self.pace.after > now or not self._due(path, now):
                    continue
                try:
                    if self._seal(kind, path, start):
                        return True
                except (StoreDamaged, *DAMAGED) as error:
                    doubt(path)
                    self._give_up(path, f"{path}: {error}")
                except (StoreBroken, lmdb.Error) as error:
                    # As when too many files are open: it is tried again in the next turn.
                    self._say_once(f"{path} cannot be sealed now: {error}")
                except (Damaged, Malformed) as error:
                    if isinstance(error, LeftAlone) and not isinstance(error, Newer):
                        self._say_once(f"{path} cannot be sealed now: {error}")
                        continue
                    self._give_up(path, f"{path} cannot be sealed, and is kept as it is: {error}")
        return False

    def _due(self, path: Path, now: int) -> bool:
        """Whether it holds something that is in no block, and nobody has written to it for a while."""
        try:
            changed = (path / "data.mdb").stat().st_mtime_ns
        except OSError:
            return False
        return self.settled.get(path) != changed and self._quiet.lasts(path, changed, self.pace.quiet, now)

    def _give_up(self, path: Path, why: str) -> None:
        """Do not try it again until it changes."""
        self._note(why)
        with contextlib.suppress(OSError):
            self.settled[path] = (path / "data.mdb").stat().st_mtime_ns

    def _seal(self, kind: str, path: Path, start: int) -> bool:
        """Write the partition's rows as blocks, together with what was sealed of that time before."""
        if self.mover is not None:
            self.mover.bring_back(kind, start)
        changed, noted = self._rows.changed(path), self._rows.noted
        with self._rows.scanned(path) as (transaction, series):
            source = start, changed, transaction
            span = self._target(kind, start)
            target = self.blocks.path(kind, RAW, span)
            before = self._segment(target)
            if before is not None and source in before.index.sources:
                self.settled[path] = changed
                return False
            rows = values = 0
            with self._writing(target) as writing:
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
                            self._note(f"{target}: {subject}: {error}")
                    else:
                        touched.add(subject)
                    for origin, told in found.items():
                        together.add(subject, origin, told)
                together.flush()
                if self._rows.noted != noted:
                    miss(self._folder, kind, path, self._rows.lacking(path))
                if before is not None:
                    for place in before.index.parts:
                        if place.subject not in touched:
                            writing.add((place, before.raw(place)), as_it_was=True)
                index = self._index(kind, RAW, span, writing.places, [before] if before else [])
                sources = index.sources | {source}
                failpoints.at("seal.write")
                if kind == SAMPLE and before is not None and before.index.end - before.index.start == DAY:
                    self.blocks.mark_late(span)
                writing.finish(Index(kind, RAW, span.start, span.end, (), index.layouts, sources))
        self.settled[path] = changed
        self.done.partitions += 1
        self.done.rows += rows
        self.done.values += values
        self.done.bytes += writing.bytes
        self._log.info("sealed %s of %s: %d rows in %d bytes", kind, path.name, rows, writing.bytes)
        return True

    def _target(self, kind: str, start: int) -> Span:
        """The file that takes up what belongs to this time: that of the day, if there is one."""
        day = _span(name_of(day_of(start), "1d"))
        if period(kind) == DAY or self.blocks.path(kind, RAW, day).exists():
            return day
        return _span(name_of(start, "1h"))

    # -- days ---

    def _join_one_day(self, now: int) -> bool:
        """Join a day's hours, or make anew what a day's rollups lack."""
        listed, early = self.blocks.spans(SAMPLE, RAW), self.rollups.days()
        if len(self.blocks.stuck):
            listed = [span for span in listed if self.blocks.path(SAMPLE, RAW, span) not in self.blocks.stuck]
        for day in sorted({*early, *(day_of(span.start) for span in listed)}):
            try:
                if self._work_on(day, listed, now, early=day in early):
                    return True
            except LeftAlone as error:
                self._say_once(f"{error}")
        for day in self.blocks.late():
            if not self.rollups.is_hidden(day):
                self.blocks.unmark_late(day)
        return False

    def _work_on(self, day: int, listed: Sequence[Span], now: int, *, early: bool) -> bool:
        """Do what is due of one day; False when nothing is. Raises ``LeftAlone`` over a file of it."""
        whole = _span(name_of(day, "1d"))
        hours = [span for span in listed if day <= span.start < day + DAY and span != whole]
        if day + DAY + self.pace.day_after > now:
            return self.rollups.make_early(hours, now, self.pace.raw[0])
        if early or self._go_by_hours():
            return self._join_early(whole, hours, now)
        if hours:
            self._join_day(whole, hours, self._lacking(whole, hours, now))
            return True
        sound = self._sound([whole]) if whole in listed else []
        lacking = self._lacking(whole, [whole], now) if sound else []
        if sound:
            self.blocks.remove(self.rollups.hours(RAW, day))
        if lacking:
            self.rollups.make(whole, sound, lacking, now)
        return bool(lacking)

    def _say_once(self, what: str) -> None:
        """Say what is met in each turn."""
        if what not in self._told:
            self._told.add(what)
            self._log.error("%s", what)

    def _join_day(self, whole: Span, hours: Sequence[Span], tiers: Sequence[str]) -> None:
        segments = self._sound(hours)
        if not segments:
            return
        with ExitStack() as stack:
            raw = stack.enter_context(self._writing(self.blocks.path(SAMPLE, RAW, whole)))
            rollups = {
                tier: stack.enter_context(self._writing(self.blocks.path(SAMPLE, tier, whole))) for tier in tiers
            }
            beside = begun(segments, raw, rollups)
            if beside is not None:
                stack.enter_context(contextlib.closing(beside))
            join_day(segments, self._layouts, tiers, (raw, rollups), self._note, self._alive, beside)
            for tier, writing in rollups.items():
                writing.finish(self._index(SAMPLE, tier, whole, writing.places, segments, rollup=True))
                failpoints.at("seal.rollup")
            raw.finish(self._index(SAMPLE, RAW, whole, raw.places, segments))
            failpoints.at("seal.day")
        for path in self.rollups.hours(RAW, whole.start):
            self.blocks.remove([path])
            failpoints.at("seal.unlink")
        self.done.days += 1
        self._log.info("joined %s: %d files to one of %d bytes", whole.name, len(segments), raw.bytes)

    def _go_by_hours(self) -> bool:
        """Whether all rows go before their day is joined: then their hours never are."""
        return self.mover is None and self.pace.raw[1] < DAY + self.pace.day_after

    def _join_early(self, whole: Span, hours: Sequence[Span], now: int) -> bool:
        """Put together the rollups of a day of which some hours have their own; False when there is nothing to do."""
        if self.rollups.make_early(hours, now, 0):
            return True
        done = self.rollups.join_hours(whole, now)
        if hours and not self._go_by_hours():
            self._join_day(whole, hours, [])
            done = True
        return self.rollups.remove_hours(whole.start) or done

    def _lacking(self, whole: Span, parents: Sequence[Span], now: int) -> list[str]:
        """The day's rollups that are to be made of these files."""
        sources = frozenset(source for one in self._sound(parents) for source in one.index.sources)
        return self.rollups.lacking(whole, sources, now)

    def spares(self, one: Held, now: int) -> bool:
        """Whether a file may not go yet, although it is past its time."""
        if self.mover is not None and self.mover.spares(one, now):
            return True
        # Rows that are in it still are removed by the writer, which knows by the file that they are sealed.
        return (one.kind, one.tier) == (SAMPLE, RAW) and any(self._rows.between(SAMPLE, one.start, one.end - 1))

    # -- months ---

    def _join_one_month(self, now: int) -> bool:
        folder = self._folder / SAMPLE / MONTHLY
        days: dict[int, list[Path]] = {}
        for path in folder.glob("*.1d"):
            span = span_of(path.name) if path not in self.blocks.stuck else None
            if span is not None and month_after(span.start) + self.pace.month_after <= now:
                days.setdefault(month_of(span.start), []).append(path)
        for month, paths in sorted(days.items()):
            whole = _span(name_of(month, "1mo"))
            try:
                segments = self._sound([span for path in sorted(paths) if (span := span_of(path.name))], MONTHLY)
                before = self._segment(self.blocks.path(SAMPLE, MONTHLY, whole))
            except LeftAlone as error:
                self._say_once(f"{error}")
                continue
            if not segments:
                continue
            with self._writing(self.blocks.path(SAMPLE, MONTHLY, whole)) as writing:
                join_months(before, segments, TIERS[MONTHLY], writing, self._note)
                every = [*segments, *([before] if before else [])]
                writing.finish(self._index(SAMPLE, MONTHLY, whole, writing.places, every, rollup=True))
                failpoints.at("seal.month")
            self.blocks.remove(paths)
            self.done.months += 1
            return True
        return False

    # -- files ---

    def _index(
        self,
        kind: str,
        tier: str,
        span: Span,
        places: Iterable[Place],
        parents: Iterable[Segment],
        *,
        rollup: bool = False,
    ) -> Index:
        places = list(places)
        names: dict[int, tuple[str, ...]] = {}
        sources: set[tuple[int, int, int]] = set()
        for parent in parents:
            names.update(parent.index.layouts)
            sources |= parent.index.sources
        if not rollup:
            names.update(layouts_of(places, self._layouts))
        used = {place.layout for place in places}
        names = {layout: of for layout, of in names.items() if layout in used}
        return Index(kind, tier, span.start, span.end, (), names, frozenset(sources))

    def _writing(self, path: Path) -> contextlib.closing[Writing]:
        return contextlib.closing(self.blocks.writing(path))

    def _sound(self, spans: Iterable[Span], tier: str = RAW) -> list[Segment]:
        found = (self._segment(self.blocks.path(SAMPLE, tier, span)) for span in spans)
        return [one for one in found if one is not None]

    def _segment(self, path: Path) -> Segment | None:
        """The file, if it is there and sound; one that cannot be read is put aside. Raises ``LeftAlone``."""
        if not path.exists():
            return None
        found = self.blocks.segment(path)
        if found is None and path.exists():
            put_aside(path)
        return found

    def _note(self, what: str) -> None:
        """Say of a damage that it is there: once, for it is met in each turn."""
        if what not in self._told:
            self._told.add(what)
            self.done.damaged += 1
            self._log.error("damaged: %s", what)


def _cpu_seconds() -> float:
    """CPU of this process and of those that it started and that are over."""
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + others.ru_utime + others.ru_stime


def _span(name: str) -> Span:
    found = span_of(name)
    if found is None:
        raise ValueError(name)
    return found


def _subject(rows: dict[Origin, Told]) -> str:
    origin = next(iter(rows))
    return (origin.subject or origin.source).decode()
