"""Windows that come again: on which days, from when, for how long, by a clock on the wall somewhere. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def is_zone(name: str) -> bool:
    """Whether a time zone is known."""
    try:
        _zone(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    # Every program reads the configuration; only those with a window need the zones.
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def ends(now: int, days: Sequence[str], month_days: Sequence[int], start: str, lasts: float, zone: str) -> int | None:
    """When the window that is open at ``now`` ends (ns); None when none is.

    It lasts so long in real time: a night in which clocks change makes it neither longer nor shorter.
    """
    there = _zone(zone)
    today = datetime.fromtimestamp(now / 1e9, there).date()
    hour, _, minute = start.partition(":")
    found = None
    for back in range(int(lasts // 86_400) + 2):
        day = today - timedelta(days=back)
        if (days or month_days) and DAYS[day.weekday()] not in days and day.day not in month_days:
            continue
        begin = datetime.combine(day, time(int(hour), int(minute)), there).astimezone(UTC)
        begins = int(begin.timestamp()) * 1_000_000_000
        end = begins + int(lasts * 1e9)
        if begins <= now < end:
            found = max(found or 0, end)
    return found
