"""Which stretches of time the files of blocks and rollups speak for, and what they are called. Pure."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bus.timing import DAY, HOUR, MINUTE, SECOND
from store.keys import partition_start

RAW = "raw"
ARCHIVE = "archive"
"""The tier of days that are in the archive, as answers and statistics name it."""
TIERS = {"1m": MINUTE, "5m": 5 * MINUTE, "1h": HOUR}
"""Rollups by name: how long their spans are. Each divides the next."""
LENGTHS = {"1h": HOUR, "1d": DAY}
MONTH = "1mo"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From ``start`` to ``end`` (ns, not included), as a file's name says: ``20261123T19.1h``."""

    start: int
    end: int
    name: str


@lru_cache(maxsize=8192)
def span_of(name: str) -> Span | None:
    """What a file of this name speaks for; None when it is none of ours."""
    begin, _, length = name.partition(".")
    try:
        start = partition_start(begin)
    except ValueError:
        return None
    if len(begin) != len("20261123T19"):
        return None
    if length == MONTH:
        return Span(start, month_after(start), name)
    return Span(start, start + LENGTHS[length], name) if length in LENGTHS else None


def named(name: str) -> Span:
    """The span of a file's name that is one; raises ``ValueError``."""
    found = span_of(name)
    if found is None:
        raise ValueError(name)
    return found


def name_of(start: int, length: str) -> str:
    """The name of a file."""
    return f"{time.strftime('%Y%m%dT%H', time.gmtime(start // SECOND))}.{length}"


def spans(names: Iterable[str]) -> list[Span]:
    """The files that speak, by time: what lies within a longer one was taken up by it."""
    found = sorted(filter(None, map(span_of, names)), key=lambda one: (one.start, -one.end))
    kept: list[Span] = []
    for one in found:
        if not kept or one.end > kept[-1].end:
            kept.append(one)
    return kept


class Listing:
    """Files by time, none of which lies within another."""

    __slots__ = ("_starts", "seen", "spans")

    def __init__(self, spans: list[Span]) -> None:
        self.spans = spans
        self.seen: dict[tuple[int, int], Any] = {}
        """What somebody found out about some of them."""
        self._starts = [one.start for one in spans]

    def places(self, start: int, end: int) -> tuple[int, int]:
        """From which of them on, and before which, they speak for a time between two, both included."""
        first = last = bisect_right(self._starts, end)
        while first > 0 and self.spans[first - 1].end > start:  # ends ascend as starts do
            first -= 1
        return first, last

    def between(self, start: int, end: int) -> list[Span]:
        """Those that speak for a time between two, both included."""
        first, last = self.places(start, end)
        return self.spans[first:last]


def day_of(at: int) -> int:
    """The start of the day of ``at``."""
    return at - at % DAY


def month_of(at: int) -> int:
    """The start of the month of ``at``."""
    year, month = time.gmtime(at // SECOND)[:2]
    return _month(year, month)


def month_after(at: int) -> int:
    """The start of the month after that of ``at``."""
    year, month = time.gmtime(at // SECOND)[:2]
    return _month(year + month // 12, month % 12 + 1)


def _month(year: int, month: int) -> int:
    return partition_start(f"{year:04}{month:02}01T00")
