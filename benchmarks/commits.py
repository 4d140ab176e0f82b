"""The writer alone, in this process: what a commit costs where many hosts tell one sample each.

Nothing is beside it, so its CPU says what it does also on a machine that is busy with other work; the time that a
commit takes is then that of the disk and of the others too.
"""

from __future__ import annotations

import gc
import logging
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.producers import samples
from bus.loop import Loop
from bus.vitals import Vitals
from bus.wire import stamped
from store.backends.lmdb import LmdbBackend
from store.config import Store
from store.writer import Writer

PER_SECOND = 50_000
AT_ONCE = 500
"""Samples of a commit: what comes in ten milliseconds."""
FRAMES = 4
"""Bus frames in which they come."""
RECEIPTS_EVERY = 10
"""Commits between two receipts: a tenth of a second."""


class _Stair:
    frames: list[bytes]

    def drain(self, limit: int) -> list[bytes]:
        found, self.frames = self.frames, []
        return found


class _Settle:
    def send(self, frame: bytes) -> bool:
        return True


def measure(seconds: float) -> None:
    """Print CPU a sample and time a commit for few hosts and for many."""
    for hosts in (100, 300, 1000):
        cpu, took = committed(hosts, max(1, int(PER_SECOND / AT_ONCE * min(seconds, 10))))
        print(
            f"{AT_ONCE} samples of {hosts} hosts a commit: {cpu:.1f} µs CPU a sample, "
            f"a commit p50 {statistics.median(took):.1f} ms, p99 {sorted(took)[int(len(took) * 0.99)]:.1f} ms"
        )


def committed(hosts: int, commits: int) -> tuple[float, list[float]]:
    """(µs of CPU a sample, ms that each commit took from the stair to the disk)."""
    each = commits * AT_ONCE // hosts + 2
    now = time.time_ns()
    made = [samples(f"host-{place}", each, now, 1_000_000_000 * hosts // PER_SECOND) for place in range(hosts)]
    told = [made[host][turn] for turn in range(1, each + 1) for host in range(hosts)]
    stair, took = _Stair(), []
    with _writer(stair) as writer:
        stair.frames = [stamped("layout", 1, 1, now, [one[0] for one in made])]
        writer.drain()
        writer.commit()
        usual = gc.get_threshold()
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)  # as ``bus.process`` does it for every program
        before = time.process_time()
        for commit in range(commits):
            start = time.perf_counter()
            part, size = told[commit * AT_ONCE : (commit + 1) * AT_ONCE], AT_ONCE // FRAMES
            received = time.time_ns() // 1000 * 1000
            stair.frames = [
                stamped("sample", 1, commit * FRAMES + place + 1, received, part[place * size : (place + 1) * size])
                for place in range(FRAMES)
            ]
            writer.drain()
            writer.commit()
            if not commit % RECEIPTS_EVERY:
                writer.report()
                writer._settling.now()
            took.append(1e3 * (time.perf_counter() - start))
        cpu = time.process_time() - before
        gc.unfreeze()
        gc.set_threshold(*usual)
    return 1e6 * cpu / (commits * AT_ONCE), took


@contextmanager
def _writer(stair: _Stair) -> Iterator[Writer]:
    folder = Path(tempfile.mkdtemp(prefix="guardia-bench-", dir=os.environ.get("BENCH_DIR", "/var/tmp")))
    path = folder / "store"
    path.mkdir()
    backend = LmdbBackend(path, write=True)
    log = logging.getLogger("bench")
    settings = Store(free_bytes=0)
    writer = Writer(backend, stair, _Settle(), Loop(), Vitals(0.0), log, settings, path)  # type: ignore[arg-type]
    try:
        yield writer
    finally:
        writer.close()
        backend.close()
        shutil.rmtree(folder, ignore_errors=True)
