"""``guardia store sealer``: the wiring. A program of its own, so that its work never delays a commit."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bus.faults import in_words
from bus.process import collect_seldom, keep_heap, large_pages, trim_heap
from bus.program import Program, TryAgain, run
from store import opening
from store.archive.files import Archive
from store.archive.mark import OURS
from store.archive.moving import Mover
from store.backends import StoreBroken
from store.backends.lmdb import LmdbBackend
from store.backends.values import disk_bytes
from store.config import AT_START, Keep, Store
from store.joining_apart import HEAP_BYTES, LARGE_BYTES
from store.leaps import Leaps
from store.pruning import Pruner, Room
from store.retention import tiers_kept
from store.returning import ahead, returning
from store.sealer import Pace, Sealer
from store.spans import RAW

PRUNE_SECONDS = 60.0
"""So often it looks what is past its time, and whether room is short, which does not wait for ``cleanup_seconds``."""
SCRUB_SECONDS = 60.0
"""So often a slice of what is sealed is read again."""
TURN_SECONDS = 15.0
"""So often it looks whether something is due; while there is, it goes on."""
NICE = 10
"""Everybody else goes first."""


class Ending(Exception):
    """The program is asked to end: what is half made is given up, and made anew by the next one."""


def build_sealer(program: Program[Store]) -> None:
    """Open the files, and look now and then for what is due."""
    if program.config.backend != "lmdb":
        program.log.info("the %s backend keeps its own house: there is nothing to seal", program.config.backend)
        return
    os.nice(NICE)
    keep_heap(HEAP_BYTES)
    large_pages(LARGE_BYTES)
    collect_seldom()
    path = program.home / program.config.path
    backend = opening.opened(lambda: LmdbBackend(path, write=False), opening.FIRST_SECONDS)
    program.loop.on_stop(backend.close)
    pace = _pace(program.config, _rules(program))
    old = program.config.archive_in(program.home)
    archive = Archive(old, backend.partitions.note, path / "blocks" / OURS) if old else None

    def alive() -> None:
        # A day of many hosts takes minutes: the watchdog has to see that it goes on.
        program.beat()
        if program.loop.asked_to_end:
            raise Ending

    sealer = Sealer(path, backend.partitions, backend.layouts, pace, program.log, alive, archive)
    mover = sealer.mover
    _set(mover, program.config)
    program.loop.on_stop(sealer.close)
    pruner = Pruner(sealer.blocks, program.config.retention(_rules(program)), _room(program.config), program.log)
    leaps = Leaps(backend.statistics())
    pruner.spared, pruner.covered = sealer.spares, sealer.rollups.covers
    pruner.in_rows = lambda one: bool(backend.partitions.between(one.kind, one.start, one.end - 1))
    if mover is not None:
        mover.drops = False
        mover.dropped = lambda kind, rows: pruner.dropped(kind, RAW, rows)
        mover.thin = lambda one, now: pruner.thin(one, now, mover.after)

    seals = True

    def turn() -> None:
        nonlocal seals
        try:
            backend.refresh()
            more = sealer.turn(time.time_ns())
            seals = True
        except Ending:
            return
        except StoreBroken as error:
            raise TryAgain(f"{error}") from None
        except OSError as error:
            program.log.error("cannot seal: %s", in_words(error))
            more = seals = False
        if not more:
            trim_heap()
            large_pages(LARGE_BYTES)
        program.loop.after(0.0 if more else TURN_SECONDS, turn)

    def prune() -> None:
        now = time.time_ns()
        waits = leaps.waits(now, time.monotonic())
        if leaps.is_new:
            program.log.warning("%s", leaps)
        if mover is not None:
            mover.drops = not waits
        try:
            if not waits:
                pruner.turn(now)
            free = opening.free_bytes(path)
            # With less than half of it left, what is yet to be sealed may come too late.
            due = seals and free >= pruner.room.free / 2
            back = returning(backend.partitions, sealer.settled, sealer.pace.after, now, seals=due)
            back += ahead(backend.partitions, now)
            pruner.make_room(now, _used(path), free, back)
        except OSError as error:
            program.log.error("cannot drop what is old: %s", in_words(error))

    def scrub() -> None:
        with suppress(Ending):
            sealer.scrubber.turn(time.monotonic())

    def use(config: Store) -> None:
        sealer.pace = _pace(config, _rules(program))
        _set(mover, config)
        pruner.retention, pruner.room = config.retention(_rules(program)), _room(config)
        prune()

    def readings() -> dict[str, float | None]:
        done = sealer.done
        return {
            "sealer.partitions_total": float(done.partitions),
            "sealer.rows_total": float(done.rows),
            "sealer.values_total": float(done.values),
            "sealer.days_total": float(done.days),
            "sealer.months_total": float(done.months),
            **(
                {"sealer.archived_total": float(mover.days), "sealer.archive_away": float(bool(mover.archive.lacking))}
                if mover is not None
                else {}
            ),
            "sealer.damaged": sealer.damaged,
            "sealer.damaged_total": float(done.damaged),
            "sealer.scrubbed_bytes_total": float(sealer.scrubber.bytes),
            "sealer.scrubbed_rounds_total": float(sealer.scrubber.rounds),
            "sealer.unremoved": float(len(sealer.blocks.stuck)),
            "sealer.deleted_total": float(pruner.deleted.total()),
            "sealer.cpu_seconds_total": done.seconds,
        }

    program.loop.every(SCRUB_SECONDS, scrub, at_once=True)
    program.loop.after(0.0, turn)
    program.loop.every(PRUNE_SECONDS, prune, at_once=True)
    program.on_reload.append(use)
    program.at_start = AT_START
    program.vitals.source(readings)


def _pace(config: Store, rules: Sequence[Keep]) -> Pace:
    retention = config.retention(rules)
    raw = retention.shortest("sample", RAW), retention.longest("sample", RAW)
    return Pace(
        after=min(int(config.seal_after_seconds * 1e9), raw[0]),
        keep=tiers_kept(retention),
        raw=raw,
        over=lambda subjects, age: retention.over("sample", RAW, subjects, age),
    )


def _set(mover: Mover | None, config: Store) -> None:
    if mover is not None:
        mover.after, mover.keep = int(config.archive_after_seconds * 1e9), int(config.keep_archive_seconds * 1e9)


def _room(config: Store) -> Room:
    return Room(config.max_bytes, config.room_bytes)


def _rules(program: Program[Store]) -> tuple[Keep, ...]:
    found: tuple[Keep, ...] = program.settings["retention"]
    return found


def _used(path: Path) -> int:
    """What the store takes on the disk; what the writer removes meanwhile is none of it."""
    found = (one for folder in ("rows", "blocks", "state") for one in os.walk(path / folder))
    return sum(disk_bytes(Path(folder, name)) for folder, folders, files in found for name in (*folders, *files))


def main(argv: Sequence[str] | None = None) -> int:
    """Run it to its end; returns its exit code."""
    return run("store", Store, build_sealer, part="sealer", argv=argv)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
