"""All databases in one run: ``python -m benchmarks.databases.full [--quick] [--minutes 12] [--parts PART,PART]``.

Sustained durable ingest in turns, then questions over HTTP beside ingest; at the end the tables, as Markdown. What
fails is told and left out. When the time is nearly over, what is left is left out too.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import signal
import statistics
import subprocess
import time
import traceback
from collections.abc import Callable, Sequence
from typing import TypeVar

from benchmarks.databases import load, questions, sustained
from benchmarks.databases.data import Readings
from benchmarks.databases.rivals import RIVALS
from benchmarks.databases.run import Run

Found = TypeVar("Found")
PACKAGES = {
    "VictoriaMetrics": "victoria-metrics",
    "Prometheus": "prometheus",
    "InfluxDB": "influxdb",
    "PostgreSQL": "postgresql-15",
}
OURS = {"ours": load.TOGETHER, "ours-single": 1}
QUESTIONS_SECONDS = 270.0
"""What the questions take at most on a machine that does nothing else."""
NAMES = (*OURS, *RIVALS)
BESIDE = {"ours-single": "victoriametrics-single", "victoriametrics-single": "victoriametrics-single"}
"""Whom a line is compared with."""


class Watch:
    """How much time is left."""

    def __init__(self, minutes: float) -> None:
        self._start = time.monotonic()
        self._end = self._start + 60 * minutes

    def left(self) -> float:
        """Seconds."""
        return self._end - time.monotonic()

    def say(self, text: str) -> None:
        """Print it with the time since the start."""
        print(f"[{time.monotonic() - self._start:5.0f} s, load {os.getloadavg()[0]:.1f}] {text}", flush=True)

    def tried(self, name: str, work: Callable[[], Found]) -> Found | None:
        """Its result; None when it failed, which is told."""
        try:
            return work()
        except (Exception, SystemExit) as error:
            self.say(f"{name} failed: {error!r}")
            traceback.print_exc()
            return None


def main() -> int:
    """Measure what is asked for; print as it comes, and tables at the end."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.databases.full", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the data, one run")
    parser.add_argument("--minutes", type=float, default=12.0)
    parser.add_argument("--parts", default="ingest,questions")
    parser.add_argument("--only", default=",".join(NAMES), help=",".join(NAMES))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--hosts", type=int, default=100)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupted)
    watch, names = Watch(given.minutes), given.only.split(",")
    if unknown := [name for name in names if name not in NAMES]:
        parser.error(f"there is no {unknown[0]}: {', '.join(NAMES)}")
    hosts, runs = (10, 1) if given.quick else (given.hosts, given.runs)
    head = _machine()
    print(head, flush=True)
    tables = []
    parts = given.parts.split(",")
    reserve = QUESTIONS_SECONDS if "questions" in parts else 60.0
    if "ingest" in parts:
        tables.append(_told(_ingest(watch, names, hosts, runs, 2.0 if given.quick else 8.0, reserve)))
    if "questions" in parts:
        tables.append(_told(questions.measured(watch, names, quick=given.quick)))
    watch.say("all done")
    print("\n" + "\n".join((head, *tables)), flush=True)
    return 0


def _ingest(watch: Watch, names: Sequence[str], hosts: int, runs: int, seconds: float, reserve: float) -> str:
    """``reserve`` seconds at the end are for others."""
    data = sustained.readings(hosts)
    works: dict[str, Callable[[], Run]] = {}
    for name in names:
        work = watch.tried(name, lambda name=name: _work(name, data, seconds))  # type: ignore[misc]
        if work is not None:
            works[name] = work
    watch.say("requests are made")
    found: dict[str, list[Run]] = {}
    for _ in range(runs):
        for name, work in works.items():
            if watch.left() < reserve and name in found:
                continue
            run = watch.tried(name, work)
            if run is not None:
                found.setdefault(name, []).append(run)
                watch.say(run.line())
    return _table(found, hosts, len(data.names))


def _work(name: str, data: Readings, seconds: float) -> Callable[[], Run]:
    if name in OURS:
        frames = load.frames(data, OURS[name])
        return lambda: sustained.ours(data, frames, OURS[name])
    rival = RIVALS[name]
    told = rival.made(data, int(rival.most * 1e5 * seconds))
    return lambda: rival.ran(told, seconds)


def _table(found: dict[str, list[Run]], hosts: int, metrics: int) -> str:
    rows = [
        f"\nSustained durable ingest, {hosts} hosts of {metrics} metrics, medians of the runs:\n",
        "| | million values/s | CPU s per million values | a run | runs | beside VictoriaMetrics told alike |",
        "|---|---|---|---|---|---|",
    ]
    for name, runs in found.items():
        one = _middle(runs)
        beside = BESIDE.get(name, "victoriametrics")
        peer = _middle(found[beside]) if beside in found else None
        ratio = f"{one.rate / peer.rate:.1f} x the pace, {one.each / peer.each:.2f} x the CPU" if peer else ""
        parts = ", ".join(f"{of} {spent / (one.values / 1e6):.3f}" for of, spent in one.cpu.items())
        parts = f" ({parts})" if len(one.cpu) > 1 else ""
        rows.append(
            f"| {one.name} | {one.rate:.2f} | {one.each:.3f}{parts} | {one.values / 1e6:.1f} million in"
            f" {one.seconds:.1f} s | {len(runs)} | {ratio} |"
        )
    return "\n".join(rows)


def _middle(runs: Sequence[Run]) -> Run:
    """The run with the median pace."""
    middle = statistics.median_low(run.rate for run in runs)
    return next(run for run in runs if run.rate == middle)


def _told(table: str) -> str:
    """The table, printed as soon as there is one."""
    print(table, flush=True)
    return table


def _interrupted(*_: object) -> None:
    """End as by Ctrl-C, so that no server stays behind."""
    raise KeyboardInterrupt


def _machine() -> str:
    told = []
    for name, package in PACKAGES.items():
        ran = subprocess.run(("dpkg-query", "-Wf", "${Version}", package), capture_output=True, text=True)
        if not ran.returncode:
            told.append(f"{name} {re.split('[+~-]', ran.stdout)[0]}")
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()};"
        f" {', '.join(told)}; load at the start {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
