"""``guardia store stats``: what the store holds, for how long, and how large it will become.

It asks the store of this machine's hub, or with ``--hub`` that of any hub through its API.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from textwrap import fill
from typing import Any

from bus import home, hubs, rooms
from bus.arguments import CONFIG, Parser
from bus.asking import asker
from bus.exits import WRONG
from bus.faults import ConfigError
from bus.harmless import safe_lines
from bus.questions import Holdings, HoldingsAnswer, Statistics, StoreStatistics, Unanswered
from bus.terminal import aligned
from store.config import DAYS, FOREVER
from store.holdings import Line, holdings
from store.spans import ARCHIVE

UNKNOWN = 2
EXIT = "Exit codes: 0 answered, 2 nobody answers, 100 wrong configuration."
WIDTH = 80
LITTLE = 10_000_000
"""Bytes of rows of past hours that are not worth a word: some are always just being sealed."""
_HEADS = ("KIND", "TIER", "FILES", "SIZE", "DAYS", "KEPT FOR", "WILL BE")


def main(argv: Sequence[str]) -> int:
    """Answer; 0, or 2 when nobody could be asked, or 100 for a wrong configuration."""
    parser = Parser("guardia store stats", description="What the store holds, and will hold.", epilog=EXIT)
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    parser.add_argument("--json", action="store_true", help="for programs; times in ns since 1970")
    hubs.add_flags(parser)
    given = parser.parse_args(argv)
    path = home.config_path(given.config, os.environ)
    folder = home.home_path(path, os.environ)
    try:
        place = hubs.elsewhere(given, os.environ)
        # Here the file counts as it is now, so that one sees what a change would come to; afar what is in force.
        here = None if place else rooms.load(path, needs=rooms.needs("store"))
        with asker(place, folder) as asking:
            if here is None:
                found: HoldingsAnswer = asking.ask(Holdings())
            else:
                found = holdings(asking.ask(Statistics()), here, folder, asking.now())
    except ConfigError as error:
        print(error, file=sys.stderr)
        return WRONG
    except Unanswered as failure:
        print(safe_lines(f"guardia store stats: {failure}"), file=sys.stderr)
        return UNKNOWN
    if given.json:
        print(json.dumps(as_map(found.held, found.lines), indent=1))
    else:
        print(as_text(found.held, found.lines, found.most))
    return 0


def as_map(found: StoreStatistics, rows: Sequence[Line]) -> dict[str, Any]:
    """The same for programs; ``kept_days`` is None for what is kept for ever."""
    tiers = [
        {
            "kind": kind,
            "tier": tier,
            "files": files,
            "bytes": size,
            "from": found.tiers[f"{kind}/{tier}"][2],
            "to": found.tiers[f"{kind}/{tier}"][3],
            "days": round(days, 3),
            "kept_days": None if kept * DAYS >= FOREVER else kept,
            "bytes_expected": full,
        }
        for kind, tier, files, size, days, kept, full in rows
    ]
    return {**asdict(found), "tiers": tiers}


def as_text(found: StoreStatistics, rows: Sequence[Line], most: int = 0) -> str:
    """A table for people, and what it comes to; ``most`` bytes are the ceiling (0: there is none)."""
    table = [
        _HEADS,
        *(
            (
                kind,
                tier,
                str(files),
                _size(size),
                f"{days:.1f}",
                "ever" if kept * DAYS >= FOREVER else f"{kept:g} d",
                _size(full),
            )
            for kind, tier, files, size, days, kept, full in rows
        ),
    ]
    text = []
    sealed = sum(row[3] for row in rows if row[1] != ARCHIVE)
    archived = sum(row[3] for row in rows if row[1] == ARCHIVE)
    waiting = found.bytes - sealed
    if rows:
        unsealed = max(waiting, 0)
        goes = min(found.returning, unsealed)
        full = sum(row[6] for row in rows if row[1] != ARCHIVE) + unsealed - goes
        text.append(
            f"{_size(found.bytes)} altogether, {_size(unsealed)} of it the state and rows that are not sealed yet; "
            f"it will become {_size(min(full, most or full))}{', its [store] max_bytes' if 0 < most < full else ''}."
        )
        if goes > max(LITTLE, full / 20):
            text.append(
                f"{_size(goes)} of it are rows of past hours, as an import leaves them: they are being sealed and go "
                "then, and until then the forecast is a rough one."
            )
    else:
        text.append(f"{_size(found.bytes)} altogether, of which nothing is sealed: there is no forecast.")
    if archived:
        text.append(f"{_size(archived)} beside it in the archive, which grows by what leaves the blocks.")
    gone = f"Dropped by age or for room: {_counted(found.deleted)}."
    text.append(f"Records stored since the store was made: {_counted(found.records)}. {gone}")
    if found.missing:
        lost = _counted(found.missing)
        text.append(f"Damaged, and missing since what was around them was sealed: {lost}; see guardia store verify.")
    if found.lacking:
        text.append(f"{found.lacking[0].upper()}{found.lacking[1:]}")
    table_lines = [aligned(table), ""] if rows else []
    return "\n".join([*table_lines, *(fill(line, WIDTH, break_on_hyphens=False) for line in text)])


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()) if count) or "none"


def _size(count: int) -> str:
    """About so much, for people."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.4g} TB"
