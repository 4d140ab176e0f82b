"""Rollups against the plain way to compute them, and rollups of rollups against rollups."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.blocks.coding import coded_integers, coded_numbers
from store.blocks.opening import opened as part_of_any_version
from store.blocks.parts import ROLLUP, packed, reading
from store.blocks.scaled import Floats, Scaled
from store.blocks.sheets import sheets
from store.rollup import AGGREGATES, FIRST, Rolled, chained, coarser, cut, folded, opened, rolled, spread, those
from store.rollup import stacked as stacked_floats
from store.whole_rollup import stacked, whole_rolled
from tests.store.given import MINUTE, NOON, SECOND

READING = st.integers(-(10**6), 10**6).map(lambda n: n / 100) | st.just(float("nan"))
ROWS = st.lists(st.tuples(st.integers(0, 7200), READING, READING), max_size=60).map(sorted)
Rows = list[tuple[int, float, float]]


def given_rows(rows: Rows) -> tuple[np.ndarray, Floats]:
    times = np.array([NOON + second * SECOND for second, *_ in rows], np.int64)
    return times, np.array([[row[1] for row in rows], [row[2] for row in rows]]).reshape(2, len(rows))


def plainly(rows: Rows, metric: int, length: int) -> dict[int, tuple[int, float, float, Fraction, float]]:
    """(count, min, max, sum, last) by start, one reading at a time."""
    found: dict[int, tuple[int, float, float, Fraction, float]] = {}
    for second, *values in rows:
        value = values[metric]
        if math.isnan(value):
            continue
        start = (NOON + second * SECOND) // length * length
        exact = Fraction(round(value * 100), 100)
        count, least, most, total, _ = found.get(start, (0, value, value, Fraction(0), value))
        found[start] = count + 1, min(least, value), max(most, value), total + exact, value
    return found


def of_metric(one: Rolled, metric: int) -> Rolled:
    return Rolled(one.starts, one.rows, *(matrix[metric : metric + 1] for matrix in one.matrices))


def same(one: Rolled, other: Rolled) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in Rolled.__slots__)


def test_what_is_cut_out_and_kept_alone_holds_no_more_than_itself() -> None:
    one = rolled(*given_rows([(60 * minute, 1.5, 2.5) for minute in range(100)]), MINUTE)
    few = cut(one, NOON + 10 * MINUTE, NOON + 12 * MINUTE)
    alone = few.alone()
    assert same(alone, few)
    for name in Rolled.__slots__:
        numbers = getattr(alone, name)
        assert numbers.base is None
        assert numbers.nbytes == getattr(few, name).nbytes
    assert all(getattr(alone.alone(), name) is getattr(alone, name) for name in Rolled.__slots__)


@given(ROWS, st.sampled_from([MINUTE, 5 * MINUTE, 60 * MINUTE]))
def test_a_rollup_is_what_one_reading_at_a_time_gives(rows: Rows, length: int) -> None:
    found = rolled(*given_rows(rows), length)
    for metric in range(2):
        expected = plainly(rows, metric, length)
        starts = [start for start, count in zip(found.starts.tolist(), found.count[metric], strict=True) if count]
        assert starts == sorted(expected)
        for place, start in enumerate(found.starts.tolist()):
            if start in expected:
                count, least, most, total, last = expected[start]
                assert found.count[metric, place] == count
                assert (found.least[metric, place], found.most[metric, place]) == (least, most)
                assert found.total[metric, place] == float(total)
                assert found.last[metric, place] == last
            else:
                assert math.isnan(found.least[metric, place])


@given(ROWS)
def test_a_rollup_of_rollups_is_the_rollup(rows: Rows) -> None:
    times, values = given_rows(rows)
    minutes = rolled(times, values, MINUTE)
    fives = coarser(minutes, 5 * MINUTE)
    assert same(fives, rolled(times, values, 5 * MINUTE))
    assert same(coarser(fives, 60 * MINUTE), rolled(times, values, 60 * MINUTE))


@given(ROWS)
def test_the_rollup_of_one_metric_is_that_among_others(rows: Rows) -> None:
    times, values = given_rows(rows)
    minutes = rolled(times, values, MINUTE)
    for metric in range(2):
        alone = rolled(times, values[[metric]], MINUTE)
        assert same(alone, of_metric(minutes, metric))
        assert same(coarser(alone, 5 * MINUTE), of_metric(coarser(minutes, 5 * MINUTE), metric))


@given(ROWS)
def test_a_rollup_comes_back_from_its_bytes(rows: Rows) -> None:
    found = rolled(*given_rows(rows), MINUTE)
    (data,) = sheets(ROLLUP, [found.told()], small=True)
    part = part_of_any_version(reading(data), FIRST + 2 * AGGREGATES)
    assert part.what == ROLLUP
    assert same(opened(part, [0, 1]), found)
    assert same(opened(part, [1]), of_metric(found, 1))


@given(ROWS)
def test_a_rollup_of_the_second_version_is_still_read(rows: Rows) -> None:
    found = rolled(*given_rows(rows), MINUTE)
    columns = coded_integers(np.stack([found.starts, found.rows]))
    for metric in range(2):
        numbers = np.stack([of[metric] for of in (found.least, found.most, found.total, found.last)])
        columns += [*coded_integers(found.count[metric : metric + 1]), *coded_numbers(Scaled.of(numbers))]
    data = packed(ROLLUP, len(found.starts), columns)
    part = part_of_any_version(reading(data), FIRST + 2 * AGGREGATES)
    assert same(opened(part, [0, 1]), found)
    assert same(opened(part, [1]), of_metric(found, 1))


def test_numbers_that_are_no_decimals_are_added_as_floats() -> None:
    values = np.array([[1 / 3, 1e-300, 2 / 3, -0.0]])
    times = np.arange(4) * SECOND
    found = rolled(times, values, MINUTE)
    assert found.total[0, 0] == math.fsum(values[0])
    assert same(coarser(rolled(times, values, MINUTE), 60 * MINUTE), rolled(times, values, 60 * MINUTE))


WILD = st.sampled_from([0.1, 1 / 3, -0.0, 1e-300, 2.0**62, -(2.0**62), 1e308, float("inf"), float("nan"), 2.0**53 + 2])
EVERY = st.lists(st.tuples(st.integers(0, 7200), READING, st.integers(-50, 50).map(float), WILD), max_size=60).map(
    sorted
)
REGULAR = st.lists(st.tuples(READING, st.integers(-50, 50).map(float), WILD), min_size=1, max_size=60)


def check_tallies(times: np.ndarray, values: Floats) -> None:
    whole, floats = whole_rolled(times, Scaled.of(values), MINUTE), rolled(times, values, MINUTE)
    for length in (5 * MINUTE, 60 * MINUTE):
        assert same(whole.rolled(), floats)
        (told,), (plainly_told,) = (sheets(ROLLUP, [one.told()], small=True) for one in (whole, floats))
        parts = [part_of_any_version(reading(one), FIRST + 3 * AGGREGATES) for one in (told, plainly_told)]
        assert same(*(opened(part, range(3)) for part in parts))
        whole, floats = whole.coarser(length), coarser(floats, length)


@given(EVERY)
def test_a_tally_is_the_rollup_whatever_the_numbers(rows: list[tuple[int, float, float, float]]) -> None:
    times = np.array([NOON + second * SECOND for second, *_ in rows], np.int64)
    check_tallies(times, np.array([row[1:] for row in rows]).reshape(len(rows), 3).T)


@given(REGULAR, st.sampled_from([5, 10, 20, 30, 60]))
def test_a_tally_of_equally_many_rows_in_each_span_is_the_rollup(
    rows: list[tuple[float, float, float]], seconds: int
) -> None:
    check_tallies(NOON + np.arange(len(rows)) * seconds * SECOND, np.array(rows).T)


def test_tallies_of_some_metrics_each_are_put_below_one_another() -> None:
    times, values = NOON + np.arange(90) * 10 * SECOND, np.arange(270).reshape(3, 90) / 10
    parts = [whole_rolled(times, Scaled.of(values[some]), MINUTE) for some in (slice(0, 2), slice(2, 3))]
    assert same(stacked(parts).rolled(), rolled(times, values, MINUTE))
    assert stacked(parts[:1]) is parts[0]


def test_sums_beyond_what_an_integer_holds_are_told_as_floats() -> None:
    times = NOON + np.arange(8) * 20 * SECOND
    values = np.array([[2.0**61, 2.0**60] * 4, [-(2.0**61), 2.0**52] * 4, [2.0**60] * 8])
    check_tallies(times, values)
    for one in (rolled(times, values, 5 * MINUTE), whole_rolled(times, Scaled.of(values), 5 * MINUTE).rolled()):
        assert one.total.tolist() == [[3 * 2.0**62], [2.0**54 - 2.0**63], [2.0**63]]
    assert rolled(times, values[:1], 5 * MINUTE).total.tolist() == [[3 * 2.0**62]]
    for sign in (1.0, -1.0):
        assert rolled(times, sign * np.array([[2.0**61, 1.0] * 4]), 5 * MINUTE).total.tolist() == [[sign * 2.0**63]]


COUNTS = st.lists(st.integers(1, 5), min_size=40, max_size=60) | st.integers(1, 5).map(lambda count: [count] * 50)


@given(COUNTS, st.integers(0, 2**32 - 1))
def test_few_columns_of_many_spans_are_folded_as_each_span_is(counts: list[int], seed: int) -> None:
    values = np.random.default_rng(seed).integers(-100, 100, (8, sum(counts)))
    begins = np.cumsum([0, *counts[:-1]])
    for how in (np.add, np.minimum, np.maximum):
        assert np.array_equal(folded(how, values, begins), how.reduceat(values, begins, axis=1))


def test_integers_are_added_as_integers() -> None:
    times = NOON + np.arange(3) * SECOND
    values = np.array([[1.0, 2.0**53, 1.0], [1 / 3, 1 / 3, 1 / 3]])
    assert rolled(times, values, MINUTE).total.tolist() == [[2.0**53 + 2], [1.0]]
    assert rolled(times, values[:1], MINUTE).total.tolist() == [[2.0**53 + 2]]


@pytest.fixture
def five() -> Rolled:
    """Two metrics of five minutes, of which the fourth has one reading alone."""
    times = NOON + np.array([0, 30, 60, 120, 180, 240, 250]) * SECOND
    return rolled(
        times, np.array([[1.0, 3.0, 5.0, 7.0, 9.0, 8.0, 2.0], [2.0, 4.0, 6.0, 8.0, np.nan, 1.0, 5.0]]), MINUTE
    )


def test_a_cut_holds_its_start_and_not_its_end_and_the_cuts_are_the_whole(five: Rolled) -> None:
    middle = cut(five, NOON + MINUTE, NOON + 3 * MINUTE)
    assert middle.starts.tolist() == [NOON + MINUTE, NOON + 2 * MINUTE]
    assert (middle.rows.tolist(), middle.last.tolist()) == ([1, 1], [[5.0, 7.0], [6.0, 8.0]])
    for end in range(6):
        parts = cut(five, NOON, NOON + end * MINUTE), cut(five, NOON + end * MINUTE, NOON + 5 * MINUTE)
        assert same(chained(parts), five)
        assert [len(part.starts) for part in parts] == [end, 5 - end]
    assert cut(five, NOON, NOON + 4 * MINUTE + 1) is five
    assert chained([five]) is five


def test_metrics_are_put_below_one_another_taken_apart_and_spread(five: Rolled) -> None:
    assert same(stacked_floats([of_metric(five, 0), of_metric(five, 1)]), five)
    assert stacked_floats([five]) is five
    assert spread(["a", "b"], five, ["a", "b"]) is five
    wide = spread(["a", "b"], five, ["b", "c", "a"])
    assert (same(of_metric(wide, 0), of_metric(five, 1)), same(of_metric(wide, 2), of_metric(five, 0))) == (True, True)
    assert wide.count[1].tolist() == [0] * 5
    assert all(np.isnan(of[1]).all() for of in (wide.least, wide.most, wide.total, wide.last))
    odd = those(five, np.array([False, True, False, True, False]))
    assert odd.starts.tolist() == [NOON + MINUTE, NOON + 3 * MINUTE]
    assert (odd.count.tolist(), odd.most[0].tolist(), odd.total[0].tolist()) == (
        [[1, 1], [1, 0]],
        [5.0, 9.0],
        [5.0, 9.0],
    )


def test_what_nobody_asks_for_takes_no_memory(five: Rolled) -> None:
    assert five.bytes == 8 * 5 * (1 + 1 + 2 + 4 * 2)
    matrices = {"least", "most", "total", "last"}
    for asked in matrices:
        without = five.without(matrices - {asked})
        assert without.bytes == 8 * 5 * (1 + 1 + 2 + 2)
        assert len(getattr(without, asked)) == 2
        assert coarser(without, 5 * MINUTE).count.tolist() == [[7], [6]]
