"""A process that spools and says what it promised: ``python -m tests.powercut.spooling FOLDER [unsynced]``."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import lmdb

from bus.spool import Spool, SpoolLimits
from bus.wire import read
from tests.bus.spooling import message

LIMITS = SpoolLimits(bytes=60_000, compact_bytes=40_000)
WALL = 1_700_000_000 * 10**9
BATCHES = 30


def main(folder: Path) -> None:
    """Spool, let go, sweep, begin a new epoch."""
    spool = Spool(folder / "spool" / "web-1", LIMITS, source="web-1", now=0.0, wall=WALL)
    for epoch in (7, 8):
        for turn in range(BATCHES):
            batch = [message(turn * 5 + n, epoch) for n in range(1, 6)]
            evicted = spool.append(epoch, turn * 5 + 1, batch, float(turn), WALL)
            for one in evicted:
                print(f"gone {one.epoch} {one.base}", flush=True)
            print(f"kept {epoch} {turn * 5 + 5}", flush=True)
            if turn % 7 == 6:
                spool.acknowledged(epoch, turn * 5 - 10, 1)
            if turn % 10 == 9:
                spool.sweep(400.0 * turn, WALL)
    spool.close(1000.0, WALL)


def checked(folder: Path, said: list[str]) -> str:
    """What is wrong with the spool in this folder, after this was said; empty when nothing is."""
    promised: dict[int, int] = {}
    for line in said:
        words = line.split()
        if words[0] == "kept":
            promised[int(words[1])] = int(words[2])
    spool = Spool(folder / "spool" / "web-1", LIMITS, source="web-1", now=0.0, wall=WALL)
    try:
        if spool.status().moved_aside and promised:
            return "it was moved aside"
        kept = {one.epoch: one for one in spool.kept()}
        for epoch, last in promised.items():
            if epoch not in kept or kept[epoch].last < last:
                return f"{last} of {epoch} was promised, there is {kept.get(epoch)}"
        for one in kept.values():
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
        newest = max(kept, default=7)
        first = kept[newest].last + 1 if newest in kept else 1
        spool.append(newest, first, [message(first, newest)], 0.0, WALL)
    finally:
        spool.close(0.0, WALL)
    return ""


if __name__ == "__main__":
    if "unsynced" in sys.argv:
        lmdb.open = partial(lmdb.open, sync=False)  # type: ignore[assignment]
    main(Path(sys.argv[1]))
