"""``guardia sla``: what services kept of months, with unknown time and maintenance apart.

It asks the store of this machine's hub, or with ``--hub`` that of any hub through its API; what is configured there
counts then, and the time on its clock.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import os
import shutil
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from bus import availability, calendar, home, hubs, rooms, timing
from bus.arguments import CONFIG, Parser, duration
from bus.asking import asker
from bus.availability import Kept, Watched, WatchedAnswer, available, coverage, fully_up, watched
from bus.exits import WRONG
from bus.faults import ConfigError, fitting_none, meant
from bus.harmless import safe_lines
from bus.judging import Objected
from bus.questions import Subjects, Unanswered
from bus.terminal import aligned
from bus.timing import SECOND

LONGEST = 400 * 86_400.0
"""Seconds: no job reports less often."""
KEPT, MISSED, UNKNOWN = 0, 1, 2
SECONDS = 30.0
"""How long one question may take: the hub may be busy, and a report is in no hurry."""
HEADS = (
    "service",
    "period",
    "availability_percent",
    "up_percent",
    "coverage_percent",
    "up_seconds",
    "degraded_seconds",
    "down_seconds",
    "unknown_seconds",
    "maintenance_seconds",
    "outages",
    "longest_outage_seconds",
    "checks",
)
SHOWN = (
    "SERVICE",
    "PERIOD",
    "AVAILABLE",
    "UP",
    "KNOWN",
    "DOWN",
    "DEGRADED",
    "UNKNOWN",
    "MAINTENANCE",
    "OUTAGES",
    "LONGEST",
)
EXIT = "Exit codes: 0 answered, 1 a service missed the target, 2 nobody answers, 100 asked wrongly."
EXPENDABLE = ("LONGEST", "OUTAGES", "UP", "MAINTENANCE", "DEGRADED")
"""What a narrow terminal does without, in this order."""
NOTHING = ("0", "0 s", "-")


def main(argv: Sequence[str]) -> int:
    """Report; 0, or 1 when a service missed ``--target``, or 2 when nobody could be asked."""
    given = _arguments().parse_args(argv)
    path = home.config_path(given.config, os.environ)
    where = str(path)
    try:
        place = hubs.elsewhere(given, os.environ)
        here = None if place else rooms.load(path, needs=())
        with asker(place, home.home_path(path, os.environ), seconds=SECONDS) as asking:
            now = asking.now()
            months = [
                (one, *calendar.month(one, given.zone)) for one in given.month or [calendar.month_of(now, given.zone)]
            ]
            if here is None:
                where, known = "its configuration", asking.ask(Watched())
            else:
                known = watched(here["services"], here["maintenance"])
            found = list(_kept(asking.ask, known, given, months, now))
    except ConfigError as error:
        return hubs.refused(error, "guardia sla")
    except ValueError as error:
        print(f"guardia sla: {error}", file=sys.stderr)
        return WRONG
    except Unanswered as failure:
        print(safe_lines(f"guardia sla: {failure}"), file=sys.stderr)
        return WRONG if isinstance(failure, Objected) else UNKNOWN
    if not found:
        print(f"guardia sla: no service was ever checked: [[services]] of {where} lists them", file=sys.stderr)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    print(written(found, given.format, given.target, width), end="")
    return MISSED if missed(found, given.target) else KEPT


def _kept(
    ask: Callable[[Any], Any],
    watched: WatchedAnswer,
    given: argparse.Namespace,
    months: list[tuple[str, int, int]],
    now: int,
) -> Iterator[Kept]:
    services = {service.name: service for service in watched.services}
    known = [*services, *(one.subject for one in ask(Subjects("check")).subjects)]
    if wrong := fitting_none(given.service, known):
        raise ValueError(f"no service {wrong} is known; {meant(wrong, sorted(set(known)))}")
    names = sorted({name for name in known if not given.service or _any(name, given.service)})
    for name in names:
        for month, start, end in months:
            until = max(start, min(end, now))
            kept = availability.kept(name, month, start, until)
            pieces = deque(
                availability.questions(
                    name, services.get(name), watched.maintenance, start, until, interval=given.interval
                )
            )
            while pieces:
                question = pieces.popleft()
                try:
                    kept = availability.added(kept, ask(question))
                except Unanswered as failure:
                    pieces.extendleft(reversed(availability.halves(question, failure)))
            yield kept


def _any(name: str, globs: Sequence[str]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)


def missed(found: Sequence[Kept], target: float | None) -> list[Kept]:
    """Those that were available for less than ``target`` percent of the time that is known."""
    if target is None:
        return []
    return [kept for kept in found if (share := available(kept.whole)) is not None and share < target]


def written(found: Sequence[Kept], form: str, target: float | None = None, width: int = 0) -> str:
    """The report as ``text``, ``json``, ``csv`` or ``md``; text in at most so many columns (0: any)."""
    if form == "json":
        return json.dumps([as_map(kept) for kept in found], indent=2) + "\n"
    if form == "csv":
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(HEADS)
        table.writerows(_numbers(kept) for kept in found)
        return text.getvalue()
    rows = [list(SHOWN), *(_words(kept) for kept in found)]
    if form == "md":
        bar = ["---", "---", *["---:"] * (len(SHOWN) - 2)]
        return "".join(f"| {' | '.join(row)} |\n" for row in [rows[0], bar, *rows[1:]]) + _below(found, target)
    rows, without = _narrowed(rows, width)
    note = f"\nNot shown, for want of width: {', '.join(without)}; --csv has all.\n" if without else ""
    return aligned(rows, right=range(2, len(SHOWN))) + "\n" + note + _below(found, target)


def _narrowed(rows: Sequence[Sequence[str]], width: int) -> tuple[list[list[str]], list[str]]:
    """The table without as many of ``EXPENDABLE`` as it takes to fit; first those in which nothing stands."""
    heads = list(rows[0])
    empty = [name for name in EXPENDABLE if all(row[heads.index(name)] in NOTHING for row in rows[1:])]
    without: list[str] = []
    for name in [*empty, *(name for name in EXPENDABLE if name not in empty)]:
        kept = [place for place, head in enumerate(heads) if head not in without]
        widths = [max(len(row[place]) for row in rows) for place in kept]
        if not width or sum(widths) + 2 * (len(kept) - 1) <= width:
            break
        without.append(name)
    return [[cell for head, cell in zip(heads, row, strict=True) if head not in without] for row in rows], without


def as_map(kept: Kept) -> dict[str, object]:
    """A row for programs; times are in seconds since 1970, lengths in seconds."""
    places = {
        held.place or "hub": {
            "availability_percent": available(held),
            "down_seconds": held.down / SECOND,
            "unknown_seconds": held.unknown / SECOND,
        }
        for held in kept.places
    }
    return {
        **dict(zip(HEADS, _numbers(kept), strict=True)),
        "start": kept.start / SECOND,
        "end": kept.end / SECOND,
        "places": places,
        "outage_times": [[begin / SECOND, end / SECOND] for begin, end in kept.outages],
    }


def _numbers(kept: Kept) -> list[str | int | float | None]:
    held = kept.whole
    lengths = (held.up, held.degraded, held.down, held.unknown, held.maintenance)
    return [
        kept.service,
        kept.period,
        _rounded(available(held)),
        _rounded(fully_up(held)),
        _rounded(100 * coverage(held)),
        *(round(length / SECOND, 3) for length in lengths),
        len(kept.outages),
        round(kept.longest / SECOND, 3),
        kept.checks,
    ]


def _rounded(share: float | None, decimals: int = 4) -> float | None:
    if share is None:
        return None
    # 99.99996 is not 100: what was down stays visible.
    return round(min(share, 100 - 10**-decimals) if share < 100 else share, decimals)


def _words(kept: Kept) -> list[str]:
    held = kept.whole
    lengths = (held.down, held.degraded, held.unknown, held.maintenance)
    return [
        kept.service,
        kept.period,
        _percent(available(held)),
        _percent(fully_up(held)),
        _percent(100 * coverage(held), 1),
        *(span(length / SECOND) for length in lengths),
        str(len(kept.outages)),
        span(kept.longest / SECOND),
    ]


def _percent(share: float | None, decimals: int = 3) -> str:
    return "-" if share is None else f"{_rounded(share, decimals):.{decimals}f} %"


def span(seconds: float) -> str:
    """A length of time as a person says it: ``0 s``, ``42 s``, ``1 h 05 min``, ``3 d 04 h``."""
    whole = round(seconds)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86_400
    if days:
        return f"{days} d {hours % 24:02} h"
    if hours:
        return f"{hours} h {minutes % 60:02} min"
    return f"{minutes} min {whole % 60:02} s" if minutes else f"{whole} s"


def _below(found: Sequence[Kept], target: float | None) -> str:
    if target is None:
        return ""
    late = missed(found, target)
    names = ", ".join(f"{kept.service} ({kept.period})" for kept in late)
    return f"\nBelow the target of {target:g} %: {names}.\n" if late else f"\nAll kept the target of {target:g} %.\n"


def _share(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= (share := float(text)) <= 100:
            return share
    raise argparse.ArgumentTypeError(f"{text!r} is no percentage from 0 to 100")


def _interval(text: str) -> float:
    seconds = duration(text)
    if not 1 <= seconds <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no distance of checks: from 1s to {timing.in_words(LONGEST)}")
    return seconds


def _zone(text: str) -> str:
    if not calendar.is_zone(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no time zone such as UTC or Europe/Berlin")
    return text


def _arguments() -> argparse.ArgumentParser:
    parser = Parser(prog="guardia sla", description=__doc__, epilog=EXIT)
    parser.add_argument("service", nargs="*", metavar="SERVICE", help="a service or a glob (default: all)")
    parser.add_argument("--month", action="append", metavar="2026-10", help="may be repeated (default: this month)")
    parser.add_argument("--zone", type=_zone, default="UTC", help="where months begin, as Europe/Berlin")
    parser.add_argument("--target", type=_share, metavar="99.9", help="exit code 1 when a service kept less")
    parser.add_argument(
        "--interval", type=_interval, metavar="1m", help="the distance of checks (default: as configured, else 1m)"
    )
    form = parser.add_mutually_exclusive_group()
    for word in ("json", "csv", "md"):
        what = "in place of a table for people; lengths are in seconds" if word != "md" else "the table in Markdown"
        form.add_argument(f"--{word}", dest="format", action="store_const", const=word, help=what)
    parser.set_defaults(format="text")
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    hubs.add_flags(parser)
    return parser
