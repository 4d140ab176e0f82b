"""More hosts, more days: ``python -m benchmarks.growth [hosts | history] [--svg FILE] [--kept FILE]``.

Hosts: 10, 100, 1,000, 10,000. A week of one value a day each makes the files of the past as wide as they would be; then
all together tell at least 120,000 samples of 60 values, 10 s apart on each host, by way of the writer as it is, 2,000
a commit. History: two hosts with a sample a minute, rolled up and dropped in simulated time by the rules that hold
where nobody sets others; the days that are measured have a sample in ten seconds, by way of the writer and all of the
sealer. Memory is what a process has for itself, without files that it looks at.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.growth.measured import Point, over_days, over_hosts
from benchmarks.growth.picture import panels, picture, table

HOSTS = (10, 100, 1000, 10_000)
DAYS = (1, 30, 365)
COURSES = {"hosts": "hosts", "history": "days"}


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
    parser.add_argument("--svg", type=Path, help="draw what was measured")
    parser.add_argument("--kept", type=Path, help="keep what was measured here, and draw what was kept there before")
    given = parser.parse_args(argv)
    if unknown := [course for course in given.courses if course not in COURSES]:
        parser.error(f"there is no course {unknown[0]}: {', '.join(COURSES)}")
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}"
    print(f"{machine}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}", flush=True)
    found = _kept(given.kept)
    for course in given.courses or COURSES:
        points = over_days(tuple(given.sizes or DAYS)) if course == "history" else map(over_hosts, given.sizes or HOSTS)
        of = {point.size: point for point in found.get(course, [])}
        for point in points:
            of[point.size] = point
            found[course] = [of[size] for size in sorted(of)]
            if given.kept:
                given.kept.write_text(json.dumps({name: [asdict(one) for one in some] for name, some in found.items()}))
        print(table(found[course], COURSES[course]), flush=True)
    if given.svg:
        given.svg.write_text(picture([panels(found[course], COURSES[course]) for course in COURSES if course in found]))
    return 0


def _kept(file: Path | None) -> dict[str, list[Point]]:
    if file is None or not file.exists():
        return {}
    return {course: [Point(**one) for one in points] for course, points in json.loads(file.read_text()).items()}


if __name__ == "__main__":
    raise SystemExit(main())
