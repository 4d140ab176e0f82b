"""``guardia store stats``: what the store holds, for how long, and how large it will become."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bus import config, home, rooms
from bus.arguments import CONFIG, Parser
from bus.asking import asked
from bus.faults import ConfigError
from bus.program import WRONG
from bus.questions import Statistics, StoreStatistics, Unanswered
from bus.terminal import aligned
from store.config import DAYS, FOREVER
from store.keys import DAY
from store.pruning import held
from store.retention import Retention, forecast
from store.spans import ARCHIVE

UNKNOWN = 2
_HEADS = ("KIND", "TIER", "FILES", "SIZE", "DAYS", "KEPT FOR", "WILL BE")


def main(argv: Sequence[str]) -> int:
    """Answer; 0, or 2 when nobody could be asked, or 100 for a wrong configuration."""
    parser = Parser("guardia store stats", description="What the store holds, and will hold.")
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    parser.add_argument("--json", action="store_true", help="as JSON")
    given = parser.parse_args(argv)
    path = home.config_path(given.config, os.environ)
    folder = home.home_path(path, os.environ)
    try:
        settings = config.load(path, rooms.tables(), rooms.LISTS)
        found: StoreStatistics = asked(folder, Statistics())
    except ConfigError as error:
        print(error, file=sys.stderr)
        return WRONG
    except Unanswered as failure:
        print(f"guardia store stats: {failure}", file=sys.stderr)
        return UNKNOWN
    retention = settings["store"].retention(settings["retention"])
    rows = lines(found, retention, folder / settings["store"].path, time.time_ns())
    if given.json:
        print(json.dumps({**asdict(found), "forecast": {f"{row[0]}/{row[1]}": row[6] for row in rows}}, indent=1))
    else:
        print(as_text(found, rows))
    return 0


Line = tuple[str, str, int, int, float, float, int]
"""(kind, tier, files, bytes, days held, days kept, bytes when it is full)."""


def lines(found: StoreStatistics, retention: Retention, store: Path, now: int) -> list[Line]:
    """A line for each kind and tier that is sealed."""
    expected = forecast(held(store / "blocks"), retention, now)
    rows = []
    for name, (files, size, start, end) in sorted(found.tiers.items()):
        kind, _, tier = name.partition("/")
        kept = retention.longest(kind, tier) / DAY
        rows.append((kind, tier, files, size, (end - start) / DAY, kept, expected.get((kind, tier), size)))
    return rows


def as_text(found: StoreStatistics, rows: Sequence[Line]) -> str:
    """A table for people, and what it comes to."""
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
    text = [aligned(table)]
    sealed = sum(row[3] for row in rows if row[1] != ARCHIVE)
    archived = sum(row[3] for row in rows if row[1] == ARCHIVE)
    waiting = found.bytes - sealed
    text.append("")
    text.append(
        f"{_size(found.bytes)} altogether, {_size(max(waiting, 0))} of it the state and rows that are not sealed yet;"
        f" it will become {_size(sum(row[6] for row in rows if row[1] != ARCHIVE) + max(waiting, 0))}."
    )
    if archived:
        text.append(f"{_size(archived)} beside it in the archive, which grows by what leaves the blocks.")
    records = ", ".join(f"{count} {kind}" for kind, count in sorted(found.records.items())) or "none"
    gone = ", ".join(f"{count} {kind}" for kind, count in sorted(found.deleted.items())) or "none"
    text.append(f"Records stored since the store was made: {records}. Dropped by age: {gone}.")
    if found.missing:
        lost = ", ".join(f"{count} {kind}" for kind, count in sorted(found.missing.items()))
        text.append(f"Damaged, and missing since what was around them was sealed: {lost}; see guardia store verify.")
    return "\n".join(text)


def _size(count: int) -> str:
    """About so much, for people."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.4g} TB"
