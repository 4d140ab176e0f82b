"""Side by side: ``python -m benchmarks.databases [--hosts 100] [--samples 600] [--runs 3] [NAME ...]``.

The readings are made up; with ``--recording FILE`` they are what ``benchmarks.recording`` recorded.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import shutil
import statistics
from pathlib import Path

from benchmarks.databases.data import end_of_a_day, generated, recorded

PEERS = {
    "ours": None,
    "victoriametrics": "victoria-metrics",
    "prometheus": "prometheus",
    "influxdb": "influxd",
    "sqlite": None,
    "postgres": "initdb",
}
"""The program that each needs."""


def main() -> int:
    """Measure those that are asked for, in turns; print the run whose pace is the median."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.databases", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PEERS))
    for name, number in (("hosts", 100), ("metrics", 60), ("samples", 600), ("step-ms", 5000), ("runs", 3)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--recording", type=Path, metavar="FILE")
    given = parser.parse_args()
    if given.recording:
        data = recorded(given.recording, given.hosts, given.samples, end_of_a_day())
    else:
        data = generated(given.hosts, given.metrics, given.samples, given.step_ms, end_of_a_day())
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}"
    print(f"{machine}, load {os.getloadavg()[0]:.1f}; {data.count / 1e6:.1f} million values", flush=True)
    found: dict[str, list[object]] = {}
    for _ in range(given.runs):
        for name in given.names or PEERS:
            if PEERS[name] and not shutil.which(str(PEERS[name])):
                print(f"{name} is not installed", flush=True)
                continue
            outcome = importlib.import_module(f"benchmarks.databases.{name}").measure(data)
            found.setdefault(name, []).append(outcome)
    for outcomes in found.values():
        middle = statistics.median_low(one.seconds for one in outcomes)  # type: ignore[attr-defined]
        print(next(one for one in outcomes if one.seconds == middle).line(), flush=True)  # type: ignore[attr-defined]
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
