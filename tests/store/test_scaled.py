"""Numbers as integers are the numbers, bit for bit, alone and one after the other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.blocks.scaled import RAW, Floats, Scaled, chained, scaled_one

ANY = st.floats(width=64, allow_nan=True, allow_infinity=True) | st.sampled_from([-0.0, 2.0**53, 2.0**63, -(2.0**63)])
KINDS = (
    ANY,
    st.integers(-(10**9), 10**9).map(lambda n: n / 100),
    st.integers(-(2**53), 2**53).map(lambda n: n / 10),
    st.integers(-(2**60), 2**60).map(float),
    st.integers(0, 9).map(float),
    st.just(0.1) | st.just(float("nan")),
    st.just(7.25),
)


@st.composite
def pieces(draw: st.DrawFn) -> list[Floats]:
    columns = draw(st.integers(1, 5))
    found = []
    for _ in range(draw(st.integers(1, 4))):
        rows = draw(st.integers(0, 24))
        kinds = [draw(st.sampled_from(KINDS)) for _ in range(columns)]
        numbers = [draw(st.lists(kind, min_size=rows, max_size=rows)) for kind in kinds]
        found.append(np.array(numbers, np.float64).reshape(columns, rows))
    return found


def same_bits(one: Floats, other: Floats) -> bool:
    return one.shape == other.shape and one.tobytes() == other.tobytes()


@given(pieces())
def test_numbers_come_back_bit_for_bit(some: list[Floats]) -> None:
    for values in some:
        made = Scaled.of(values)
        assert same_bits(made.floats(), values)
        assert made.is_same(made)


@given(pieces())
def test_pieces_one_after_the_other_are_the_same_as_of_all(some: list[Floats]) -> None:
    whole = np.concatenate(some, axis=1)
    made = chained([Scaled.of(values) for values in some], whole.shape[1])
    assert same_bits(made.floats(), whole)
    assert made.is_same(Scaled.of(whole))


@pytest.mark.parametrize("places", range(8))
def test_numbers_are_of_the_fewest_places_they_have_of_six_at_most(places: int) -> None:
    """Told as they are, all alike, behind many of fewer places, and by themselves."""
    one, three, expected = 1 / 10**places, 3 / 10**places, places if places <= 6 else RAW
    rows = np.array([[one] * 20, [one, three] * 10, [5.0] * 19 + [one]])
    assert Scaled.of(rows).tens.tolist() == [expected] * 3
    alone = [scaled_one(row) for row in rows]
    assert [RAW if found is None else found[1] for found in alone] == [expected] * 3


@pytest.mark.parametrize("large", [1e14, -1e14, 2.0**53 // 10**6])
def test_an_integer_that_more_places_would_carry_beyond_what_a_float_holds_stays_itself(large: float) -> None:
    some = [np.array([[large, 1.0]]), np.array([[0.000001, 0.000003]])]
    assert same_bits(chained(map(Scaled.of, some), 4).floats(), np.concatenate(some, axis=1))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e308])
def test_what_is_no_number_or_beyond_all_measure_is_told_by_its_bits(number: float) -> None:
    row = np.array([number, 0.5])
    assert scaled_one(row) is None
    assert Scaled.of(row[None]).tens.tolist() == [RAW]


def test_where_a_piece_is_no_decimals_all_of_the_column_is_told_by_its_bits() -> None:
    some = [np.array([[1 / 3, 2 / 3], [1.0, 2.0]]), np.array([[0.5, 0.25], [0.5, 0.25]])]
    made = chained(map(Scaled.of, some), 4)
    assert made.tens.tolist() == [RAW, 2]
    assert same_bits(made.floats(), np.concatenate(some, axis=1))


def test_an_integer_that_is_no_float_any_more_with_more_places_is_kept_by_its_bits() -> None:
    large, fine = np.array([[2.0**60, 2.0**61]]), np.array([[0.125, 0.5]])
    made = chained([Scaled.of(large), Scaled.of(fine)], 4)
    assert made.tens.tolist() == [RAW]
    assert same_bits(made.floats(), np.concatenate([large, fine], axis=1))


def test_a_constant_told_by_its_bits_is_the_same_and_another_is_not() -> None:
    one = Scaled.of(np.array([[0.5, 0.5, 0.5], [1.0, 2.0, 3.0]]))
    by_bits = Scaled(np.stack([np.full(3, 0.5).view(np.int64), one.whole[1]]), np.array([RAW, 0]))
    assert one.is_same(by_bits)
    assert not one.is_same(Scaled(one.whole + 1, one.tens))
    assert not one.is_same(Scaled(one.whole, one.tens + 1))
