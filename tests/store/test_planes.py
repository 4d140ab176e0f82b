"""What is left of long columns comes back whatever its size, and what is mostly zero is told as such."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from store.blocks.coding import Coded, coded_integers, coded_numbers
from store.blocks.decoding import Column, all_integers, all_scaled
from store.blocks.planes import SIZES, Body, by_planes, in_planes, united
from store.blocks.rice import Words
from store.blocks.scaled import Scaled

ROWS = 4096
RESIDUAL = st.integers(0, 3) | st.integers(0, 1000) | st.integers(0, 2**64 - 1)
SELDOM = st.integers(-9, 3).map(lambda number: max(0, number))


def read(columns: list[Coded]) -> list[Column]:
    return [((one.form, one.width, one.decimals, one.shift), one.payload) for one in columns]


@pytest.mark.parametrize("most", [2**15, 2**27, 2**28 - 1, 2**28, 2**31, 2**33, 2**62])
def test_integers_that_are_near_and_far_apart_come_back_together(most: int) -> None:
    chance = np.random.default_rng(most % 1000)
    noise = chance.integers(-most, most, ROWS)
    ends = np.where(np.arange(ROWS) % 2, -most, most - 1)
    bursts = np.where(chance.random(ROWS) < 0.05, noise, 0)
    few = chance.integers(0, 9, ROWS)
    values = np.stack([few, noise, ends, bursts, few + most, np.sort(noise), few * 8])
    assert np.array_equal(all_integers(read(coded_integers(values)), ROWS), values)
    numbers = Scaled.of(np.stack([few / 10, noise / 1.0, ends / 1.0, bursts / 1.0, np.sort(noise) / 1.0]))
    assert all_scaled(read(coded_numbers(numbers, 1)), ROWS).is_same(numbers)


@pytest.mark.parametrize("count", [1024, 2048, 8192, 8640])
@pytest.mark.parametrize("each", [3, 6, 8, 60])
def test_what_changes_at_each_so_many_rows_is_mostly_zero_and_noise_is_not(count: int, each: int) -> None:
    regular = np.where(np.arange(count) % each, 0, 70_000)
    noise = np.random.default_rng(each).integers(0, 200, count)
    found = by_planes(np.stack([regular, noise, np.roll(regular, 1), np.zeros(count, np.int64)]).astype(np.uint64))
    assert [one.sparse for one in found] == [True, False, True, False]
    assert found[0].told.tolist() == [70_000] * len(found[0].told)
    assert found[1].told.tolist() == noise.tolist()


def least_width(residuals: Words) -> int:
    return next(size for size in SIZES if int(residuals.max()) < 256**size)


def told(width: int, planes: bytes, count: int) -> Words:
    if not width:
        return np.zeros(count, np.uint64)
    found: Words = united(np.frombuffer(planes, np.uint8).reshape(width, 1, count))[0].astype(np.uint64)
    return found


def there(body: Body, count: int) -> Words:
    bits = np.unpackbits(np.frombuffer(body.bitmap, np.uint8))
    assert not bits[count:].any()
    return np.flatnonzero(bits).astype(np.uint64)


MATRIX = st.integers(1, 40).flatmap(
    lambda count: st.lists(
        st.sampled_from([RESIDUAL, SELDOM]).flatmap(lambda one: st.lists(one, min_size=count, max_size=count)),
        min_size=1,
        max_size=6,
    )
)


@given(MATRIX)
@example([[1, limit] for limit in (255, 256, 2**16 - 1, 2**16, 2**32 - 1, 2**32)])
@example([[0] * place + [1] + [0] * (19 - place) for place in (0, 9, 19)])
def test_each_row_comes_back_from_its_planes_which_are_as_few_as_it_needs(lists: list[list[int]]) -> None:
    residuals = np.array(lists, np.uint64)
    for body, row in zip(by_planes(residuals), residuals, strict=True):
        kept = row[row != 0] if body.sparse else row
        assert body.width == least_width(row)
        assert told(body.width, body.planes, len(kept)).tolist() == body.told.tolist() == kept.tolist()
        assert there(body, len(row)).tolist() == (np.flatnonzero(row).tolist() if body.sparse else [])
        assert in_planes(row)[0] == body.width
        assert told(*in_planes(row), len(row)).tolist() == row.tolist()


@pytest.mark.parametrize(("held", "sparse"), [(0, False), (1, True), (400, True), (401, False), (1000, False)])
def test_a_bitmap_is_told_where_three_fifths_and_more_are_zero_but_not_all(held: int, sparse: bool) -> None:
    row = (np.arange(1000) < held).astype(np.uint64)
    (found,) = by_planes(row[None])
    assert found.sparse is sparse
    assert len(found.bitmap) == (125 if sparse else 0)
