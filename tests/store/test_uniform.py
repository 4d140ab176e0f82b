"""Records of one form read together are what they are one by one; any others are left to the slow way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bus.messages import Layout, Sample
from bus.wire import Record, pack
from store.columns import columns
from store.rows import folded, group, spread
from store.uniform import Table, table_of
from tests.store.given import LAYOUT, NOON, SECOND, sample, told

OTHER = Layout(("load.1m",))


def known(ids: tuple[int, ...]) -> dict[int, tuple[str, ...]]:
    """What the store knows of layouts."""
    every = {LAYOUT.id: LAYOUT.names, OTHER.id: OTHER.names}
    return {one: every[one] for one in ids if one in every}


def table(records: Sequence[Record]) -> Table | None:
    """These records, read together."""
    return table_of(b"".join(map(pack, records)), known)


@given(st.lists(st.integers(0, 300), min_size=1, unique=True), st.integers(0, 300), st.integers(0, 300))
def test_it_is_what_the_slow_way_finds(seconds: list[int], first: int, last: int) -> None:
    records = [sample(second) for second in seconds]
    start, end = NOON + first * SECOND, NOON + last * SECOND

    found = table(records)

    assert found is not None
    times = found.times()
    order = np.argsort(times)
    order = order[(times[order] >= start) & (times[order] <= end)]
    values = found.values(["*"], order)
    rows = [row for row in spread(group(NOON, [pack(one) for one in records])) if start <= row[0] <= end]
    expected = columns(folded(rows), ["*"], known)
    assert times[order].tolist() == expected.times.tolist()
    for name in LAYOUT.names:
        assert np.array_equal(values[name], expected.values.get(name, np.zeros(0)))


def test_a_metric_alone_is_found() -> None:
    found = table([sample(1), sample(2)])
    assert found is not None
    values = found.values(["memory.*"], slice(None))
    assert {name: some.tolist() for name, some in values.items()} == {"memory.used": [100.0, 200.0]}


def test_records_of_several_forms_are_left_to_the_slow_way() -> None:
    other = told(Sample(OTHER.id, (1.0,)), 9, at=NOON + 9 * SECOND)
    elsewhere = told(Sample(LAYOUT.id, (1.0, 2.0)), 9, host="web-2", at=NOON + 9 * SECOND)
    for strange in (other, elsewhere):
        assert table([sample(1), strange]) is None


def test_what_is_cut_short_and_layouts_that_nobody_told_are_left_to_the_slow_way() -> None:
    whole = pack(sample(1)) + pack(sample(2))
    assert table_of(whole[:-1], known) is None
    assert table([]) is None
    assert table_of(whole, lambda ids: {}) is None
