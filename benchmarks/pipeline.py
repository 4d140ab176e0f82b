"""From producers through the collector to the disk and to the stream: how much, how soon, how dear.

    python -m benchmarks.pipeline [PART ...] [--seconds 10]

Beside it, in the same minute: the same samples written the SQLite way, one row a sample in batches of 100.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import statistics
import sys
import time
from collections.abc import Callable, Sequence

from benchmarks import agent, agents, commits, delivery, sqlite, stream
from benchmarks.growth import __main__ as growth
from benchmarks.hub import Hub, hub
from benchmarks.producers import VALUES, pushed

RUNS = 3
IDLE_SECONDS = 0.02
"""CPU of half a second in which a writer does nothing but look after itself."""


def stored(rate: float, seconds: float, processes: int, hosts: int = 1000) -> dict[str, float]:
    """One run: samples/s to the disk, delays from sending to durable, CPU; nothing may be missing."""
    with hub() as made:
        made.start("collector", "collector")
        result = made.folder / "result.json"
        made.start("store-writer", "benchmarks.observed", str(result))
        sent = pushed([made.door], hosts=hosts, seconds=seconds, rate=rate, processes=processes)
        _settled(made)
        cpu = made.cpu_seconds("collector") + made.cpu_seconds("store-writer")
        made.stop("store-writer")
        found = json.loads(result.read_text())
    took = (found["last"] - found["first"]) / 1e9
    delays = sorted(found["delays_ms"])
    return {
        "sent": sent,
        "lost": sent - found["samples"],
        "samples_per_s": found["samples"] / took,
        "values_per_s": VALUES * found["samples"] / took,
        "p50_ms": delays[len(delays) // 2],
        "p99_ms": delays[int(len(delays) * 0.99)],
        "cpu_s_per_million_values": cpu / (VALUES * found["samples"] / 1e6),
    }


def _settled(made: Hub) -> None:
    """Wait until the writer has nothing to do any more."""
    before = 0.0
    while (now := made.cpu_seconds("store-writer")) - before > IDLE_SECONDS:
        before = now
        time.sleep(0.5)


def throughput(seconds: float) -> None:
    """As fast as it goes, beside SQLite."""
    ours = [stored(400_000, seconds, 2) for _ in range(RUNS)]
    theirs = [sqlite.stored(seconds) for _ in range(RUNS)]
    rate, peer = (statistics.median(values) for values in ([run["samples_per_s"] for run in ours], theirs))
    lost = sum(run["lost"] for run in ours)
    cpu = statistics.median(run["cpu_s_per_million_values"] for run in ours)
    print(f"durable:  {rate:,.0f} samples/s, {VALUES * rate / 1e6:.1f} million values/s, {lost:.0f} lost")
    print(f"          {cpu:.3f} CPU seconds per million values (collector and writer)")
    print(f"SQLite:   {peer:,.0f} samples/s (one row a sample, batches of 100, synchronous=FULL, WAL)")
    print(f"ratio:    {rate / peer:.1f}")


def delay(seconds: float) -> None:
    """Sent to durable at 50,000 samples/s, from few hosts and from many: each costs a page a commit."""
    for hosts in (100, 300, 1000):
        runs = [stored(50_000, seconds, 2, hosts) for _ in range(RUNS)]
        p50, p99 = (statistics.median(run[name] for run in runs) for name in ("p50_ms", "p99_ms"))
        lost = sum(run["lost"] for run in runs)
        print(f"durable at 50,000 samples/s of {hosts} hosts: p50 {p50:.1f} ms, p99 {p99:.1f} ms, {lost:.0f} lost")


PARTS: dict[str, Callable[[float], None]] = {
    "throughput": throughput,
    "delay": delay,
    "commits": commits.measure,
    "stream": stream.measure,
    "agent": agent.measure,
    "agents": agents.measure,
    "delivery": delivery.measure,
    "growth": growth.measure,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what is asked for; all without arguments."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--seconds", type=float, default=10.0)
    given = parser.parse_args(argv)
    if unknown := [part for part in given.parts if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]}: {', '.join(PARTS)}")
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # whoever is cut short takes its hub and folder along
    for part in given.parts or PARTS:
        PARTS[part](given.seconds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
