"""Windows that come again: on which days, from when, for how long, by a clock on the wall somewhere. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST_WAIT = 64
"""Days within which every window opens: from the 31st of January to that of March, and to spare."""


def is_zone(name: str) -> bool:
    """Whether a time zone is known."""
    try:
        _zone(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def zones() -> set[str]:
    """The time zones that are known here; reads a folder of some hundred files."""
    from zoneinfo import available_timezones

    return available_timezones()


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    # Every program reads the configuration; only those with a window need the zones.
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


class Window(Protocol):
    """What ``[[maintenance]]`` says of when."""

    @property
    def start(self) -> str: ...
    @property
    def lasts(self) -> float: ...
    @property
    def days(self) -> Sequence[str]: ...
    @property
    def month_days(self) -> Sequence[int]: ...
    @property
    def zone(self) -> str: ...


def between(window: Window, start: int, end: int) -> list[tuple[int, int]]:
    """When the window is open between ``start`` and ``end`` (ns), in order and cut to that; they may overlap."""
    there = _zone(window.zone)
    first = datetime.fromtimestamp(start / 1e9, there).date() - timedelta(days=int(window.lasts // 86_400) + 1)
    last = datetime.fromtimestamp(end / 1e9, there).date()
    found = []
    for ahead in range((last - first).days + 1):
        begins, ends = _opening(first + timedelta(days=ahead), window)
        if begins is not None and begins < end and start < ends:
            found.append((max(begins, start), min(ends, end)))
    return found


def _opening(day: date, window: Window) -> tuple[int | None, int]:
    days, month_days = window.days, window.month_days
    if (days or month_days) and DAYS[day.weekday()] not in days and day.day not in month_days:
        return None, 0
    hour, _, minute = window.start.partition(":")
    begin = datetime.combine(day, time(int(hour), int(minute)), _zone(window.zone)).astimezone(UTC)
    begins = int(begin.timestamp()) * 1_000_000_000
    return begins, begins + int(window.lasts * 1e9)


def month(text: str, zone: str) -> tuple[int, int]:
    """The begin and the end (ns) of a month such as ``2026-10`` there; raises ``ValueError``."""
    found = re.fullmatch(r"(\d{4})-(\d\d)", text, re.ASCII)
    if found is None or not 1 <= int(found[2]) <= 12 or not 1970 <= int(found[1]) <= 2200:
        raise ValueError(f"{text[:20]!r} is no month such as 2026-10")
    year, number = int(found[1]), int(found[2])
    begin = datetime(year, number, 1, tzinfo=_zone(zone))
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=_zone(zone))
    return max(0, int(begin.timestamp())) * 1_000_000_000, int(end.timestamp()) * 1_000_000_000


def month_of(now: int, zone: str) -> str:
    """The month that it is at ``now`` there."""
    return datetime.fromtimestamp(now / 1e9, _zone(zone)).strftime("%Y-%m")


def days(now: int, count: int, zone: str) -> list[tuple[str, int, int]]:
    """The last ``count`` days there, that of ``now`` the last: (date, begin, end), times in ns."""
    there = _zone(zone)
    today = datetime.fromtimestamp(now / 1e9, there).date()
    dates = [today - timedelta(days=back) for back in range(count - 1, -2, -1)]
    begins = [int(datetime.combine(one, time(), there).timestamp()) * 1_000_000_000 for one in dates]
    return [(day.isoformat(), *pair) for day, pair in zip(dates, pairwise(begins), strict=False)]


def ends(window: Window, now: int) -> int | None:
    """When the window that is open at ``now`` ends (ns); None when it is not open.

    It lasts so long in real time: a night in which clocks change makes it neither longer nor shorter.
    """
    today = datetime.fromtimestamp(now / 1e9, _zone(window.zone)).date()
    openings = (_opening(today - timedelta(days=back), window) for back in range(int(window.lasts // 86_400) + 2))
    return max((end for begin, end in openings if begin is not None and begin <= now < end), default=None)


def opening(window: Window, now: int) -> tuple[int, int] | None:
    """When the window that is open at ``now`` began and ends (ns), or else the next one will; None: none soon."""
    today = datetime.fromtimestamp(now / 1e9, _zone(window.zone)).date()
    for ahead in range(-int(window.lasts // 86_400) - 1, LONGEST_WAIT):
        begin, end = _opening(today + timedelta(days=ahead), window)
        if begin is not None and now < end:
            return begin, max(end, ends(window, now) or 0)
    return None
