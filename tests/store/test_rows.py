"""Groups keep records as they came, notice every changed bit, and fold what came twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.wire import pack
from store.rows import Damaged, folded, group, opened, salvaged, spread
from tests.store.given import NOON, SECOND, sample

RECORDS = [pack(sample(number)) for number in range(1, 5)]


def test_a_group_gives_back_what_was_put_in() -> None:
    assert opened(group(NOON, RECORDS)) == (NOON, b"".join(RECORDS), ())
    assert [row[2] for row in spread(group(NOON, RECORDS))] == RECORDS
    assert [row[0] for row in spread(group(NOON, RECORDS))] == [NOON + n * SECOND for n in range(1, 5)]


def test_each_record_keeps_when_it_was_received() -> None:
    value = group(NOON, RECORDS, [(1, NOON + 5), (3, NOON + 9)])
    assert [row[1] - NOON for row in spread(value)] == [0, 5, 5, 9]
    assert [row[2] for row in spread(value)] == RECORDS
    assert [row[2] for row in salvaged(value)] == RECORDS


CHANGES = st.sampled_from([[], [(2, NOON + 1)]])


@given(st.data(), CHANGES)
def test_every_flipped_bit_is_noticed(data: st.DataObject, changes: list[tuple[int, int]]) -> None:
    value = bytearray(group(NOON, RECORDS, changes))
    place = data.draw(st.integers(0, len(value) * 8 - 1))
    value[place // 8] ^= 1 << place % 8
    with pytest.raises(Damaged):
        opened(bytes(value))


@given(st.integers(0, 200), CHANGES)
def test_a_group_cut_short_is_noticed(size: int, changes: list[tuple[int, int]]) -> None:
    value = group(NOON, RECORDS, changes)
    with pytest.raises(Damaged):
        opened(value[:size])


ROWS = st.lists(
    st.builds(
        lambda n, cpu: (NOON + n * SECOND, NOON, pack(sample(n, cpu=cpu))),
        st.integers(1, 9),
        st.sampled_from([1.0, 2.0]),
    )
)


@given(ROWS)
def test_folding_keeps_each_message_once_in_the_order_of_time(rows: list[tuple[int, int, bytes]]) -> None:
    once = folded(rows)

    assert folded(once) == once
    assert folded([*rows, *rows]) == once
    assert [row[0] for row in once] == sorted(row[0] for row in once)
    assert {row[2][64:] for row in once} == {row[2][64:] for row in rows}
