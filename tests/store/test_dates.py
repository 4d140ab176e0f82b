"""A clock that is wrong opens a file an hour, as one that is right; one at random does not fill the disk with them."""

from __future__ import annotations

import pytest

from bus.messages import KINDS
from bus.timing import DAY, HOUR
from store.dates import AHEAD, FREE, GIVEN_BACK, PAST, Dates, is_near
from store.keys import EARLIEST, FAR
from tests.store.given import NOON

SAMPLE, CHECK = KINDS["sample"].code, KINDS["check"].code


@pytest.mark.parametrize("at", [NOON, NOON + AHEAD, NOON - PAST, NOON - 30 * DAY])
def test_what_waited_or_is_a_little_early_is_near(at: int) -> None:
    assert is_near(at, NOON)


@pytest.mark.parametrize("at", [NOON + AHEAD + 1, NOON - PAST - 1, 0, EARLIEST - 1, FAR])
def test_what_no_producer_keeps_so_long_is_far(at: int) -> None:
    assert not is_near(at, NOON)


def test_near_hours_are_never_counted() -> None:
    dates = Dates()
    assert all(dates.may_tell("web-1", SAMPLE, NOON - hour * HOUR, NOON) for hour in range(400 * 24))


def test_a_clock_that_is_wrong_and_goes_on_is_never_refused() -> None:
    dates = Dates()
    for minute in range(60 * 24 * 60):
        now = NOON + minute * 60 * 10**9
        assert dates.may_tell("web-1", SAMPLE, now + 9 * 365 * DAY, now)


def test_hours_at_random_run_out_and_come_back_with_time() -> None:
    dates = Dates()
    told = [dates.may_tell("web-1", SAMPLE, NOON + DAY + hour * HOUR, NOON) for hour in range(FREE + 5)]
    assert told == [True] * FREE + [False] * 5
    assert dates.may_tell("web-1", SAMPLE, NOON + DAY, NOON)
    assert dates.may_tell("db-1", SAMPLE, NOON + 99 * DAY, NOON)
    later = NOON + GIVEN_BACK
    assert [dates.may_tell("web-1", SAMPLE, NOON + (500 + day) * DAY, later) for day in range(2)] == [True, False]


def test_times_beyond_all_reason_are_one_hour() -> None:
    dates = Dates()
    assert all(dates.may_tell("web-1", SAMPLE, at, NOON) for at in range(FREE * 5))
    assert dates.may_tell("web-1", CHECK, 2**63 - 1, NOON)


def test_a_hub_whose_clock_is_put_back_gives_nothing_twice() -> None:
    dates = Dates()
    for hour in range(FREE):
        dates.may_tell("web-1", SAMPLE, NOON + DAY + hour * HOUR, NOON)
    assert not dates.may_tell("web-1", SAMPLE, NOON + 300 * DAY, NOON - DAY)
