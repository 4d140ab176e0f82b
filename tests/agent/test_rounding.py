"""Digits that say something stay, those of noise go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import rounding
from agent.rates import Rates
from agent.readings import Count


@pytest.mark.parametrize(
    ("exact", "told"),
    [
        (0.0, 0.0),
        (1 / 3600, 0.0003),
        (0.1, 0.1),
        (2 / 3, 0.6667),
        (328.99719, 329.0),
        (12.3456, 12.35),
        (1e15 / 3, 1e15 // 3),
    ],
)
def test_a_rate_has_the_digits_that_its_size_deserves(exact: float, told: float) -> None:
    assert rounding.rate(exact) == told


@given(st.floats(1, 1e15))
def test_a_rate_moves_by_half_a_percent_at_most(exact: float) -> None:
    assert abs(rounding.rate(exact) - exact) <= exact * 0.00501


@given(st.integers(1, 10**9), st.floats(0.01, 3600))
def test_what_was_counted_within_an_hour_is_never_told_as_nothing(grown: int, elapsed: float) -> None:
    rates = Rates()
    rates.values({"io[sda].reads_per_s": Count(0)}, 0.0)
    assert rates.values({"io[sda].reads_per_s": Count(grown)}, elapsed)["io[sda].reads_per_s"]


def test_a_turn_that_came_a_little_late_tells_whole_counts() -> None:
    rates = Rates()
    rates.values({"net[eth0].rx_packets_per_s": Count(1000)}, 100.0)
    assert rates.values({"net[eth0].rx_packets_per_s": Count(1329)}, 101.00037) == {"net[eth0].rx_packets_per_s": 329.0}


@given(st.floats(0.01, 10_000))
def test_the_time_between_readings_moves_by_a_thousandth_at_most(seconds: float) -> None:
    assert abs(rounding.elapsed(seconds) - seconds) <= seconds * 0.001


def test_percents_have_hundredths_and_no_whole_has_none() -> None:
    assert (rounding.percent(1, 3), rounding.percent(3, 3), rounding.percent(1, 0)) == (33.33, 100.0, None)


def test_a_mean_is_told_to_ten_microseconds() -> None:
    assert [rounding.mean(*pair) for pair in ((0.047, 600), (3.0, 1), (0.0, 5))] == [8e-05, 3.0, 0.0]
