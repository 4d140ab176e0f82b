"""Keys sort as time does, and partitions tell their own time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.messages import KINDS
from bus.timing import HOUR, SECOND
from store.keys import FAR, partition, partition_start, period, row_key, series_key

SERIES = st.integers(0, 2**32 - 1)
COMMITS = st.integers(0, 2**64 - 1)


@given(st.tuples(SERIES, SERIES, COMMITS), st.tuples(SERIES, SERIES, COMMITS))
def test_keys_sort_by_series_then_minute_then_commit(one: tuple[int, int, int], other: tuple[int, int, int]) -> None:
    assert (row_key(*one) < row_key(*other)) == (one < other)


@given(st.sampled_from(sorted(KINDS)), st.integers(0, FAR))
def test_a_partition_holds_the_instant_it_is_named_after(kind: str, at: int) -> None:
    start = partition_start(partition(kind, at))
    assert start <= at < start + period(kind)


def test_samples_have_a_partition_an_hour_and_all_else_one_a_day() -> None:
    at = 1_769_860_800 * SECOND + 90 * 60 * SECOND
    assert partition("sample", at) == "20260131T13"
    assert partition("check", at) == "20260131T00"
    assert period("sample") == HOUR


@pytest.mark.parametrize("name", ["", "20260131", "20260131T13.gone", "20260131T99", "state"])
def test_what_is_no_partition_has_no_start(name: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        partition_start(name)


def test_series_of_two_kinds_have_two_keys() -> None:
    assert series_key("sample", b"web-1") != series_key("facts", b"web-1")
