"""Days that are over: their hours joined to one file, their rollups made, and those of a month joined."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from bus import failpoints
from bus.timing import DAY
from store.blocks.pressing import Damaged, LeftAlone
from store.folders import entries
from store.joining import join_day, join_months
from store.joining_apart import begun
from store.keys import SAMPLE
from store.rollups import MONTHLY, Pace, Rollups
from store.sealing_files import Files
from store.spans import RAW, TIERS, Span, day_of, month_after, month_of, name_of, named, span_of


class Days:
    """One per sealer. Samples that are ``archived`` are not dropped before their day is joined."""

    def __init__(
        self,
        files: Files,
        rollups: Rollups,
        pace: Callable[[], Pace],
        alive: Callable[[], None],
        *,
        archived: bool,
    ) -> None:
        self._files = files
        self._rollups = rollups
        self._pace = pace
        self._alive = alive
        self._archived = archived

    def join_one(self, now: int) -> bool:
        """Join a day's hours, or make anew what a day's rollups lack; False when there is nothing to do."""
        blocks = self._files.blocks
        listed, early = blocks.spans(SAMPLE, RAW), self._rollups.days()
        if len(blocks.stuck):
            listed = [span for span in listed if blocks.path(SAMPLE, RAW, span) not in blocks.stuck]
        unfinished: set[int] = set()
        for day in sorted({*early, *(day_of(span.start) for span in listed)}):
            try:
                if self._work_on(day, listed, now, early=day in early):
                    return True
            except Damaged as error:
                unfinished.add(day)
                self._put_off(name_of(day, "1d"), error)
        for day in blocks.late():
            if day not in unfinished and self._is_over(day, now) and not self._rollups.is_hidden(day):
                blocks.unmark_late(day)
        return False

    def _put_off(self, name: str, error: Damaged) -> None:
        """Say why a day or month waits for the next turn."""
        self._files.say_once(f"{error}" if isinstance(error, LeftAlone) else f"{name} cannot be joined now: {error}")

    def _is_over(self, day: int, now: int) -> bool:
        return day + DAY + self._pace().day_after <= now

    def _work_on(self, day: int, listed: Sequence[Span], now: int, *, early: bool) -> bool:
        """Do what is due of one day; False when nothing is.

        Raises ``LeftAlone`` over a file of it, and ``Damaged`` where what was written is not what is read.
        """
        whole = named(name_of(day, "1d"))
        hours = [span for span in listed if day <= span.start < day + DAY and span != whole]
        if not self._is_over(day, now):
            return self._rollups.make_early(hours, now, self._pace().raw[0])
        if early or self._go_by_hours():
            return self._join_early(whole, hours, now)
        if hours:
            lacking = self._lacking(whole, hours, now)
            known = [tier for tier in lacking if self._rollups.knows(tier, whole)]
            if known:
                # Late rows of a day whose rows are gone: what its rollups know of these stays in them.
                self._rollups.make(whole, self._files.sound(hours), known, now)
            else:
                self._join(whole, hours, lacking)
            return True
        sound = self._files.sound([whole]) if whole in listed else []
        lacking = self._lacking(whole, [whole], now) if sound else []
        if sound:
            self._files.blocks.remove(self._rollups.hours(RAW, day))
        if lacking:
            self._rollups.make(whole, sound, lacking, now)
        return bool(lacking)

    def _join(self, whole: Span, hours: Sequence[Span], tiers: Sequence[str]) -> None:
        files, blocks = self._files, self._files.blocks
        segments = files.sound(hours)
        if not segments:
            return
        with ExitStack() as stack:
            raw = stack.enter_context(files.writing(blocks.path(SAMPLE, RAW, whole)))
            rollups = {tier: stack.enter_context(files.writing(blocks.path(SAMPLE, tier, whole))) for tier in tiers}
            beside = begun(segments, raw, rollups)
            if beside is not None:
                stack.enter_context(contextlib.closing(beside))
            join_day(segments, files.layouts, tiers, (raw, rollups), files.note, self._alive, beside)
            for tier, writing in rollups.items():
                writing.finish(files.index(SAMPLE, tier, whole, writing.places, segments, rollup=True))
                failpoints.at("seal.rollup")
            raw.finish(files.index(SAMPLE, RAW, whole, raw.places, segments))
            failpoints.at("seal.day")
        for path in self._rollups.hours(RAW, whole.start):
            blocks.remove([path])
            failpoints.at("seal.unlink")
        files.done.days += 1
        files.log.info("joined %s: %d files to one of %d bytes", whole.name, len(segments), raw.bytes)

    def _go_by_hours(self) -> bool:
        """Whether all rows go before their day is joined: then their hours never are."""
        return not self._archived and self._pace().raw[1] < DAY + self._pace().day_after

    def _join_early(self, whole: Span, hours: Sequence[Span], now: int) -> bool:
        """Put together the rollups of a day of which some hours have their own; False when there is nothing to do."""
        if self._rollups.make_early(hours, now, 0):
            return True
        done = self._rollups.join_hours(whole, now)
        if hours and not self._go_by_hours():
            self._join(whole, hours, [])
            done = True
        return self._rollups.remove_hours(whole.start) or done

    def _lacking(self, whole: Span, parents: Sequence[Span], now: int) -> list[str]:
        """The day's rollups that are to be made of these files."""
        sources = frozenset(source for one in self._files.sound(parents) for source in one.index.sources)
        return self._rollups.lacking(whole, sources, now)

    def join_one_month(self, now: int) -> bool:
        """Join the days of a month that is over; False when there is none."""
        files, blocks = self._files, self._files.blocks
        days: dict[int, list[Path]] = {}
        for path in entries(blocks.folder / SAMPLE / MONTHLY, "*.1d"):
            span = span_of(path.name) if path not in blocks.stuck else None
            if span is not None and month_after(span.start) + self._pace().month_after <= now:
                days.setdefault(month_of(span.start), []).append(path)
        for month, paths in sorted(days.items()):
            whole = named(name_of(month, "1mo"))
            try:
                segments = files.sound([span for path in sorted(paths) if (span := span_of(path.name))], MONTHLY)
                before = files.segment(blocks.path(SAMPLE, MONTHLY, whole))
                if not segments:
                    continue
                with files.writing(blocks.path(SAMPLE, MONTHLY, whole)) as writing:
                    join_months(before, segments, TIERS[MONTHLY], writing, files.note)
                    every = [*segments, *([before] if before else [])]
                    writing.finish(files.index(SAMPLE, MONTHLY, whole, writing.places, every, rollup=True))
                    failpoints.at("seal.month")
            except Damaged as error:
                self._put_off(whole.name, error)
                continue
            blocks.remove(paths)
            files.done.months += 1
            return True
        return False
