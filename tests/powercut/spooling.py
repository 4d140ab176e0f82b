"""A process that spools and says what it promised: ``python -m tests.powercut.spooling FOLDER [MUTANT]``.

A mutant does one thing wrong, and must be caught: ``unsynced``, its file is not synced; ``lazy``, its journal is not;
``early``, the journal is written over before what it held is in the file; ``same``, the journal begins anew under the
same life; ``unmade``, the file names a journal whose name may not be on the disk.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

import lmdb

from bus.spool import Spool, SpoolLimits, journal
from bus.spool import spool as spools
from bus.spool.file import Writing
from bus.wire import read
from tests.bus.spooling import dead, message

LIMITS = SpoolLimits(bytes=60_000, compact_bytes=40_000, journal_bytes=24_576)
WALL = 1_700_000_000 * 10**9
BATCHES = 30
SIZE = 5
ALONE = 16
"""Messages one by one, before and after those in batches."""
MUTANTS = ("unsynced", "lazy", "early", "same", "unmade")


def main(folder: Path) -> None:
    """Spool, let go, sweep, begin a new epoch, close and open again."""
    for epoch in (7, 8):
        spool = Spool(folder / "spool" / "web-1", LIMITS, source="web-1", now=0.0, wall=WALL)
        number = 0
        for turn in range(BATCHES + 2 * ALONE):
            count = SIZE if ALONE <= turn < ALONE + BATCHES else 1
            batch = [message(number + n, epoch) for n in range(1, count + 1)]
            evicted = spool.append(epoch, number + 1, batch, float(turn), WALL)
            number += count
            for one in evicted:
                print(f"gone {one.epoch} {one.base}", flush=True)
            print(f"kept {epoch} {number}", flush=True)
            if turn % 7 == 6:
                spool.acknowledged(epoch, max(1, number - 15), 1)
            if turn % 23 == 22:
                spool.sweep(400.0 * turn, WALL)
            if turn == BATCHES:
                spool.trim(epoch, spool.kept()[-1].base + 2, float(turn), WALL)
                print(f"gone {epoch} {spool.kept()[-1].base}", flush=True)
        if epoch == 7:
            spool.close(1000.0, WALL)
        else:
            dead(spool)


def checked(folder: Path, said: list[str]) -> str:
    """What is wrong with the spool in this folder, after this was said; empty when nothing is.

    It is opened and left as a dead process leaves it, opened again, lived in and left so, then closed twice.
    """
    promised: dict[int, int] = {}
    gone: dict[int, int] = {}
    for line in said:
        words = line.split()
        place = promised if words[0] == "kept" else gone
        place[int(words[1])] = int(words[2])
    for leave, lives in ((dead, False), (dead, True), (closed, True), (closed, False)):
        spool = Spool(folder / "spool" / "web-1", LIMITS, source="web-1", now=0.0, wall=WALL)
        try:
            wrong = _wrong(spool, promised, gone)
            if wrong:
                return f"{wrong}, before it was left {leave.__name__}"
            newest = max((one.epoch for one in spool.kept()), default=7)
            last = {one.epoch: one.last for one in spool.kept()}.get(newest, 0)
            for first in range(last + 1, last + 4) if lives else ():
                for one in spool.append(newest, first, [message(first, newest)], 0.0, WALL):
                    gone[one.epoch] = one.base
                promised[newest] = first
        finally:
            leave(spool)
    return ""


def closed(spool: Spool) -> None:
    """Close it as it should be."""
    spool.close(0.0, WALL)


def _wrong(spool: Spool, promised: dict[int, int], gone: dict[int, int]) -> str:
    if (spool.moved_aside and promised) or spool.journal_fault:
        return f"it was moved aside: {spool.moved_aside} {spool.journal_fault}"
    kept = {one.epoch: one for one in spool.kept()}
    for epoch, last in promised.items():
        if epoch not in kept or kept[epoch].last < last:
            return f"{last} of {epoch} was promised, there is {kept.get(epoch)}"
    for one in kept.values():
        # What went for room, or was trimmed, without its being said yet.
        if one.base > gone.get(one.epoch, 1) + (0 if spool.status().bytes < LIMITS.bytes // 2 else 3 * SIZE):
            return f"{gone.get(one.epoch, 1)} to {one.base - 1} of {one.epoch} are gone"
        number = one.base
        while number <= one.last:
            found = spool.read(one.epoch, number, one.last)
            if not found:
                return f"{number} of {one.epoch} cannot be read"
            for packed in found:
                record = read(packed)[0]
                if record.kind != "sample" or record.number != number:
                    return f"{number} of {one.epoch} is {record.kind} {record.number}"
                number += 1
    return ""


def _mutate(name: str) -> None:
    """Become one that does this wrong."""
    if name == "unsynced":
        lmdb.open = partial(lmdb.open, sync=False)  # type: ignore[assignment]
    elif name == "lazy":
        os.O_DSYNC = 0  # type: ignore[misc]
    elif name == "early":
        save = spools.Spool._save

        def early(self: spools.Spool, writing: Writing, now: float, *, journal: bool) -> None:
            save(self, writing, now, journal=journal)
            if self._pending:
                assert self._journal._file is not None
                os.pwrite(self._journal._file, bytes(4096), 0)

        spools.Spool._save = early  # type: ignore[method-assign]
    elif name == "same":
        os.urandom = lambda size: b"7" * size
    else:
        journal.sync_folder = lambda folder: None  # type: ignore[attr-defined]


if __name__ == "__main__":
    for argument in sys.argv[2:]:
        _mutate(argument)
    main(Path(sys.argv[1]))
