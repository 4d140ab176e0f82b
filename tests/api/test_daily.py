"""Which day of which service is asked for next."""

from __future__ import annotations

from api.daily import LATE_DAYS, LATE_SECONDS, TODAY_SECONDS, Daily, Day
from bus.availability import Kept
from bus.calendar import days
from tests.api.given import MINUTE, NOON

HOUR = 60 * MINUTE
DAY = 24 * HOUR


def kept(day: Day) -> Kept:
    return Kept(day.service, day.date, day.start, day.end)


def asked(daily: Daily, names: list[str], now: int, seconds: float) -> list[tuple[str, str]]:
    """Ask for all that is due."""
    found = []
    while (day := daily.next(names, now, seconds)) is not None:
        daily.asked(day, seconds, kept(day))
        found.append((day.date, day.service))
    return found


def test_the_newest_days_of_all_come_first_and_today_ends_now() -> None:
    daily = Daily(3, "UTC")
    first = daily.next(["shop", "mail"], NOON, 0.0)
    assert first is not None
    assert (first.date, NOON - first.start, first.end) == ("2026-01-31", 12 * HOUR, NOON)
    assert asked(daily, ["shop", "mail"], NOON, 0.0) == [
        (date, name) for date in ("2026-01-31", "2026-01-30", "2026-01-29") for name in ("shop", "mail")
    ]


def test_today_is_asked_for_each_minute_and_a_late_day_each_hour() -> None:
    daily = Daily(LATE_DAYS + 3, "UTC")
    asked(daily, ["shop"], NOON, 0.0)
    assert asked(daily, ["shop"], NOON, TODAY_SECONDS - 1) == []
    assert asked(daily, ["shop"], NOON + MINUTE, TODAY_SECONDS) == [("2026-01-31", "shop")]
    hour = [date for date, _ in asked(daily, ["shop"], NOON + HOUR, LATE_SECONDS)]
    assert hour == [date for date, *_ in reversed(days(NOON, LATE_DAYS + 1, "UTC"))], "what is older is over"


def test_the_end_of_yesterday_is_asked_for_once_it_is_over() -> None:
    daily = Daily(2, "UTC")
    midnight = NOON + 12 * HOUR
    asked(daily, ["shop"], midnight - MINUTE, 0.0)
    assert asked(daily, ["shop"], midnight + MINUTE, 120.0) == [("2026-02-01", "shop"), ("2026-01-31", "shop")]
    assert asked(daily, ["shop"], midnight + 2 * MINUTE, 180.0) == [("2026-02-01", "shop")]


def test_what_could_not_be_had_is_tried_again_after_the_others() -> None:
    daily = Daily(2, "UTC")
    day = daily.next(["shop"], NOON, 0.0)
    assert day is not None
    daily.asked(day, 0.0, None)
    assert asked(daily, ["shop"], NOON, 0.0) == [("2026-01-30", "shop")]
    assert daily.of("shop", NOON)[-1] == ("2026-01-31", None)
    assert asked(daily, ["shop"], NOON, TODAY_SECONDS) == [("2026-01-31", "shop")]


def test_what_was_known_stays_when_it_cannot_be_had_anew() -> None:
    daily = Daily(1, "UTC")
    asked(daily, ["shop"], NOON, 0.0)
    day = daily.next(["shop"], NOON + MINUTE, 60.0)
    assert day is not None
    daily.asked(day, 60.0, None)
    assert daily.of("shop", NOON)[0][1] is not None


def test_days_and_services_of_before_are_forgotten() -> None:
    daily = Daily(2, "UTC")
    asked(daily, ["shop", "mail"], NOON, 0.0)
    asked(daily, ["mail"], NOON + DAY, 86_400.0)
    assert [found for _, found in daily.of("shop", NOON)] == [None, None]
    assert [found is not None for _, found in daily.of("mail", NOON + DAY)] == [True, True]
    assert [found is not None for _, found in daily.of("mail", NOON)] == [False, True]
