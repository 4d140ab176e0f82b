"""Rows to columns and steps, against a slow and plain way of doing the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.messages import Layout, Sample
from bus.questions import AGGREGATES
from bus.wire import pack
from store.columns import Columns, Steps, columns, coverage, interval_of, matching, steps
from store.pieces import answer, of_columns, of_rollup, whole
from store.rollup import rolled
from tests.store.given import HOUR, LAYOUT, MINUTE, NOON, SECOND, sample, told

READINGS = st.lists(
    st.tuples(st.integers(0, 600), st.one_of(st.just(math.nan), st.floats(-1e6, 1e6))), min_size=1, max_size=80
)


@given(READINGS, st.integers(1, 40))
def test_steps_have_the_mean_min_max_last_and_count_of_their_readings(
    readings: list[tuple[int, float]], points: int
) -> None:
    readings.sort(key=lambda reading: reading[0])
    grid = steps(NOON, NOON + 600 * SECOND, points)
    times = np.array([NOON + second * SECOND for second, _ in readings])

    found = Columns(times, {"cpu.percent": np.array([value for _, value in readings])})
    piece = of_columns("rows", found, grid, grid.start, grid.start + grid.count * grid.length)
    if piece is None:
        assert not readings
        return
    (column,) = answer(whole([piece], grid, NOON, NOON + 600 * SECOND, AGGREGATES)).columns

    for place in range(grid.count):
        begin = grid.start + place * grid.length
        inside = [
            value
            for second, value in readings
            if begin <= NOON + second * SECOND < begin + grid.length and not math.isnan(value)
        ]
        assert column.count[place] == len(inside)
        if not inside:
            assert (column.mean[place], column.min[place], column.max[place], column.last[place]) == (None,) * 4
            continue
        assert column.mean[place] == pytest.approx(sum(inside) / len(inside), abs=1e-6)
        assert (column.min[place], column.max[place], column.last[place]) == (min(inside), max(inside), inside[-1])


@given(st.integers(0, 40 * 86_400), st.integers(0, 400 * 86_400), st.integers(1, 2000))
def test_steps_cover_the_range_with_no_more_than_was_asked_for(begin: int, span: int, points: int) -> None:
    start, end = NOON + begin * SECOND, NOON + (begin + span) * SECOND
    grid = steps(start, end, points)

    assert 1 <= grid.count <= max(points, 2)
    assert grid.start <= start < grid.start + grid.length
    assert grid.start + grid.count * grid.length > end
    assert grid.start % grid.length == 0


def test_a_glob_takes_brackets_as_they_are() -> None:
    names = ["cpu.percent", "cpu[0].percent", "cpu[1].percent", "disk[/].percent"]
    assert matching(names, ["cpu[0].percent"]) == ["cpu[0].percent"]
    assert matching(names, ["cpu[*].percent"]) == ["cpu[0].percent", "cpu[1].percent"]
    assert matching(names, ["*.percent"]) == names
    assert matching(names, ["cpu.percen"]) == []


def test_a_metric_goes_on_through_a_change_of_layout() -> None:
    other = Layout(("memory.used", "load.1m", "cpu.percent"))
    rows = [(NOON, NOON, pack(sample(1))), (NOON + SECOND, NOON, pack(told(Sample(other.id, (7.0, None, 55.0)), 2)))]

    found = columns(rows, ["*"], lambda ids: {LAYOUT.id: LAYOUT.names, other.id: other.names})

    assert found.values["cpu.percent"].tolist() == [1.0, 55.0]
    assert np.isnan(found.values["load.1m"]).all()


def test_rows_of_an_unknown_layout_are_left_out() -> None:
    found = columns([(NOON, NOON, pack(sample(1)))], ["*"], lambda ids: {})
    assert found.values == {}


def test_coverage_is_the_share_of_time_that_was_measured() -> None:
    grid = steps(NOON, NOON + HOUR, 60)
    half = np.arange(NOON, NOON + HOUR // 2, SECOND)

    assert coverage(np.arange(NOON, NOON + HOUR + 1, SECOND), grid, NOON, NOON + HOUR, SECOND) == 1.0
    assert coverage(half, grid, NOON, NOON + HOUR, SECOND) == pytest.approx(0.5, abs=0.001)
    assert coverage(half[:0], grid, NOON, NOON + HOUR, SECOND) == 0.0


def test_spans_of_a_rollup_measured_as_much_as_they_have_of_the_usual_rows() -> None:
    seconds = [*range(600), *range(600, 630), *range(1200, 2400)]
    times = NOON + np.array(seconds) * SECOND
    one = rolled(times, np.ones((1, len(times))), MINUTE)

    piece = of_rollup("1m", ("cpu.percent",), one, MINUTE, Steps(NOON, 10 * MINUTE, 6))
    assert piece.covered == (10 + 0.5 + 20) * MINUTE
    assert piece.rolled.rows.tolist() == [600, 30, 600, 600]
    found = whole([piece], Steps(NOON, 10 * MINUTE, 6), NOON, NOON + 61 * MINUTE, ("mean",))
    assert (found.tier, found.share) == ("1m", 0.5)


def test_the_usual_interval_is_not_fooled_by_an_outage() -> None:
    times = np.array([NOON + second * SECOND for second in (0, 10, 20, 30, 4000, 4010, 4020)])
    assert interval_of(times) == 10 * SECOND
    assert interval_of(times[:2]) == SECOND
