"""What a service is when it is seen from several places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.verdicts import together

STATUSES = ("up", "degraded", "down", "unknown")


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (("down", "down", "up"), "down"),
        (("down", "up", "up"), "up"),
        (("down", "up"), "up"),
        (("down", "degraded", "up"), "degraded"),
        (("down", "unknown", "unknown"), "down"),
        (("unknown", "unknown"), "unknown"),
        ((), "unknown"),
    ],
)
def test_most_of_the_places_that_know_decide(words: tuple[str, ...], word: str) -> None:
    assert together(words) == word


@given(st.lists(st.sampled_from(STATUSES), max_size=7))
def test_most_places_decide_and_a_tie_is_the_better(statuses: list[str]) -> None:
    verdict = together(statuses)
    known = [one for one in statuses if one != "unknown"]
    if not known:
        assert verdict == "unknown"
    else:
        # As in any vote on a scale: the middle one, from the better side.
        ranks = sorted(STATUSES.index(one) for one in known)
        assert STATUSES.index(verdict) == ranks[(len(ranks) - 1) // 2]
