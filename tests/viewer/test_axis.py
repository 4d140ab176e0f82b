"""Time over columns, and round local times to read it by."""

from __future__ import annotations

from datetime import UTC
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.viewer.given import NOON
from viewer.axis import WINDOWS, Window, axis, clock, labels

BERLIN = ZoneInfo("Europe/Berlin")


def test_columns_begin_at_multiples_of_their_length_and_hold_the_present() -> None:
    line = axis(NOON + 3.7, 300, 60)
    assert line.step == 5
    assert line.end == NOON + 5
    assert line.column(NOON + 3.7) == 59


def test_labels_are_round_times_of_the_persons_clock() -> None:
    assert labels(NOON - 300, NOON, 60, UTC) == [(10, "11:56"), (22, "11:57"), (34, "11:58"), (46, "11:59")]
    assert [text for _, text in labels(NOON - 300, NOON, 40, BERLIN)] == ["12:56", "12:57", "12:58", "12:59"]


def test_labels_stand_at_equal_distances() -> None:
    for width in range(40, 240):
        firsts = [first for first, _ in labels(NOON - 300, NOON, width, UTC)]
        gaps = [after - before for before, after in pairwise(firsts)]
        assert max(gaps, default=0) - min(gaps, default=0) <= 1, "none between two others is missing"


def test_days_are_named_where_the_window_is_long() -> None:
    assert [text for _, text in labels(NOON - 7 * 86_400, NOON, 80, UTC)] == [
        "Fri 26 Dec",
        "Sun 28 Dec",
        "Tue 30 Dec",
        "Thu 1 Jan",
    ]


def test_the_hour_that_a_clock_jumps_is_followed() -> None:
    jump = 1_774_746_000.0  # 2026-03-29 01:00 UTC, when Berlin goes from 02:00 to 03:00
    texts = [text for _, text in labels(jump - 3 * 3600, jump + 3 * 3600, 80, BERLIN)]
    assert "03:00" in texts or "04:00" in texts
    assert "02:00" not in texts


@pytest.mark.parametrize("jump", [1_774_746_000.0, 1_792_890_000.0], ids=["spring", "autumn"])
@pytest.mark.parametrize("window", WINDOWS[:7], ids=lambda window: window.name)
def test_there_are_labels_before_and_after_a_jump_and_all_are_round(jump: float, window: Window) -> None:
    usual = [
        text for _, text in labels(jump - 86_400 - window.seconds / 2, jump - 86_400 + window.seconds / 2, 80, UTC)
    ]
    found = labels(jump - window.seconds / 2, jump + window.seconds / 2, 80, BERLIN)
    assert len(found) >= len(usual) - 1
    ends = {text[-2:] for text in usual if ":" in text}
    assert {text[-2:] for _, text in found if ":" in text} <= ends


def test_the_hour_that_is_there_twice_is_read_twice() -> None:
    jump = 1_792_890_000.0  # 2026-10-25 01:00 UTC, when Berlin goes back from 03:00 to 02:00
    found = [text for _, text in labels(jump - 120, jump + 180, 60, BERLIN)]
    assert found == ["02:59", "02:00", "02:01", "02:02"]


def test_a_clock_shows_the_persons_time() -> None:
    assert clock(NOON, BERLIN) == "13:00:00"


@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window.name)
def test_every_window_is_made_of_whole_steps(window: object) -> None:
    assert window.seconds == window.step * window.points  # type: ignore[attr-defined]


@given(end=st.floats(0, 4e9), span=st.floats(1, 1e8), width=st.integers(0, 300))
def test_labels_stay_inside_and_do_not_touch(end: float, span: float, width: int) -> None:
    free = 0
    for first, text in labels(end - span, end, width, BERLIN):
        assert first >= free
        assert first + len(text) <= width
        free = first + len(text) + 1
