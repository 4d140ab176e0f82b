"""Residuals come back from their Rice codes, in about as many bytes as they carry; what are none is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.blocks.pressing import Damaged
from store.blocks.rice import LONGEST, Words
from store.blocks.rice_coding import Plan
from store.blocks.rice_decoding import decoded

RESIDUAL = st.integers(0, 3) | st.integers(0, 1000) | st.integers(0, 2**64 - 1)
COLUMNS = st.lists(st.lists(RESIDUAL, min_size=1, max_size=150), min_size=1, max_size=5)


def columns(lists: list[list[int]]) -> list[Words]:
    return [np.array(one, np.uint64) for one in lists]


@given(COLUMNS)
def test_any_residuals_come_back_many_columns_at_once_or_one(lists: list[list[int]]) -> None:
    codes = Plan(columns(lists)).codes(range(len(lists)))
    assert [one.tolist() for one in decoded(codes, [len(one) for one in lists])] == lists
    for code, expected in zip(codes, lists, strict=True):
        assert decoded([code], [len(expected)])[0].tolist() == expected


@given(COLUMNS, st.data())
def test_a_column_is_coded_alike_alone_and_among_others(lists: list[list[int]], data: st.DataObject) -> None:
    wanted = data.draw(st.lists(st.integers(0, len(lists) - 1), unique=True))
    codes = Plan(columns(lists)).codes(wanted)
    lengths = [len(lists[place]) for place in wanted]
    if wanted:
        assert [one.tolist() for one in decoded(codes, lengths)] == [lists[place] for place in wanted]


@pytest.mark.parametrize("spread", [1.0, 10.0, 300.0, 1e6, 1e12])
def test_noise_takes_little_more_than_it_carries(spread: float) -> None:
    noise = np.abs(np.random.default_rng(3).normal(0, spread, 6400)).astype(np.uint64)
    (code,) = Plan([noise]).codes([0])
    # The entropy of the absolute value of normal noise; near 1 it is less than that of a density.
    carried = max(np.log2(spread * np.sqrt(2 * np.pi * np.e)) - 1, 1.2)
    assert len(code) * 8 / len(noise) < carried + 0.3


def test_one_burst_among_small_residuals_costs_little() -> None:
    small = np.random.default_rng(4).integers(0, 4, 640).astype(np.uint64)
    burst = small.copy()
    burst[100] = 2**60
    one, other = Plan([small, burst]).codes([0, 1])
    assert len(other) < len(one) + 20


def test_blocks_of_little_and_of_much_noise_are_told_each_with_its_own_parameter() -> None:
    chance = np.random.default_rng(5)
    calm, wild = chance.integers(0, 4, 640), chance.integers(0, 2**40, 640)
    mixed = np.where(np.arange(1280) // 64 % 2, np.repeat(calm, 2), np.repeat(wild, 2)).astype(np.uint64)
    plan = Plan([mixed, *(mixed[np.arange(1280) // 64 % 2 == one] for one in (0, 1))])
    together, *alone = plan.codes([0, 1, 2])
    assert decoded([together], [len(mixed)])[0].tolist() == mixed.tolist()
    assert len(together) <= sum(map(len, alone)) + 20 * 6 // 8
    assert plan.sizes.tolist() == pytest.approx([len(together), *map(len, alone)], rel=0.01, abs=2)


def test_a_zero_takes_a_bit_whatever_is_behind_the_last() -> None:
    for count in (1, 63, 64, 65, 130):
        (code,) = Plan([np.zeros(count, np.uint8)]).codes([0])
        assert len(code) == 3 + -(-count // 8)


@given(st.lists(st.lists(st.integers(0, 3) | st.integers(0, 255), min_size=1, max_size=150), min_size=1, max_size=5))
def test_columns_are_coded_alike_in_one_byte_and_in_eight(lists: list[list[int]]) -> None:
    every = range(len(lists))
    wide = Plan(columns(lists)).codes(every)
    for narrow in (np.uint8, np.uint16):
        assert Plan([np.array(one, narrow) for one in lists]).codes(every) == wide


@given(st.permutations([1, 2, 4, 8]), st.integers(1, 100), st.integers(0, 2**32))
def test_columns_of_all_widths_come_back_together(sizes: list[int], count: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    mixed = [chance.integers(0, 256**size, count, np.dtype(f"u{size}").type) for size in sizes]
    found = decoded(Plan(mixed).codes(range(len(mixed))), [count] * len(mixed))
    assert [one.tolist() for one in found] == [one.tolist() for one in mixed]


@pytest.mark.parametrize("long", [LONGEST - 1, LONGEST, LONGEST + 1])
def test_what_is_as_long_as_unary_goes_comes_back_like_what_is_shorter_and_longer(long: int) -> None:
    residuals = [0] * 200 + [long, 10**6, long] + [0] * 50
    (code,) = Plan(columns([residuals])).codes([0])
    assert decoded([code], [len(residuals)])[0].tolist() == residuals


@given(COLUMNS, st.integers(0, 10_000), st.integers(1, 255))
def test_what_was_changed_is_refused_or_something_else_and_never_breaks(
    lists: list[list[int]], place: int, change: int
) -> None:
    code = bytearray(Plan(columns(lists)).codes([0])[0])
    code[place % len(code)] ^= change
    for torn in (bytes(code), bytes(code[: place % len(code)])):
        try:
            assert len(decoded([torn], [len(lists[0])])[0]) == len(lists[0])
        except Damaged:
            continue


GOLDEN = bytes.fromhex(
    "090204010000003000000080555555555555555566666666666433332d2d2d2d2d240f0f1ce31ce31ce0ff0003e0fc1f03e0"
    "00ff001ffc00ffe00000000003ffffe00000000000000010ffff000000000000ffff5555553333330f0f0fff00ffff000000"
    "ffff000000ffffffffffffffffff000000000000fffffffffff0000f00401004010040100401004010040100401004015555"
    "55555555"
)


def test_what_was_written_is_still_read() -> None:
    expected = [*range(0, 130, 3), 2**40, 7, 0, 1, *range(5000, 5040)]
    assert decoded([GOLDEN], [len(expected)])[0].tolist() == expected
