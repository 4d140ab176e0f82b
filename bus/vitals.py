"""A process's own counters, read as the metrics of one sample.

``count("intake.received")`` is read as ``intake.received_total`` and ``intake.received_per_s``; a gauge is read
under its own name. CPU, memory and the longest handler of the interval come by themselves.
"""

from __future__ import annotations

import functools
import os
import resource
from collections import defaultdict
from collections.abc import Callable

_PAGE = resource.getpagesize()


def resident_bytes() -> int:
    """This process's resident memory."""
    return int(os.pread(_statm(os.getpid()), 128, 0).split()[1]) * _PAGE


@functools.cache
def _statm(process: int) -> int:
    # Kept open: a process that may open no more files is one whose memory matters.
    return os.open(f"/proc/{process}/statm", os.O_RDONLY | os.O_CLOEXEC)


class Vitals:
    """Counters and gauges of one process, turned into readings by ``read``."""

    def __init__(self, started: float) -> None:
        self._totals: defaultdict[str, int] = defaultdict(int)
        self._before: dict[str, int] = {}
        self._gauges: dict[str, float | None] = {}
        self._sources: list[Callable[[], dict[str, float | None]]] = []
        self._started = started
        self._read_at = started
        self._cpu = sum(os.times()[:2])

    def count(self, name: str, n: int = 1) -> None:
        """Add ``n`` to the running total ``name``."""
        self._totals[name] += n

    def total(self, name: str) -> int:
        """The running total ``name``, 0 if it was never counted."""
        return self._totals.get(name, 0)

    def gauge(self, name: str, value: float | None) -> None:
        """Remember that ``name`` is now ``value``."""
        self._gauges[name] = value

    def source(self, read: Callable[[], dict[str, float | None]]) -> None:
        """Ask ``read`` for gauges whenever the vitals are read."""
        self._sources.append(read)

    def read(self, now: float, longest_handler: float = 0.0) -> dict[str, float | None]:
        """All readings since the last call; ``now`` is of the clock that ``started`` was of, in seconds."""
        elapsed = max(now - self._read_at, 1e-9)
        cpu = sum(os.times()[:2])
        readings: dict[str, float | None] = {
            "process.cpu_percent": 100.0 * (cpu - self._cpu) / elapsed,
            "process.rss_bytes": float(resident_bytes()),
            "process.uptime_seconds": now - self._started,
            "loop.longest_seconds": longest_handler,
        }
        self._read_at, self._cpu = now, cpu
        readings.update(self._gauges)
        for source in self._sources:
            readings.update(source())
        for name, total in self._totals.items():
            readings[name + "_total"] = float(total)
            readings[name + "_per_s"] = (total - self._before.get(name, 0)) / elapsed
        self._before = dict(self._totals)
        return readings
