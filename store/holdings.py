"""What the store holds by kind and tier, how long that is kept, and how large it will become."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from bus.questions import HoldingsAnswer, StoreStatistics
from bus.records import Settings
from bus.timing import DAY, SECOND
from store.keys import FAR
from store.pruning import held
from store.retention import Retention, forecast
from store.spans import RAW

Line = tuple[str, str, int, int, float, float, int]
"""(kind, tier, files, bytes, days held, days kept, bytes when it is full)."""


def holdings(found: StoreStatistics, settings: Settings, home: Path, now: int) -> HoldingsAnswer:
    """What these settings make of what is there; reads which files there are."""
    table = settings["store"]
    moved = int(table.archive_after_seconds * SECOND) if table.archive else FAR
    retention = table.retention(settings["retention"])
    return HoldingsAnswer(found, tuple(lines(found, retention, home / table.path, now, moved)), table.max_bytes)


def lines(found: StoreStatistics, retention: Retention, store: Path, now: int, moved: int = FAR) -> list[Line]:
    """A line for each kind and tier that is sealed; raw blocks older than ``moved`` ns are in the archive."""
    files_held = held(store / "blocks")
    expected = forecast(files_held, retention, now)
    # Days that there are, not those between the first and the last: one host's clock may have been at 1970.
    spans = Counter[tuple[str, str]]()
    for one in files_held:
        spans[one.kind, one.tier] += one.end - one.start
    rows = []
    for name, (files, size, start, end) in sorted(found.tiers.items()):
        kind, _, tier = name.partition("/")
        longest = retention.longest(kind, tier)
        stays = min(longest, moved) if tier == RAW else longest
        full = expected[kind, tier] * stays // max(longest, 1) if (kind, tier) in expected else size
        days = (spans.get((kind, tier)) or end - start) / DAY
        rows.append((kind, tier, files, size, days, stays / DAY, full))
    return rows
