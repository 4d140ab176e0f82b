"""Ranges are a set of whole numbers, whatever is put in or taken out."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from bus.delivery.ranges import Ranges

NUMBERS = st.integers(1, 40)
SPANS = st.tuples(NUMBERS, st.integers(0, 3)).map(lambda one: (one[0], one[0] + one[1]))
"""Short ones: long ones cover everything soon, and gaps of one number would hardly be seen."""
CHANGES = st.lists(st.tuples(st.booleans(), SPANS), max_size=30)


def _both(changes: list[tuple[bool, tuple[int, int]]]) -> tuple[Ranges, set[int]]:
    ranges, model = Ranges(), set[int]()
    for adds, (first, last) in changes:
        numbers = set(range(first, last + 1))
        if adds:
            ranges.add(first, last)
            model |= numbers
        else:
            ranges.discard(first, last)
            model -= numbers
    return ranges, model


@given(CHANGES)
@example([(True, (1, 3)), (True, (9, 9)), (True, (5, 6)), (False, (2, 2))])
def test_it_holds_what_a_set_would_hold(changes: list[tuple[bool, tuple[int, int]]]) -> None:
    ranges, model = _both(changes)

    assert {n for first, last in ranges for n in range(first, last + 1)} == model
    assert ranges.count == len(model)
    assert ranges.last == max(model, default=0)
    assert all((n in ranges) == (n in model) for n in range(46))


@given(CHANGES)
@example([(True, (1, 1)), (True, (2, 2)), (True, (9, 9)), (True, (3, 3)), (True, (8, 8))])
def test_its_spans_are_sorted_and_do_not_touch(changes: list[tuple[bool, tuple[int, int]]]) -> None:
    spans = list(_both(changes)[0])

    assert all(first <= last for first, last in spans)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(spans))


@given(CHANGES, SPANS)
@example([(True, (1, 2)), (True, (5, 6))], (1, 8))
def test_what_is_missing_and_what_is_shared_make_up_the_whole(
    changes: list[tuple[bool, tuple[int, int]]], asked: tuple[int, int]
) -> None:
    ranges, model = _both(changes)
    wanted = set(range(asked[0], asked[1] + 1))

    missing, shared = ranges.missing(*asked), ranges.shared(*asked)
    assert {n for a, b in missing for n in range(a, b + 1)} == wanted - model
    assert {n for a, b in shared for n in range(a, b + 1)} == wanted & model
    assert all(a <= b for a, b in (*missing, *shared))


@given(CHANGES, st.integers(0, 40))
@example([(True, (4, 5)), (True, (7, 9))], 3)
@example([(True, (5, 6))], 3)
def test_absorbing_moves_a_watermark_over_all_that_is_contiguous(
    changes: list[tuple[bool, tuple[int, int]]], watermark: int
) -> None:
    ranges, model = _both(changes)
    expected = watermark
    # What lies wholly below was passed long ago; what touches or covers the watermark carries it on.
    for first, last in list(ranges):
        if first <= expected + 1:
            expected = max(expected, last)

    assert ranges.absorb(watermark) == expected
    assert all(n not in ranges for n in range(expected + 2))
    assert all((n in ranges) == (n in model) for n in range(expected + 2, 46))


@given(CHANGES)
def test_those_of_the_same_spans_are_equal_and_a_copy_changes_on_its_own(
    changes: list[tuple[bool, tuple[int, int]]],
) -> None:
    ranges, _ = _both(changes)
    twin = ranges.copy()
    assert twin == ranges == Ranges(ranges)

    twin.add(99, 99)
    assert twin != ranges
    assert 99 not in ranges
    assert ranges != list(ranges)
