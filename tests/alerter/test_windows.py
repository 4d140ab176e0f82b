"""What a window of a minute tells, to the second and the reading."""

from __future__ import annotations

import math

import pytest

from alerter.windows import Window


def window(*readings: tuple[float, float]) -> Window:
    made = Window(60.0)
    for at, value in readings:
        made.add(at, value)
    return made


def test_of_nothing_nothing_is_told() -> None:
    told = window()
    assert told.covered(1000.0) == 0.0
    assert all(map(math.isnan, (told.mean(5.0), told.highest(5.0), told.change(5.0), told.rate(5.0))))
    assert math.isnan(told.forecast(5.0, 60.0))


def test_each_reading_counts_once_also_those_of_one_step() -> None:
    told = window((10.0, 5.0), (20.0, 4.0), (20.25, 1.0), (20.25, 9.0), (20.5, 2.0), (40.0, 7.0), (40.5, 6.0))
    assert told.mean(41.0) == (5.0 + 4.0 + 1.0 + 9.0 + 2.0 + 7.0 + 6.0) / 7
    assert (told.lowest(41.0), told.highest(41.0)) == (1.0, 9.0)
    assert told.change(41.0) == 1.0
    assert told.rate(41.0) == 1.0 / 30.5
    assert window((10.0, 5.0), (10.5, 6.0)).rate(40.0) == 2.0


def test_a_reading_that_is_earlier_than_the_newest_is_left_out() -> None:
    assert window((0.0, 1.0), (30.0, 3.0), (29.0, 99.0)).highest(30.0) == 3.0
    assert window((0.0, 1.0), (30.0, 3.0), (30.25, 5.0), (30.125, 99.0)).highest(31.0) == 5.0


def test_nothing_is_told_before_half_of_it_is_covered_nor_when_the_newest_is_older_than_it() -> None:
    told = window((0.0, 2.0), (1.0, 4.0))
    assert [told.mean(at) for at in (30.0, 61.0)] == [3.0, 3.0]
    assert told.covered(-1.0) == 0.0
    assert all(math.isnan(told.mean(at)) for at in (29.0, 61.5))


def test_a_reading_is_forgotten_when_it_is_as_old_as_the_window_is_long() -> None:
    told = window((0.0, 9.0), (1.0, 5.0), (59.0, 1.0))
    assert told.highest(59.0) == 9.0
    told.add(60.0, 1.0)
    assert told.highest(60.0) == 5.0
    assert told.covered(60.0) == 59.0


def test_a_step_is_a_sixtieth_of_the_window_and_goes_as_one() -> None:
    almost = 1 - 1 / 64
    readings = (0.0, 9.0), (almost, 8.0), (1.0, 5.0), (31.0, 1.0)
    assert window(*readings, (60.5, 1.0)).highest(60.5) == 9.0, "its newest is of the last minute"
    assert window(*readings, (60 + almost, 1.0)).highest(60 + almost) == 5.0, "with 1.0 the second began"


def test_what_is_of_a_time_to_come_is_forgotten() -> None:
    told = window((0.0, 1.0), (30.0, 3.0), (40.0, 8.0))
    told.cut(30.0)
    assert (told.highest(30.0), told.change(30.0)) == (3.0, 2.0)
    told.cut(-1.0)
    assert told.covered(30.0) == 0.0


def test_a_forecast_lies_on_the_line_nearest_to_the_readings() -> None:
    line = window(*((float(at), 5.0 + 2.0 * at) for at in range(0, 40, 10)))
    assert line.forecast(30.0, 60.0) == pytest.approx(5.0 + 2.0 * 90.0)
    assert line.forecast(35.0, 0.0) == pytest.approx(5.0 + 2.0 * 35.0)
    assert window((0.0, 0.0), (1.0, 1.0)).forecast(31.0, 0.0) == pytest.approx(31.0)
    # Least squares of (0, 0), (10, 0), (20, 6): 0.3 a second through (10, 2).
    assert window((0.0, 0.0), (10.0, 0.0), (20.0, 6.0)).forecast(30.0, 10.0) == pytest.approx(2.0 + 0.3 * 30.0)
    # Two readings of one step weigh twice, at its middle: (0.25, 2) twice and (30.25, 5) once.
    assert window((0.0, 1.0), (0.5, 3.0), (30.25, 5.0)).forecast(30.25, 30.0) == pytest.approx(8.0)


def test_the_line_is_laid_anew_with_each_step_and_not_within_one() -> None:
    told = window((0.0, 0.0), (30.0, 30.0))
    assert told.forecast(30.0, 30.0) == pytest.approx(60.0)
    told.add(30.5, 999.0)
    assert told.forecast(30.5, 29.5) == pytest.approx(60.0)
    told.add(31.0, 31.0)
    assert told.forecast(31.0, 29.0) > 61.0
    told.cut(0.0)
    assert math.isnan(told.forecast(30.0, 30.0)), "there is no line through one reading"
