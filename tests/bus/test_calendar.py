"""Windows and months by a clock on the wall."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerter.config import Maintenance
from bus.availability import concerns
from bus.calendar import DAYS, between, days, ends, month, month_of, opening

SECOND = 10**9
HOUR = 3600 * SECOND
NOON = 1_769_860_800 * SECOND

windows = st.builds(
    Maintenance,
    st.just("w"),
    st.sampled_from(["00:00", "02:30", "23:45"]),
    st.sampled_from([1800.0, 86_400.0, 3 * 86_400.0]),
    days=st.lists(st.sampled_from(DAYS), max_size=2).map(tuple),
    month_days=st.lists(st.sampled_from([1, 29, 31]), max_size=2).map(tuple),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns"]),
)


@given(windows, st.integers(0, 400 * 24), st.integers(1, 24 * 9), st.lists(st.integers(0, 24 * 9 * 60), max_size=9))
def test_windows_of_a_range_are_open_when_each_instant_says_so(
    window: Maintenance, ahead: int, hours: int, minutes: list[int]
) -> None:
    start = NOON + ahead * HOUR
    end = start + hours * HOUR
    found = between(window, start, end)
    assert all(start <= begin < until <= end for begin, until in found)
    for instant in (start + minute * 60 * SECOND for minute in minutes):
        if instant < end:
            single = ends(window, instant)
            assert (single is not None) == any(begin <= instant < until for begin, until in found)


@given(windows, st.integers(0, 400 * 24 * 60))
def test_when_a_window_is_open_or_opens_next_is_what_each_instant_says(window: Maintenance, ahead: int) -> None:
    now = NOON + ahead * 60 * SECOND
    found = opening(window, now)
    assert found is not None
    begin, end = found
    if begin <= now:
        assert ends(window, now) == end
    else:
        assert ends(window, now) is None
        assert between(window, now, begin) == []
        assert ends(window, begin) == end


def test_a_month_begins_and_ends_there() -> None:
    start, end = month("2026-03", "Europe/Berlin")
    assert datetime.fromtimestamp(start / 1e9, UTC) == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert datetime.fromtimestamp(end / 1e9, UTC) == datetime(2026, 3, 31, 22, tzinfo=UTC), "clocks changed meanwhile"
    assert month("2026-12", "UTC")[1] == month("2027-01", "UTC")[0]
    assert month_of(start, "Europe/Berlin") == "2026-03"
    assert month_of(start, "UTC") == "2026-02"


@given(st.integers(0, 400 * 24), st.integers(1, 40), st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns"]))
def test_the_last_days_adjoin_and_the_last_of_them_is_today(ahead: int, count: int, zone: str) -> None:
    now = NOON + ahead * HOUR
    found = days(now, count, zone)
    assert len(found) == count
    assert [begin for _, begin, _ in found[1:]] == [end for *_, end in found[:-1]]
    assert found[-1][1] <= now < found[-1][2]
    for date, begin, _ in found:
        there = datetime.fromtimestamp(begin / 1e9, ZoneInfo(zone))
        assert (there.date().isoformat(), there.hour, there.minute) == (date, 0, 0)


def test_a_day_in_which_clocks_change_is_an_hour_shorter() -> None:
    noon = int(datetime(2026, 3, 29, 12, tzinfo=UTC).timestamp()) * SECOND
    assert [(end - begin) // HOUR for _, begin, end in days(noon, 2, "Europe/Berlin")] == [24, 23]


@pytest.mark.parametrize(
    ("noon", "opens"),
    [("2026-10-25T12:00Z", "2026-10-25T02:30+02:00"), ("2027-03-28T12:00Z", "2027-03-28T03:30+02:00")],
)
def test_in_the_night_in_which_clocks_change_a_window_opens_once_and_lasts_as_long_as_ever(
    noon: str, opens: str
) -> None:
    half_past_two = Maintenance(name="w", start="02:30", lasts=7200.0, zone="Europe/Berlin")
    until, begin = (int(datetime.fromisoformat(one).timestamp()) * SECOND for one in (noon, opens))
    assert between(half_past_two, until - 12 * HOUR, until) == [(begin, begin + 2 * HOUR)]


@pytest.mark.parametrize("text", ["2026", "2026-1", "2026-00", "2026-13", "26-01", "x", "٢٠٢٦-٠١", "9999-01"])
def test_what_is_no_month_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is no month such as 2026-10"):
        month(text, "UTC")


@pytest.mark.parametrize(
    ("matches", "concerned"),
    [
        (("*",), True),
        (("shop",), True),
        (("service/sh*",), True),
        (("host/shop",), False),
        (("role=web",), True),
        (("role=db",), False),
        (("till", "role=web"), False),
        (("shop", "role=web"), True),
        (("rule=*",), False),
        (("shop", "severity=info"), False),
    ],
)
def test_a_window_is_about_a_service_as_a_whole_or_not(matches: tuple[str, ...], concerned: bool) -> None:
    assert concerns(Maintenance("w", "02:00", 3600.0, matches=matches), "shop", {"role": "web"}) is concerned
