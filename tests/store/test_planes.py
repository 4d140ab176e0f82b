"""What is left of long columns comes back whatever its size, and what is mostly zero is told as such."""

from __future__ import annotations

import numpy as np
import pytest

from store.blocks.coding import Coded, coded_integers, coded_numbers
from store.blocks.decoding import Column, all_integers, all_scaled
from store.blocks.planes import by_planes
from store.blocks.scaled import Scaled

ROWS = 4096


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
