"""What one host's numbers were: loaded, then grown live."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from tests.viewer.given import NOON
from viewer.axis import Axis
from viewer.history import Reading, Strip, Track

LOAD = "cpu.percent"


def track(size: int = 300, step: int = 1) -> Track:
    return Track(step, size, lambda name: True)


def means(found: Track, start: float, step: float, count: int, join: float = 0.0) -> list[float | None]:
    return list(found.columns(LOAD, Axis(start, step, count), join)[0])


def test_readings_of_a_column_become_their_mean_and_their_peak() -> None:
    found = track()
    for second, value in enumerate((10.0, 20.0, 90.0, 0.0)):
        found.add(NOON + second, {LOAD: value})
    columns = found.columns(LOAD, Axis(NOON, 2.0, 2), 0.0)
    assert list(columns[0]) == [15.0, 45.0]
    assert list(columns[1]) == [20.0, 90.0]


def test_a_silence_is_a_gap_unless_it_is_shorter_than_what_is_joined() -> None:
    found = track()
    found.add(NOON, {LOAD: 10.0})
    found.add(NOON + 4, {LOAD: 50.0})
    assert means(found, NOON, 1.0, 5) == [10.0, None, None, None, 50.0]
    assert means(found, NOON, 1.0, 5, join=5.0) == [10.0, 20.0, 30.0, 40.0, 50.0]


def test_no_reading_is_not_a_zero() -> None:
    found = track()
    found.add(NOON, {LOAD: None})
    assert means(found, NOON, 1.0, 1) == [None]


def test_the_loaded_past_and_the_live_present_meet_without_a_seam() -> None:
    # given a reading that is in the hub's answer and on the stream
    live_first, loaded_first = track(), track()
    answer: dict[str, list[Reading | None]] = {LOAD: [(10.0, 10.0, 10.0, 1), (20.0, 20.0, 20.0, 1)]}
    # when they come in either order
    live_first.add(NOON + 1, {LOAD: 20.0})
    live_first.load([NOON, NOON + 1], 1.0, answer)
    loaded_first.load([NOON, NOON + 1], 1.0, answer)
    loaded_first.add(NOON + 2, {LOAD: 30.0})
    live_first.add(NOON + 2, {LOAD: 30.0})
    # then the picture is the same
    assert means(live_first, NOON, 1.0, 3) == means(loaded_first, NOON, 1.0, 3) == [10.0, 20.0, 30.0]


def test_coarse_answers_fill_all_steps_they_stand_for() -> None:
    found = track()
    found.load([NOON], 3.0, {LOAD: [(10.0, 5.0, 15.0, 3)]})
    assert means(found, NOON, 1.0, 4) == [10.0, 10.0, 10.0, None]


def test_fine_answers_are_gathered_into_one_step() -> None:
    found = track(step=10)
    found.load([NOON, NOON + 5], 5.0, {LOAD: [(10.0, 1.0, 11.0, 1), (40.0, 39.0, 50.0, 2)]})
    assert found.strips[LOAD].get(math.floor(NOON / 10)) == (30.0, 1.0, 50.0, 3)


def test_a_reading_older_than_the_window_changes_nothing() -> None:
    found = track(size=10)
    found.add(NOON, {LOAD: 10.0})
    found.add(NOON - 10, {LOAD: 99.0})
    assert found.most(LOAD, Axis(NOON - 20, 1.0, 30)) == 10.0


def test_columns_that_were_drawn_before_follow_new_readings() -> None:
    found = track()
    found.add(NOON, {LOAD: 10.0})
    assert means(found, NOON, 1.0, 2) == [10.0, None]
    found.add(NOON + 1, {LOAD: 30.0})
    assert means(found, NOON, 1.0, 2) == [10.0, 30.0]


@given(
    readings=st.lists(st.tuples(st.integers(0, 99), st.floats(0, 100)), max_size=60),
    count=st.integers(1, 120),
    step=st.floats(0.3, 20),
)
def test_columns_lie_between_the_extremes_of_the_readings(
    readings: list[tuple[int, float]], count: int, step: float
) -> None:
    found = track(size=100)
    for second, value in readings:
        found.add(NOON + second, {LOAD: value})
    columns, peaks = found.columns(LOAD, Axis(NOON, step, count), 3.0)
    assert len(columns) == len(peaks) == count
    low, high = min((v for _, v in readings), default=0.0), max((v for _, v in readings), default=0.0)
    for mean, peak in zip(columns, peaks, strict=True):
        if mean is not None and peak is not None:
            assert low - 1e-9 <= mean <= peak + 1e-9 <= high + 2e-9


@given(readings=st.lists(st.tuples(st.integers(0, 60), st.floats(-1e6, 1e6)), max_size=60), size=st.integers(1, 20))
def test_a_strip_remembers_the_newest_steps_and_only_those(readings: list[tuple[int, float]], size: int) -> None:
    strip = Strip(size)
    known: dict[int, list[float]] = {}
    newest = -1
    for step, value in readings:
        if step <= newest - size:
            continue
        newest = max(newest, step)
        strip.add(step, value)
        known.setdefault(step, []).append(value)
        known = {one: values for one, values in known.items() if one > newest - size}
    filled = {step: (count, high) for step, _, high, count in strip.filled(0, 100)}
    assert filled == {step: (len(values), max(values)) for step, values in known.items()}
