"""Times as people type them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tests.viewer.given import NOON
from viewer.when import moment

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("11:50", 600),
        ("12:00", 0),
        ("12:10", 86_400 - 600),
        ("yesterday 11:50", 86_400 + 600),
        ("-2h", 7200),
        ("1h30m ago", 5400),
        ("2026-01-01 11:00", 3600),
        ("2026-01-01T11:00:00Z", 3600),
        ("2026-01-01T12:00:00+02:00", 7200),
        ("1767268800", 0),
        ("1767268800000", 0),
    ],
)
def test_what_people_type_is_understood(text: str, ago: float) -> None:
    assert moment(text, NOON, UTC) == NOON - ago


def test_a_clock_is_read_where_the_person_is() -> None:
    assert moment("12:30", NOON, BERLIN) == NOON - 1800
    assert moment("2025-07-01 12:00", NOON, BERLIN) == moment("2025-07-01T10:00:00Z", NOON)


@pytest.mark.parametrize("zone", [BERLIN, None], ids=["named", "of the machine"])
@pytest.mark.parametrize(
    ("now", "text", "meant"),
    [
        ("2026-10-25T12:00+01:00", "01:30", "2026-10-25T01:30+02:00"),
        ("2026-10-25T12:00+01:00", "02:30", "2026-10-25T02:30+01:00"),
        ("2026-10-25T02:15+01:00", "02:30", "2026-10-25T02:30+02:00"),
        ("2026-10-25T02:15+02:00", "02:30", "2026-10-24T02:30+02:00"),
        ("2026-10-25T12:00+01:00", "yesterday 01:30", "2026-10-24T01:30+02:00"),
        ("2026-10-25T12:00+01:00", "today 01:30", "2026-10-25T01:30+02:00"),
        ("2026-10-26T01:00+01:00", "01:30", "2026-10-25T01:30+02:00"),
        ("2027-03-28T12:00+02:00", "01:30", "2027-03-28T01:30+01:00"),
        ("2027-03-28T12:00+02:00", "02:30", "2027-03-28T03:30+02:00"),
    ],
)
def test_on_the_day_that_clocks_change_a_clock_is_read_as_it_was_then(
    now: str, text: str, meant: str, zone: ZoneInfo | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        found = moment(text, datetime.fromisoformat(now).timestamp(), zone)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert found == datetime.fromisoformat(meant).timestamp()


@pytest.mark.parametrize("text", ["", "noon", "25:00", "-", "-2", "2026-13-01", "11:5"])
def test_what_is_no_time_is_answered_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no time such as 11:50|is no duration such as"):
        moment(text, NOON, UTC)
