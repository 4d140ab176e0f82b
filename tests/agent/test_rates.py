"""Counters become rates, and never an absurd one."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from agent.rates import Rates
from agent.readings import Count, Mean, Share

NOON = 43_200.0
RX = "net[eth0].rx_bytes_per_s"


def test_the_first_reading_of_a_counter_is_no_rate() -> None:
    assert Rates().values({RX: Count(1000), "cpu.percent": Share(5, 10)}, NOON) == {RX: None, "cpu.percent": None}


def test_a_rate_is_growth_over_the_time_that_passed() -> None:
    rates = Rates()
    rates.values({RX: Count(1000)}, NOON)
    assert rates.values({RX: Count(5000)}, NOON + 4) == {RX: 1000.0}


def test_a_factor_turns_milliseconds_into_percent() -> None:
    rates = Rates()
    rates.values({"io[sda].busy_percent": Count(100, 0.1)}, NOON)
    assert rates.values({"io[sda].busy_percent": Count(600, 0.1)}, NOON + 1) == {"io[sda].busy_percent": 50.0}


def test_what_is_busy_all_the_time_is_so_for_no_more_than_that() -> None:
    rates = Rates()
    rates.values({"io[sda].busy_percent": Count(0, 0.1, 100.0)}, NOON)
    assert rates.values({"io[sda].busy_percent": Count(1014, 0.1, 100.0)}, NOON + 1) == {"io[sda].busy_percent": 100.0}


def test_a_share_is_growth_in_percent_of_growth() -> None:
    rates = Rates()
    rates.values({"cpu.percent": Share(100, 1000)}, NOON)
    assert rates.values({"cpu.percent": Share(125, 1100)}, NOON + 1) == {"cpu.percent": 25.0}


def test_a_mean_is_growth_of_a_sum_by_growth_of_how_many() -> None:
    rates, wait = Rates(), "io[sda].wait_seconds"
    told = [(1000, 10), (1600, 110), (1600, 110), (1700, 110), (10, 120), (3010, 121), (1000, 100)]
    found = [rates.values({wait: Mean(*pair, 1e-3)}, NOON + at)[wait] for at, pair in enumerate(told)]
    assert found == [None, 0.006, None, None, None, 3.0, None]


def test_a_reset_counter_has_no_rate_once_and_then_a_right_one() -> None:
    rates = Rates()
    for at, total in enumerate((2**32 - 10, 5, 25)):
        values = rates.values({RX: Count(total)}, NOON + at)
        assert values[RX] == (20.0 if at == 2 else None)


def test_a_counter_that_was_away_starts_anew() -> None:
    rates = Rates()
    rates.values({RX: Count(1000)}, NOON)
    rates.values({}, NOON + 1)
    assert rates.values({RX: Count(9000)}, NOON + 2) == {RX: None}


def test_no_time_between_two_readings_is_no_rate() -> None:
    rates = Rates()
    rates.values({RX: Count(1000)}, NOON)
    assert rates.values({RX: Count(2000)}, NOON) == {RX: None}


def test_plain_numbers_pass_and_what_is_no_number_is_no_reading() -> None:
    readings = {"load.1m": 0.5, "a.b": math.nan, "c.d": math.inf, "e.f": None, "g.h": 3}
    assert Rates().values(readings, NOON) == {"load.1m": 0.5, "a.b": None, "c.d": None, "e.f": None, "g.h": 3.0}


totals = st.integers(0, 2**64) | st.floats(0, 1e18)
times = st.floats(0.0, 1e9)


@given(st.lists(st.tuples(times, totals, totals, totals), min_size=2, max_size=20))
def test_whatever_counters_and_clock_do_a_rate_is_never_negative_nor_infinite(
    history: list[tuple[float, float, float, float]],
) -> None:
    rates = Rates()
    for now, total, part, whole in history:
        values = rates.values({RX: Count(total), "cpu.percent": Share(part, whole)}, now)
        rate, share = values[RX], values["cpu.percent"]
        assert rate is None or (rate >= 0 and math.isfinite(rate))
        assert share is None or 0 <= share <= 100


@given(st.integers(0, 2**64), st.integers(0, 2**40), st.floats(0.01, 3600))
def test_a_rate_is_never_more_than_what_was_counted_meanwhile(start: int, grown: int, elapsed: float) -> None:
    rates = Rates()
    rates.values({RX: Count(start)}, 0.0)
    rate = rates.values({RX: Count(start + grown)}, elapsed)[RX]
    assert rate is not None
    assert math.isclose(rate * elapsed, grown, rel_tol=0.006, abs_tol=0.00005 * elapsed)
