"""The watchman says once that the hub is silent, once that it is back, and tries until somebody takes it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.watchman import Cry, Watchman


def test_it_speaks_when_no_receipt_came_for_longer_than_the_limit() -> None:
    watchman = Watchman(600, chance=0.0, now=0.0)

    assert watchman.due(100.0, 700.0) is None
    assert watchman.due(100.0, 701.0) == Cry("silent", 100.0)


def test_a_hub_that_was_never_heard_is_silent_since_the_start() -> None:
    assert Watchman(600, chance=0.0, now=50.0).due(None, 651.0) == Cry("silent", 50.0)


def test_several_watchmen_do_not_all_speak_at_once() -> None:
    assert Watchman(600, chance=0.5, now=0.0).due(None, 650.0) is None
    assert Watchman(600, chance=0.5, now=0.0).due(None, 661.0) is not None


def test_what_was_said_is_not_said_again_and_the_return_is_told_to_whoever_heard_of_the_silence() -> None:
    watchman = Watchman(600, chance=0.0, now=0.0)
    watchman.said(Cry("silent", 100.0))

    assert watchman.due(100.0, 5000.0) is None
    assert watchman.due(5001.0, 5002.0) == Cry("back", 100.0)
    watchman.said(Cry("back", 100.0))
    assert watchman.due(5001.0, 5003.0) is None


def test_a_hub_that_is_back_before_anybody_was_told_is_not_worth_a_word() -> None:
    watchman = Watchman(600, chance=0.0, now=0.0)
    watchman.failed(701.0)

    assert watchman.due(705.0, 720.0) is None


def test_what_nobody_took_is_tried_again_ever_less_often() -> None:
    watchman = Watchman(600, chance=1.0, now=0.0)
    waits = [watchman.failed(1000.0) for _ in range(8)]

    assert waits == [5, 10, 20, 40, 80, 160, 300, 300]
    assert watchman.due(None, 1299.0) is None
    assert watchman.due(None, 1300.0) == Cry("silent", 0.0)


STEPS = st.lists(st.tuples(st.floats(0.1, 900), st.booleans(), st.booleans()), max_size=40)


@given(STEPS)
def test_silence_and_return_take_turns_in_every_history(steps: list[tuple[float, bool, bool]]) -> None:
    watchman, now, heard = Watchman(600, chance=0.3, now=0.0), 0.0, None
    said: list[str] = []
    for pause, receipt, taken in steps:
        now += pause
        heard = now if receipt else heard
        cry = watchman.due(heard, now)
        if cry is not None and taken:
            watchman.said(cry)
            said.append(cry.state)
        elif cry is not None:
            watchman.failed(now)
    assert said == ["silent", "back"] * (len(said) // 2) + ["silent"] * (len(said) % 2)
