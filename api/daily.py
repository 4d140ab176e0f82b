"""What public services kept of each of the last days, asked of the store little by little. Pure.

Three months of a service are a quarter of a million checks. So a page asks for nothing: what it shows is what is known
by then, of the newest days first, and of all of them a few minutes after a worker's start.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from bus import calendar
from bus.availability import Kept

TODAY_SECONDS = 60.0
"""So often is a day asked for that is not over."""
LATE_SECONDS = 3600.0
"""And one that ended lately, of which a place may still send what it kept during a cut."""
LATE_DAYS = 7


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a service, up to now where it is not over; times in ns."""

    service: str
    date: str
    start: int
    end: int


class Daily:
    """What is known of each service and day; ``seconds`` is monotonic."""

    def __init__(self, count: int, zone: str) -> None:
        self._count, self._zone = count, zone
        self._found: dict[tuple[str, str], Kept] = {}
        self._asked: dict[tuple[str, str], float] = {}

    def next(self, services: Iterable[str], now: int, seconds: float) -> Day | None:
        """The day to ask for, the newest of those that are due; None: none is."""
        names, days = list(services), calendar.days(now, self._count, self._zone)
        self._forget(set(names), days[0][0])
        for back, (date, start, end) in enumerate(reversed(days)):
            day_end = min(end, now)
            for name in names:
                asked = self._asked.get((name, date), -math.inf)
                if seconds - asked >= self._pause(self._found.get((name, date)), back, day_end):
                    return Day(name, date, start, day_end)
        return None

    def asked(self, day: Day, seconds: float, kept: Kept | None) -> None:
        """It was asked for; None: there was no answer."""
        key = day.service, day.date
        self._asked[key] = seconds
        if kept is not None:
            self._found[key] = kept

    def of(self, service: str, now: int) -> list[tuple[str, Kept | None]]:
        """Each of the last days and what is known of it, today the last."""
        return [(date, self._found.get((service, date))) for date, *_ in calendar.days(now, self._count, self._zone)]

    def _pause(self, found: Kept | None, back: int, end: int) -> float:
        """After how many seconds a day is asked for again that was so many days ago; ``end``: as far as it has come."""
        if found is None or found.end < end:
            return TODAY_SECONDS  # also what could not be had, and the end of yesterday
        return LATE_SECONDS if back <= LATE_DAYS else math.inf

    def _forget(self, services: set[str], oldest: str) -> None:
        """What is known of other services, and of days before ``oldest``."""
        for key in [key for key in self._asked if key[0] not in services or key[1] < oldest]:
            del self._asked[key]
            self._found.pop(key, None)
