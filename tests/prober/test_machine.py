"""The life of a service: every cell of its table, and what holds on every way through it."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.machine import REMEMBERED, TABLE, Change, Found, Move, Patience, Standing, State, diagram, step
from prober.outcome import STATUSES

NOW = 1_000
ONCE = Patience()
THRICE = Patience(grace=3, recover=2)


def standing(state: State, **more: object) -> Standing:
    known = {"known": State.DOWN} if state is State.BLIND else {}
    return Standing(state, since=1, last="up", **{**known, **more})  # type: ignore[arg-type]


def through(findings: list[str], patience: Patience) -> list[str]:
    """The status after each finding."""
    now, states = Standing(), []
    for at, found in enumerate(findings):
        now, _, _ = step(now, Found(found), patience, at)
        states.append(now.status)
    return states


@pytest.mark.parametrize(("state", "found"), list(product(State, Found)))
def test_every_cell_does_what_it_says(state: State, found: Found) -> None:
    move = TABLE[state, found]
    before = standing(state)
    after, change, reason = step(before, found, ONCE, NOW)
    assert reason
    if move is Move.STAY:
        assert (after.state, change) == (state, None)
    elif move in (Move.GO, Move.COUNT):
        assert (after.state, change) == (State(found), Change(state, State(found)))
        assert after.since == NOW
    elif move is Move.HIDE:
        assert (after.state, after.known) == (State.BLIND, state)
    else:
        expected = State.DOWN if found is Found.DOWN else State(found)
        assert after.state is expected


@pytest.mark.parametrize(("state", "found"), [cell for cell, move in TABLE.items() if move is Move.COUNT])
def test_every_cell_that_counts_waits_for_its_patience(state: State, found: Found) -> None:
    after, change, reason = step(standing(state), found, THRICE, NOW)
    assert (after.state, change) == (state, None)
    assert "1 of " in reason


def test_the_table_has_every_cell() -> None:
    assert set(TABLE) == set(product(State, Found))


@pytest.mark.parametrize(
    ("findings", "states"),
    [
        ("down", "unknown"),
        ("down down down", "unknown unknown down"),
        ("up down down up down down down", "up up up up up up down"),
        ("up down degraded down", "up up up down"),
        ("up down down down up up", "up up up down down up"),
        ("up down down down degraded up", "up up up down down up"),
        ("up unknown down", "up unknown up"),
        ("up down unknown down down", "up up unknown up down"),
        ("up down down down unknown down", "up up up down unknown down"),
        ("up down down down unknown up up", "up up up down unknown down up"),
        ("unknown up", "unknown up"),
        ("up degraded degraded degraded degraded up up", "up up up degraded degraded degraded up"),
        ("up down down down down up up", "up up up down down down up"),
        ("up up down down down", "up up up up down"),
        ("down up down down", "unknown up up up"),
        ("up down down down up down up up", "up up up down down down down up"),
        ("up degraded degraded degraded up down up", "up up up degraded degraded degraded degraded"),
        (
            "up degraded degraded degraded down up down down",
            "up up up degraded degraded degraded degraded degraded",
        ),
        ("up degraded degraded degraded down down down", "up up up degraded degraded degraded down"),
    ],
)
def test_checks_are_counted(findings: str, states: str) -> None:
    assert through(findings.split(), THRICE) == states.split()


FINDINGS = st.lists(st.sampled_from(STATUSES), max_size=80)
PATIENCE = st.builds(Patience, st.integers(1, 5), st.integers(1, 5), st.integers(2, 20))


@given(FINDINGS, PATIENCE)
def test_down_needs_as_many_failing_checks_in_a_row_as_the_grace_says(findings: list[str], patience: Patience) -> None:
    states = ["unknown", *through(findings, patience)]
    for at, (before, after) in enumerate(pairwise(states)):
        if after != "down" or before in ("down", "unknown"):
            continue
        known = [found for found in findings[: at + 1] if found != "unknown"]
        assert all(found in ("down", "degraded") for found in known[-patience.grace :])
        assert len(known) >= patience.grace


@given(FINDINGS, PATIENCE)
def test_who_cannot_look_never_says_down_or_up(findings: list[str], patience: Patience) -> None:
    for found, status in zip(findings, through(findings, patience), strict=True):
        if found == "unknown":
            assert status == "unknown"


@given(FINDINGS, PATIENCE)
def test_enough_good_checks_end_every_trouble(findings: list[str], patience: Patience) -> None:
    assert through([*findings, *["up"] * patience.recover], patience)[-1] == "up"


@given(FINDINGS, FINDINGS, PATIENCE)
def test_what_could_not_be_looked_at_changes_no_later_state(a: list[str], b: list[str], patience: Patience) -> None:
    blind = [*a, "unknown", "unknown", *b, "up"]
    seeing = [*a, *b, "up"]
    assert through(blind, patience)[-1] == through(seeing, patience)[-1]


@given(FINDINGS, PATIENCE)
def test_a_change_is_told_exactly_when_the_state_changes(findings: list[str], patience: Patience) -> None:
    now = Standing()
    for at, found in enumerate(findings, 1):
        after, change, reason = step(now, Found(found), patience, at)
        assert (change is not None) == (after.state is not now.state)
        assert after.since == (at if change is not None else now.since or at)
        assert reason
        now = after


def test_a_service_that_comes_and_goes_is_called_flapping_until_it_settles() -> None:
    now, flapping = Standing(), []
    for at in range(60):
        found = Found.UP if at % 2 or at > 20 else Found.DOWN
        now, _, _ = step(now, found, Patience(flapping=6), at)
        flapping.append(now.flapping)
    assert not any(flapping[:6])
    assert flapping[6]
    assert flapping[20]
    # Of its last twenty findings three differed from the one before until the 38th, which is half of what began it.
    assert (flapping[38], flapping[39]) == (True, False)
    assert not flapping[-1]
    assert now.turns.bit_length() <= REMEMBERED


def test_why_it_is_so_is_said_with_how_often() -> None:
    once = step(standing(State.UP), Found.DOWN, ONCE, NOW)[2]
    thrice = step(standing(State.UP, worse=2), Found.DOWN, THRICE, NOW)[2]
    assert (once, thrice) == ("it is down", "down 3 times in a row")
    assert step(standing(State.UP, worse=1), Found.DOWN, THRICE, NOW)[2] == "down 2 of 3 times, still up"


def test_who_cannot_look_now_and_then_finds_nothing_that_comes_and_goes() -> None:
    now = Standing()
    for at in range(60):
        now, _, _ = step(now, Found.UNKNOWN if at % 2 else Found.UP, Patience(flapping=6), at)
        assert not now.flapping
    assert (now.turns, now.last) == (0, "up")


def test_the_diagram_names_every_state() -> None:
    assert all(f" {state} " in diagram() for state in State)
