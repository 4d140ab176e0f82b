"""Fresh values: the groups of several series in one value, and a series' groups of several commits as one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.wire import pack
from store.fresh import PAGE, fresh, group_of, groups_in, pages, together
from store.rows import Damaged, opened, spread
from store.rows import group as rows_group
from tests.store.given import NOON, SECOND, sample

NUMBERS = st.dictionaries(st.integers(0, 2**32 - 1), st.binary(min_size=1, max_size=40), min_size=1, max_size=64)


@given(NUMBERS)
def test_each_group_comes_back_by_its_number_and_nothing_by_another(held: dict[int, bytes]) -> None:
    groups = sorted(held.items())
    value = fresh(groups)
    assert groups_in(value) == groups
    for number, group in groups:
        assert group_of(value, number) == group
        assert number + 1 in held or group_of(value, number + 1) is None


def test_the_bytes_are_those_that_every_version_reads() -> None:
    value = bytes.fromhex("0dd323af 01000002 00000001 00000007 00000002 00000005" + b"aabbb".hex())
    assert fresh([(1, b"aa"), (7, b"bbb")]) == value
    assert groups_in(value) == [(1, b"aa"), (7, b"bbb")]


@given(NUMBERS, st.integers(0, 10**6), st.integers(1, 255))
def test_what_turned_over_in_the_table_is_found_and_a_cut_too(held: dict[int, bytes], place: int, bits: int) -> None:
    value = fresh(sorted(held.items()))
    table = 8 + 8 * len(held)
    changed = bytearray(value)
    changed[place % table] ^= bits
    with pytest.raises(Damaged):
        groups_in(bytes(changed))
    with pytest.raises(Damaged):
        groups_in(value[: place % len(value)])


LARGE = st.just(bytes(PAGE))


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.binary(max_size=3000) | LARGE), min_size=1, max_size=20))
def test_pages_hold_all_in_their_order_and_as_much_as_goes_in(groups: list[tuple[int, bytes]]) -> None:
    made = list(pages(groups))
    assert [one for page in made for one in page] == groups
    assert all(made), "no page is empty, whatever comes first"
    for page, after in zip(made, [*made[1:], []], strict=True):
        assert len(fresh(page)) <= PAGE or len(page) == 1
        assert not after or len(fresh([*page, after[0]])) > PAGE


PART = st.lists(st.tuples(st.integers(0, 59), st.integers(0, 2)), min_size=1, max_size=5)


@given(st.lists(PART, min_size=1, max_size=6))
def test_groups_become_one_whose_records_were_received_when_they_were(parts: list[list[tuple[int, int]]]) -> None:
    told = [
        [(NOON + received, pack(sample(second, cpu=float(place)))) for place, (second, received) in enumerate(part)]
        for part in parts
    ]
    groups = []
    for part in told:
        changes = [
            (place, received) for place, (received, _) in enumerate(part) if place and received != part[place - 1][0]
        ]
        groups.append(rows_group(part[0][0], [record for _, record in part], changes))

    one = together(groups)

    assert [(received, record) for _, received, record in spread(one)] == [row for part in told for row in part]
    assert opened(one)[1] == b"".join(record for part in told for _, record in part)
    assert len(groups) > 1 or one == groups[0]


def test_a_damaged_group_is_joined_to_none() -> None:
    group = rows_group(NOON, [pack(sample(1))])
    with pytest.raises(Damaged):
        together([group, group[:-1] + bytes([group[-1] ^ 1])])
    with pytest.raises(Damaged):
        together([rows_group(NOON + SECOND, [pack(sample(1))[:-1]])])
