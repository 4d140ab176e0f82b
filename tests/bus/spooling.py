"""A process that spools batches until it is killed: ``python -m tests.bus.spooling FOLDER LIMIT``.

It prints the numbers that ``append`` made durable, a line each: what is printed is promised.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from bus.delivery.retention import NoRoom
from bus.spool import Spool, SpoolLimits
from bus.wire import Record, pack

EPOCH = 7


def message(number: int, epoch: int = EPOCH, size: int = 300) -> bytes:
    """A message that tells its own number."""
    body = f"{epoch} {number} ".encode().ljust(size, b".")
    return pack(Record("sample", "web-1", "web-1", 1_700_000_000 * 10**9, epoch, number, body))


def dead(spool: Spool) -> None:
    """Let go of everything as a process does that is killed; what is on the disk stays as it is."""
    if spool._file is not None:
        spool._file.close()
    spool._journal.close()
    os.close(spool._lock)


def main() -> None:
    """Spool, promise, go on."""
    path, limit = Path(sys.argv[1]), int(sys.argv[2])
    limits = SpoolLimits(bytes=limit, journal_bytes=65_536)
    spool = Spool(path, limits, source="web-1", now=time.monotonic(), wall=time.time_ns())
    epoch = max((one.epoch for one in spool.kept()), default=EPOCH - 1) + 1
    number = 0
    while True:
        batch = [message(number + n, epoch) for n in range(1, 11)]
        try:
            evicted = spool.append(epoch, number + 1, batch, time.monotonic(), time.time_ns())
        except NoRoom as error:
            print("full", str(error)[-40:], flush=True)
            time.sleep(0.02)
            continue
        number += 10
        for one in evicted:
            print("gone", one.epoch, one.base, flush=True)
        print("kept", epoch, number, flush=True)
        if number % 100 == 0:
            spool.acknowledged(epoch, number - 50, 1)
        if number % 700 == 0:
            with suppress(NoRoom):
                spool.sweep(time.monotonic(), time.time_ns())


if __name__ == "__main__":
    main()
