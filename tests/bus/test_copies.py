"""Which programs of the hub are not meant to run any more."""

from __future__ import annotations

import pytest

from bus.copies import Copies, place_of


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ("guardia.api-3", ("guardia.api", 3)),
        ("guardia.collector", ("guardia.collector", 1)),
        ("guardia.collector-2", ("guardia.collector", 2)),
        ("guardia.store-writer", ("guardia.store-writer", 1)),
        ("guardia.api-0", ("guardia.api-0", 1)),
        ("guardia.api-12345", ("guardia.api-12345", 1)),
    ],
)
def test_a_name_tells_the_kind_and_the_place(program: str, found: tuple[str, int]) -> None:
    assert place_of(program) == found


def test_those_beyond_the_number_are_too_many_and_of_other_kinds_nothing_is_said() -> None:
    copies = Copies()
    assert not copies.surplus("guardia.api-9")
    assert copies.heard("guardia.api-1", 2.0, 1)
    assert [copies.surplus(f"guardia.api-{place}") for place in (1, 2, 3)] == [False, False, True]
    assert not copies.surplus("guardia.canary-3")
    assert not copies.surplus("guardia.collector")


def test_the_newest_word_counts_whoever_says_it() -> None:
    copies = Copies()
    copies.heard("guardia.api-1", 2.0, 5)
    assert not copies.heard("guardia.api-4", 4.0, 3), "a worker that was told to end said that before"
    assert copies.surplus("guardia.api-3")
    assert not copies.heard("guardia.api-2", 2.0, 6)
    assert copies.heard("guardia.api-2", 3.0, 7)
    assert not copies.surplus("guardia.api-3")


@pytest.mark.parametrize("told", [None, 0.0, -1.0, float("nan"), 1e300])
def test_what_is_no_number_of_programs_says_nothing(told: float | None) -> None:
    copies = Copies()
    assert not copies.heard("guardia.api-1", told, 1)
    assert not copies.surplus("guardia.api-2")
