"""Samples are taken at the multiples of the interval."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.schedule import next_turn

NOON = 1_795_435_200.0


@pytest.mark.parametrize(
    ("wall", "interval", "last", "due"),
    [
        (NOON + 0.3, 1.0, None, NOON + 1),
        (NOON, 1.0, None, NOON + 1),
        (NOON + 0.002, 1.0, NOON, NOON + 1),
        (NOON + 3.7, 1.0, NOON, NOON + 4),  # turns were missed
        (NOON + 0.9995, 1.0, NOON + 1, NOON + 2),  # the timer fired early
        (NOON - 3600, 1.0, NOON, NOON - 3599),  # the clock was set back
        (NOON + 7, 10.0, None, NOON + 10),
        (1073741825.8, 0.1, None, 1073741825.9),  # 1073741825.8 / 0.1 is a little less than its turn
    ],
)
def test_the_next_turn(wall: float, interval: float, last: float | None, due: float) -> None:
    assert next_turn(wall, interval, last) == pytest.approx(due, abs=1e-6)


@given(
    st.floats(1e9, 2e9),
    st.sampled_from([0.1, 0.5, 1.0, 5.0, 60.0]),
    st.lists(st.floats(-0.002, 30), max_size=50),
)
def test_turns_never_repeat_and_never_come_more_than_two_intervals_late(
    start: float, interval: float, delays: list[float]
) -> None:
    due = next_turn(start, interval)
    for delay in delays:
        wall = due + delay
        after = next_turn(wall, interval, due)
        assert after > due + interval / 2
        assert wall < after <= wall + 2 * interval
        due = after
