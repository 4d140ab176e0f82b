"""Rows of one form read together are what they are one by one; any other is left to the slow way."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bus.messages import Layout, Sample
from bus.wire import Record, pack
from store.columns import columns
from store.rows import folded, group, spread
from store.uniform import uniform
from tests.store.given import LAYOUT, NOON, SECOND, sample, told

OTHER = Layout(("load.1m",))


def known(ids: tuple[int, ...]) -> dict[int, tuple[str, ...]]:
    """What the store knows of layouts."""
    every = {LAYOUT.id: LAYOUT.names, OTHER.id: OTHER.names}
    return {one: every[one] for one in ids if one in every}


def grouped(records: list[Record], size: int) -> list[bytes]:
    """So many records a group."""
    packed = [pack(one) for one in records]
    return [group(NOON, packed[first : first + size]) for first in range(0, len(packed), size)]


@given(
    st.lists(st.integers(0, 300), min_size=1, unique=True), st.integers(1, 7), st.integers(0, 300), st.integers(0, 300)
)
def test_it_is_what_the_slow_way_finds(seconds: list[int], size: int, first: int, last: int) -> None:
    groups = grouped([sample(second) for second in seconds], size)
    start, end = NOON + first * SECOND, NOON + last * SECOND

    found = uniform(groups, ["*"], known, start, end)

    rows = [row for value in groups for row in spread(value) if start <= row[0] <= end]
    expected = columns(folded(rows), ["*"], known)
    assert found is not None
    assert found.times.tolist() == expected.times.tolist()
    for name in LAYOUT.names:
        assert np.array_equal(found.values[name], expected.values.get(name, np.zeros(0)))


def test_a_metric_alone_is_found() -> None:
    found = uniform(grouped([sample(1), sample(2)], 1), ["memory.*"], known, NOON, NOON + 9 * SECOND)
    assert found is not None
    assert {name: values.tolist() for name, values in found.values.items()} == {"memory.used": [100.0, 200.0]}


def test_records_of_several_forms_are_left_to_the_slow_way() -> None:
    other = told(Sample(OTHER.id, (1.0,)), 9, at=NOON + 9 * SECOND)
    elsewhere = told(Sample(LAYOUT.id, (1.0, 2.0)), 9, host="web-2", at=NOON + 9 * SECOND)
    for strange in (other, elsewhere, sample(1)):
        assert uniform(grouped([sample(1), strange], 1), ["*"], known, NOON, NOON + 99 * SECOND) is None


def test_damage_and_layouts_that_nobody_told_are_left_to_the_slow_way() -> None:
    whole = grouped([sample(1), sample(2)], 2)
    assert uniform([whole[0][:-1] + b"\0"], ["*"], known, NOON, NOON + 9 * SECOND) is None
    assert uniform([b""], ["*"], known, NOON, NOON + 9 * SECOND) is None
    assert uniform([], ["*"], known, NOON, NOON + 9 * SECOND) is None
    assert uniform(whole, ["*"], lambda ids: {}, NOON, NOON + 9 * SECOND) is None
