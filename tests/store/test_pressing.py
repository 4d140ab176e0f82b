"""What is compressed comes back as it was, takes less room than it did, and no more than is allowed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.blocks.pressing import APART, LEAST_PRESSED, Damaged, pressed, pressed_apart, smaller, unpressed

NOISE = b"".join((place * 2654435761 % 2**32).to_bytes(4, "big") for place in range(8 * APART))
LEVELS = st.sampled_from([1, 3, 9])
SIZES = st.sampled_from([0, 1, 23, 24, 25, APART - 1, APART, APART + 1, 3 * APART])
PARTS = st.tuples(SIZES, st.integers(0, 4 * APART), st.booleans()).map(
    lambda one: NOISE[one[1] : one[1] + one[0]] if one[2] else bytes((one[1] % 256,)) * one[0]
)
"""Bytes that are noise, or all the same."""


@given(st.lists(PARTS, min_size=1, max_size=6), LEVELS)
def test_parts_come_back_one_after_the_other(parts: list[bytes], level: int) -> None:
    whole = b"".join(parts)
    data = pressed_apart(parts, level)

    assert unpressed(data, len(whole)) == whole
    if whole:
        with pytest.raises(Damaged):
            unpressed(data, len(whole) - 1)


@given(PARTS, st.sampled_from([1, 2, 4, 8]), st.sampled_from([0, 1, 7, 64, APART, APART + 1]), st.booleans(), LEVELS)
def test_planes_come_back_behind_their_head_in_less_room(
    head: bytes, width: int, count: int, noise: bool, level: int
) -> None:
    planes = NOISE[: width * count] if noise else bytes(width * count)
    whole = head + planes
    data = smaller(head, planes, width, level)

    if data is None:
        assert len(whole) < LEAST_PRESSED or len(pressed(whole, level)) >= len(whole) - 16
    else:
        assert len(data) < len(whole)
        assert unpressed(data, len(whole)) == whole
        with pytest.raises(Damaged):
            unpressed(data, len(whole) - 1)


def test_planes_that_are_unlike_have_codes_of_their_own() -> None:
    some = bytes(place % 16 for place in NOISE[: 4 * APART])
    other = bytes(240 + place % 16 for place in NOISE[4 * APART : 8 * APART])
    data = smaller(b"", some + other, 2, 1)

    assert data is not None
    assert len(data) < 0.95 * len(pressed(some + other, 1))


@given(st.binary(max_size=200), st.integers(0, 1000))
def test_rubbish_is_damage_or_no_more_than_is_allowed(rubbish: bytes, most: int) -> None:
    try:
        found = unpressed(rubbish, most)
    except Damaged:
        return
    assert len(found) <= most
