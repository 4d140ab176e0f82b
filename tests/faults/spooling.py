"""A producer's spool with its journal: what it could not keep is offered again, and it is swept, trimmed and closed."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from bus.delivery.retention import NoRoom
from bus.spool import Spool
from tests.bus.spooling import dead, message
from tests.faults.life import calm, say
from tests.powercut.spooling import ALONE, LIMITS, SIZE, WALL, checked

__all__ = ["checked", "main"]
BATCHES = 8
TRIES = 8
"""A spool that could not write tries its file anew, and its journal at a sweep."""


def main(folder: Path) -> None:
    """Spool, let go, sweep, begin a new epoch, close and open again."""
    for epoch in (7, 8):
        spool = Spool(folder / "spool" / "web-1", LIMITS, source="web-1", now=0.0, wall=WALL)
        number = 0
        for turn in range(BATCHES + 2 * ALONE):
            count = SIZE if ALONE <= turn < ALONE + BATCHES else 1
            batch = [message(number + n, epoch) for n in range(1, count + 1)]
            _kept(spool, epoch, number + 1, batch, float(turn))
            number += count
            say(f"kept {epoch} {number}")
            if turn % 7 == 6:
                spool.acknowledged(epoch, max(1, number - 15), 1)
            if turn % 23 == 22:
                with suppress(NoRoom):
                    spool.sweep(400.0 * turn, WALL)
        if epoch == 7:
            spool.close(1000.0, WALL)
        else:
            dead(spool)


def _kept(spool: Spool, epoch: int, first: int, batch: list[bytes], now: float) -> None:
    """Spool it, as often as it takes."""
    for turn in range(TRIES):
        try:
            evicted = spool.append(epoch, first, batch, now, WALL)
        except NoRoom:
            if turn == 1:
                calm()
            continue
        for one in evicted:
            say(f"gone {one.epoch} {one.base}")
        return
    raise AssertionError("it does not go on")
