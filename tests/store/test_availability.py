"""Availability against a reference that looks at every instant by itself."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.availability import Kept, added, available, coverage, fully_up, kept
from bus.fields import Unfit
from bus.messages import Check
from bus.questions import Availability, Held
from bus.verdicts import together
from store.answers import answer
from store.availability import MOST_CHECKS, Verdict, availability
from store.backends.memory import MemoryBackend
from store.rows import Row
from tests.store.given import MINUTE, NOON, batch, check, told

STATUSES = ("up", "degraded", "down", "unknown")
LENGTH = 40

verdicts = st.lists(
    st.builds(Verdict, st.integers(0, LENGTH - 1), st.sampled_from(["", "paris", "tokyo"]), st.sampled_from(STATUSES)),
    max_size=25,
    unique_by=lambda one: (one.at, one.place),
)
windows = st.lists(
    st.tuples(st.integers(0, LENGTH), st.integers(-1, 9)).map(lambda one: (one[0], one[0] + one[1])), max_size=5
)


def reference(found: list[Verdict], start: int, end: int, horizon: int, apart: list[tuple[int, int]]) -> list[str]:
    """The service's state at each instant of the range, found by looking through everything each time."""
    states = []
    for instant in range(start, end):
        if any(begin <= instant < until for begin, until in apart):
            states.append("maintenance")
            continue
        now = []
        for place in {one.place for one in found}:
            before = [one for one in found if one.place == place and one.at <= instant]
            newest = max(before, key=lambda one: one.at, default=None)
            holds = newest is not None and instant < newest.at + horizon
            now.append(newest.status if newest is not None and holds else "unknown")
        states.append(together(now))
    return states


def outages(states: list[str], start: int) -> list[int]:
    """Begin and end of each run of down."""
    found = []
    for place, state in enumerate(states):
        if state == "down":
            if place == 0 or states[place - 1] != "down":
                found.append(start + place)
            if place + 1 == len(states) or states[place + 1] != "down":
                found.append(start + place + 1)
    return found


@given(verdicts, st.integers(0, LENGTH), st.integers(0, LENGTH), st.integers(1, 12), windows)
def test_each_instant_is_counted_as_looking_at_it_alone_would(
    found: list[Verdict], start: int, length: int, horizon: int, apart: list[tuple[int, int]]
) -> None:
    end = start + length
    flat = [bound for pair in apart for bound in pair]
    got = availability(found, start, end, horizon, flat)
    states = reference(found, start, end, horizon, apart)
    counts = Counter(states)
    assert got.whole == Held("", *(counts[name] for name in (*STATUSES, "maintenance")))
    assert list(got.outages) == outages(states, start)
    for held in got.places:
        alone = Counter(reference([one for one in found if one.place == held.place], start, end, horizon, apart))
        assert held == Held(held.place, *(alone[name] for name in (*STATUSES, "maintenance")))


@given(verdicts, st.lists(st.integers(0, LENGTH), max_size=5), st.integers(1, 12), windows)
def test_a_range_in_pieces_adds_up_to_the_whole(
    found: list[Verdict], cuts: list[int], horizon: int, apart: list[tuple[int, int]]
) -> None:
    bounds = sorted({0, LENGTH, *cuts})
    flat = [bound for pair in apart for bound in pair]
    whole = added(kept("shop", "", 0, LENGTH), availability(found, 0, LENGTH, horizon, flat))
    parts = kept("shop", "", 0, LENGTH)
    for begin, end in pairwise(bounds):
        # As the store does: what came before the piece is looked at only as far as it may still hold.
        near = [one for one in found if begin - horizon <= one.at <= end]
        parts = added(parts, availability(near, begin, end, horizon, flat))
    assert (parts.checks, parts.whole, parts.outages) == (whole.checks, whole.whole, whole.outages)
    assert {held.place: held for held in parts.places} == {held.place: held for held in whole.places}


def test_the_order_in_which_checks_come_means_nothing() -> None:
    found = [Verdict(1, "", "up"), Verdict(5, "", "down"), Verdict(9, "", "up")]
    assert availability(found, 0, 12, 6) == availability(reversed(found), 0, 12, 6)


def test_unknown_time_is_neither_up_nor_down() -> None:
    held = Held("", up=60, degraded=20, down=20, unknown=100, maintenance=1000)
    assert (available(held), fully_up(held), coverage(held)) == (80.0, 60.0, 0.5)
    assert (available(Held(unknown=5)), coverage(Held(unknown=5))) == (None, 0.0)


def test_the_store_answers_from_its_checks() -> None:
    backend = MemoryBackend(None, write=True)
    backend.commit(batch([check(0), check(1, "down"), check(2), check(10)]), NOON)
    found = answer(backend, Availability("shop", NOON + MINUTE // 2, NOON + 11 * MINUTE, 3 * MINUTE))
    assert found.checks == 3
    assert found.whole == Held("", up=9 * MINUTE // 2, down=MINUTE, unknown=5 * MINUTE)
    assert found.outages == (NOON + MINUTE, NOON + 2 * MINUTE)


def test_more_checks_than_an_answer_looks_at_are_refused_and_what_is_none_is_left_out() -> None:
    class Many(MemoryBackend):
        """Holds so many rows of any time, none of which can be read."""

        many = MOST_CHECKS

        def newest_rows(self, kind: str, subject: str, start: int, end: int, limit: int) -> list[Row]:
            return [(NOON, NOON, b"no check")] * min(self.many, limit)

    backend, question = Many(None, write=True), Availability("shop", NOON, NOON + MINUTE, MINUTE)
    assert answer(backend, question).whole == Held("", unknown=MINUTE)
    backend.many += 1
    with pytest.raises(Unfit, match=r"^more than 50000 checks between its times: ask for less at a time$"):
        answer(backend, question)


def test_places_are_told_apart() -> None:
    backend = MemoryBackend(None, write=True)
    records = [
        told(Check(status, place=place), number, host="guardia.prober", subject="shop", at=NOON)
        for number, (place, status) in enumerate([("paris", "up"), ("tokyo", "down"), ("", "down")], 1)
    ]
    backend.commit(batch(records), NOON)
    found = answer(backend, Availability("shop", NOON, NOON + MINUTE, 3 * MINUTE))
    assert found.whole.down == MINUTE
    assert [(held.place, held.up, held.down) for held in found.places] == [
        ("", 0, MINUTE),
        ("paris", MINUTE, 0),
        ("tokyo", 0, MINUTE),
    ]


def test_the_longest_outage_is_found() -> None:
    assert Kept("shop", "", 0, 9, outages=((1, 2), (4, 8))).longest == 4
