"""Percentiles and means of what came between two readings."""

from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as some

from agent.distribution import Distribution, grown, mean, percentiles, quantile

BUCKETS = [(0.1, 10.0), (0.5, 30.0), (1.0, 40.0), (inf, 50.0)]


@pytest.mark.parametrize(
    ("share", "value"),
    [
        (0.1, 0.05),  # half of the lowest bucket, which begins at 0
        (0.2, 0.1),
        (0.4, 0.3),  # half of the second one
        (0.8, 1.0),
        (0.99, 1.0),  # above the highest bound there is nothing to tell
    ],
)
def test_within_a_bucket_all_are_spread_evenly(share: float, value: float) -> None:
    assert quantile(share, BUCKETS) == value


def test_a_lowest_bucket_that_ends_below_zero_begins_nowhere() -> None:
    assert quantile(0.2, [(-1.0, 10.0), (1.0, 20.0), (inf, 20.0)]) == -1.0
    assert quantile(0.75, [(-1.0, 10.0), (1.0, 20.0), (inf, 20.0)]) == 0.0


@pytest.mark.parametrize(
    "buckets",
    [
        [],
        [(inf, 5.0)],
        [(0.1, 5.0), (0.2, 9.0)],
        [(0.1, 0.0), (inf, 0.0)],
        [(0.1, nan), (inf, nan)],
        [(1.0, 1.0), (inf, inf)],
    ],
)
def test_of_what_is_no_histogram_nothing_is_told(buckets: list[tuple[float, float]]) -> None:
    assert quantile(0.5, buckets) is None


def test_buckets_that_were_not_read_at_one_instant_still_rise() -> None:
    assert quantile(0.9, [(0.1, 10.0), (0.5, 9.0), (1.0, 12.0), (inf, 12.0)]) == 0.7


@given(some.lists(some.integers(0, 50), min_size=2, max_size=8), some.floats(0.01, 1.0))
def test_a_quantile_is_in_the_bucket_that_holds_it(parts: list[int], share: float) -> None:
    count, buckets = 0.0, []
    for place, part in enumerate(parts):
        count += part
        buckets.append((inf if place == len(parts) - 1 else float(place + 1), count))
    found = quantile(share, buckets)
    if not count:
        assert found is None
        return
    at = next(place for place, (_, upto) in enumerate(buckets) if upto >= share * count)
    assert found is not None
    assert min(at, len(parts) - 2) + (at == len(parts) - 1) - 1e-3 <= found <= min(at + 1, len(parts) - 1) + 1e-3


def reading(*counts: float, total: float) -> Distribution:
    """A histogram with bounds 0.1, 1 and none."""
    return Distribution(dict(zip((0.1, 1.0, inf), counts, strict=True)), total)


def test_what_has_come_between_two_readings_counts_alone() -> None:
    since = grown(reading(100, 100, 100, total=5.0), reading(100, 110, 110, total=11.0))
    assert mean(since) == 0.6
    assert percentiles(since) == (0.55, 0.955, 0.991)


@pytest.mark.parametrize(
    "before",
    [None, reading(3, 4, 5, total=1.0), reading(1, 1, 2, total=1.0), Distribution({0.2: 0.0, inf: 0.0}, 0.0)],
    ids=["the first one", "fewer than before", "one bucket fewer", "other buckets"],
)
def test_at_first_and_when_it_began_anew_nobody_knows(before: Distribution | None) -> None:
    since = grown(before, reading(0, 2, 4, total=9.0))
    assert mean(since) is None
    assert percentiles(since) == (None, None, None)


def test_where_nothing_came_there_is_no_mean() -> None:
    same = reading(1, 2, 4, total=9.0)
    assert mean(grown(same, same)) is None
    assert percentiles(grown(same, same)) == (None, None, None)


def test_a_summary_has_no_buckets_and_a_mean() -> None:
    since = grown(Distribution({}, 1.0, 10.0), Distribution({}, 4.0, 20.0))
    assert mean(since) == 0.3
    assert percentiles(since) == (None, None, None)


def test_each_counter_stands_once() -> None:
    one = Distribution()
    assert [one.take(0.1, False, 3.0), one.take(None, True, 1.5), one.take(None, False, 3.0)] == [True] * 3
    assert [one.take(0.1, False, 4.0), one.take(None, True, 2.5), one.take(None, False, 4.0)] == [False] * 3
