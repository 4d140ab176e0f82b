"""More hosts, more days: ``python -m benchmarks.growth [hosts | history] [--runs N] [--svg FILE] [--kept FILE]``.

Hosts: 10, 100, 1,000, 10,000. A week of one value a day each makes the files of the past as wide as they would be; then
all together tell at least 120,000 samples of 60 values, 10 s apart on each host, by way of the writer as it is, 2,000
a commit. History: two hosts with a sample a minute, rolled up and dropped in simulated time by the rules that hold
where nobody sets others; the days that are measured have a sample in ten seconds, by way of the writer and all of the
sealer. Questions are asked at the reader's desk, each time as of a second later. Memory is what a
process has for itself, without files that it looks at. Of several runs the median of each figure is told.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.growth.measured import Point, middle, over_days, over_hosts
from benchmarks.growth.picture import ROLES, panels, picture, tables

SIZES = {"hosts": (10, 100, 1000, 10_000), "history": (1, 30, 365)}
COURSES = {"hosts": "hosts", "history": "days"}
TITLES = {"hosts": "**With hosts.**", "history": "**With history.**"}


def measure(seconds: float) -> None:
    """As a part of ``benchmarks.pipeline``: both courses, however long they take."""
    main([])


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what is asked for; both courses where nothing is said."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.growth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("courses", nargs="*", metavar="COURSE", help=", ".join(COURSES))
    parser.add_argument("--sizes", type=int, nargs="+", help="hosts or days, in place of the usual")
    parser.add_argument("--runs", type=int, default=1, help="of each line")
    parser.add_argument("--svg", type=Path, help="draw what was measured")
    parser.add_argument("--kept", type=Path, help="keep what was measured here, and draw what was kept there before")
    given = parser.parse_args(argv)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was made meanwhile is removed
    if unknown := [course for course in given.courses if course not in COURSES]:
        parser.error(f"there is no course {unknown[0]}: {', '.join(COURSES)}")
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}"
    print(f"{machine}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}", flush=True)
    began, found = time.monotonic(), _kept(given.kept)
    for course in given.courses or COURSES:
        of = {point.size: point for point in found.get(course, [])}
        for point in _measured(course, tuple(given.sizes or SIZES[course]), given.runs):
            of[point.size] = point
            found[course] = [of[size] for size in sorted(of)]
            if given.kept:
                given.kept.write_text(json.dumps({name: [asdict(one) for one in some] for name, some in found.items()}))
        print(f"\n{TITLES[course]}\n\n{tables(found[course], COURSES[course])}", flush=True)
    every = [point for points in found.values() for point in points]
    most = [f"the {role} {max(point.memory[role] for point in every) / 1e6:.0f} MB" for role in ROLES]
    print(f"Seen at most: {', '.join(most)}. It took {(time.monotonic() - began) / 60:.1f} min.")
    if given.svg:
        given.svg.write_text(picture([panels(found[course], COURSES[course]) for course in COURSES if course in found]))
    return 0


def _measured(course: str, sizes: tuple[int, ...], runs: int) -> Iterator[Point]:
    if course == "history":
        yield from map(middle, zip(*(list(over_days(sizes)) for _ in range(runs)), strict=True))
    else:
        yield from (middle([over_hosts(size) for _ in range(runs)]) for size in sizes)


def _kept(file: Path | None) -> dict[str, list[Point]]:
    if file is None or not file.exists():
        return {}
    return {course: [Point(**one) for one in points] for course, points in json.loads(file.read_text()).items()}


if __name__ == "__main__":
    raise SystemExit(main())
