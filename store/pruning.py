"""Drops what nobody is to keep any more, and makes room before the disk is full. The sealer's other half."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bus import failpoints
from bus.messages import KINDS
from bus.timing import HOUR
from store.blocks.aside import BAD, aside
from store.blocks.files import Blocks, Gone
from store.blocks.missing import miss_no_more, missing_of
from store.blocks.pressing import Damaged
from store.durable import is_damaged, read_checked, rewrite_checked
from store.folders import entries
from store.retention import Held, Retention, for_room, of_tier, past_time
from store.spans import ARCHIVE, RAW, TIERS, span_of

STATISTICS = "statistics.json"
PATIENCE = HOUR
"""So long is waited for the room that rows give back."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much room the store may take: ``most`` bytes altogether (0: any), and ``free`` bytes left on the disk."""

    most: int = 0
    free: int = 0


class Pruner:
    """One per sealer; ``deleted`` counts rows and buckets by kind and tier since the store was made."""

    def __init__(self, blocks: Blocks, retention: Retention, room: Room, log: logging.Logger) -> None:
        self.retention = retention
        self.room = room
        self._blocks = blocks
        self._log = log
        self.spared: Callable[[Held, int], bool] = lambda one, now: False
        """Whether a file is not dropped or thinned for its age at this time; for want of room it is."""
        self.covered: Callable[[Held, int], bool] = lambda one, now: False
        """Whether an hour of samples may go at this time: all rollups that are kept of it are made."""
        self.in_rows: Callable[[Held], bool] = lambda one: False
        """Whether rows of its time are there still: without its block nobody could tell that they may go."""
        self.deleted = Counter(deleted_of(blocks.folder))
        if is_damaged(blocks.folder / STATISTICS):
            log.error("damaged: %s: how much was dropped before is not known", blocks.folder / STATISTICS)
        self._short_since: int | None = None
        self._stuck: dict[Path, tuple[str, int]] = {}
        """What of those that could not be removed is to be counted when it is."""

    def turn(self, now: int) -> int:
        """Drop and thin what is past its time; returns how many files."""
        self._blocks.try_again()
        self._count_late()
        files = [one for one in self._held() if not self.spared(one, now)]
        dropped = past_time(files, self.retention, now, lambda one: self.covered(one, now))
        gone = sum(self._drop(one) for one in dropped)
        kept = [one for one in files if one not in dropped]
        thinned = sum(self._thin(one, now) for one in kept if self.retention.differs(one.kind, one.tier))
        if gone or thinned:
            self._remember()
        self._miss_no_more(now)
        self._drop_put_aside(now)
        return gone + thinned

    def _count_late(self) -> None:
        """Count what is gone by now of what could not be removed."""
        for path in [path for path in self._stuck if path not in self._blocks.stuck]:
            name, rows = self._stuck.pop(path)
            if not path.exists():
                self.deleted[name] += rows
                self._remember()

    def _held(self) -> list[Held]:
        """All files but those that should be gone already."""
        stuck, folder = self._blocks.stuck, self._blocks.folder
        return [one for one in held(folder) if not len(stuck) or folder / one.kind / one.tier / one.name not in stuck]

    def _drop_put_aside(self, now: int) -> None:
        """Remove what was put aside and would be past its time now."""
        for path in aside(self._blocks.folder):
            kind, tier, name = path.parts[-3:]
            span = span_of(name.partition(BAD)[0])
            if span is not None and _is_ours(kind, tier) and now - span.end >= self.retention.longest(kind, tier):
                self._blocks.stuck.remove(path)

    def _miss_no_more(self, now: int) -> None:
        """Strike off the roll what vanished once, and forget what was missing, where it would be past its time now."""
        miss_no_more(self._blocks.folder, lambda kind: self.retention.longest(kind, RAW), now)
        roll = self._blocks.roll
        for name in list(roll.files) if roll is not None else ():
            kind, tier, file = name.split("/")
            span = span_of(file)
            past = span is None or now - span.end >= self.retention.longest(kind, tier)
            if roll is not None and past and not (self._blocks.folder / name).exists():
                roll.strike([name])

    def make_room(self, now: int, used: int, free: int, returning: int = 0) -> int:
        """Drop what is nearest to its end when ``used`` bytes are too many or ``free`` ones too few; returns files.

        While nothing is short but what rows are ``returning``, that is waited for, an hour at most: of a large import
        the rows take many times as much as what they become, and the past would go for them.
        """
        wanted = max(used - self.room.most if self.room.most else 0, self.room.free - free)
        if wanted <= 0:
            self._short_since = None
            return 0
        if self._short_since is None:
            self._short_since = now
            if wanted <= returning:
                self._log.info("room is short, and rows that are being sealed make some: nothing is dropped for it yet")
        if wanted <= returning and now - self._short_since < PATIENCE:
            return 0
        there = [one for one in self._held() if not self.in_rows(one)]
        files = [one for one in for_room(there, self.retention, now, wanted) if self._drop(one)]
        for one in files:
            self._log.warning("dropped %s of %s %s before its time: room is short", one.name, one.kind, one.tier)
        if files:
            self._remember()
        return len(files)

    def dropped(self, kind: str, tier: str, rows: int) -> None:
        """Count what somebody else dropped."""
        self.deleted[f"{kind}/{tier}"] += rows
        self._remember()

    def _drop(self, one: Held) -> bool:
        """Remove a file and count what was in it; False when it cannot be, which is told."""
        path, rows = self._blocks.folder / one.kind / one.tier / one.name, 0
        with contextlib.suppress(Gone, OSError):
            segment = self._blocks.segment(path)
            rows = segment.index.rows if segment is not None else 0
        self._blocks.remove([path])
        if path in self._blocks.stuck:
            self._stuck[path] = f"{one.kind}/{one.tier}", rows
            return False
        self.deleted[f"{one.kind}/{one.tier}"] += rows
        failpoints.at("prune.drop")
        return True

    def thin(self, one: Held, now: int, than: int) -> bool:
        """Write a file anew without the subjects that are over, of those kept for no longer than ``than`` ns.

        Where there are no others it goes. Whether anything was done.
        """
        if not self.retention.differs(one.kind, one.tier):
            return False
        short = {rule.keep[name] for rule in self.retention.rules if (name := of_tier(one.kind, one.tier)) in rule.keep}
        if not any(keep <= than for keep in short) or not self._thin(one, now, than):
            return False
        self._remember()
        return True

    def _thin(self, one: Held, now: int, than: int | None = None) -> bool:
        """Write a file anew without the subjects that are not kept any more."""
        path = self._blocks.folder / one.kind / one.tier / one.name
        try:
            segment = self._blocks.segment(path)
        except Gone:
            return False
        if segment is None:
            return False
        over = self.retention.over(one.kind, one.tier, segment.subjects(), now - one.end)
        if than is not None:
            over = {subject for subject in over if self.retention.keep(one.kind, one.tier, subject) <= than}
        if over == set(segment.subjects()) and than is not None:
            return self._drop(one)
        if not over or not (one.joined or self.covered(one, now)):
            return False
        rows = sum(place.rows for subject in over for place in segment.places(subject))
        with contextlib.closing(self._blocks.writing(path)) as writing:
            for place in segment.index.parts:
                if place.subject not in over:
                    writing.add((place, segment.raw(place)), as_it_was=True)
            try:
                writing.finish(segment.index)
            except Damaged as error:
                self._log.error("damaged: %s", error)
                return False
        self.deleted[f"{one.kind}/{one.tier}"] += rows
        failpoints.at("prune.thin")
        return True

    def _remember(self) -> None:
        """Keep the statistics; what cannot be written now is counted by this process alone."""
        with contextlib.suppress(OSError):
            rewrite_checked(self._blocks.folder / STATISTICS, {"deleted": dict(self.deleted)})


def deleted_of(folder: Path) -> dict[str, int]:
    """How many rows and buckets were dropped by ``kind/tier``, as the folder of blocks says."""
    try:
        found = read_checked(folder / STATISTICS)["deleted"]
        return {str(name): int(count) for name, count in found.items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return {}


def held(folder: Path) -> list[Held]:
    """All files of blocks, by kind, tier and time; what somebody put beside the tiers is none of them."""
    found = []
    for path in entries(folder, "*/*/*"):
        span = span_of(path.name)
        kind, tier = path.parts[-3:-1]
        if span is not None and _is_ours(kind, tier):
            with contextlib.suppress(OSError):
                found.append(Held(path.name, kind, tier, span.start, span.end, path.stat().st_blocks * 512))
    return sorted(found, key=lambda one: (one.kind, one.tier, one.start))


def _is_ours(kind: str, tier: str) -> bool:
    return kind in KINDS and tier in (RAW, *TIERS)


def statistics_of(folder: Path, deleted: dict[str, int], beside: Iterable[Held]) -> dict[str, Any]:
    """What is sealed, and what was dropped of rows and blocks together, for ``StoreStatistics``.

    ``beside`` are the archive's days, whose bytes are not the store's; ``deleted`` are rows by kind.
    """
    tiers: dict[str, tuple[int, int, int, int]] = {}
    for one in [*held(folder), *beside]:
        name = f"{one.kind}/{one.tier}"
        files, size, start, end = tiers.get(name, (0, 0, one.start, one.end))
        tiers[name] = files + 1, size + one.bytes, min(start, one.start), max(end, one.end)
    gone = Counter({kind: int(count) for kind, count in deleted.items()})
    for name, count in deleted_of(folder).items():
        kind, _, tier = name.partition("/")
        gone[kind] += count if tier == RAW else 0
    size = sum(size for name, (_, size, *_) in tiers.items() if not name.endswith(f"/{ARCHIVE}"))
    return {"tiers": tiers, "deleted": dict(gone), "bytes": size, "missing": missing_of(folder)}
