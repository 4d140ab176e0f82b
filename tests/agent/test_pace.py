"""When something is read next."""

from __future__ import annotations

from agent.pace import LONGEST, Pace

NOON = 43_200.0


def running(seconds: float = 10.0, cost: float = 0.001, share: float = 0.005) -> Pace:
    """A pace that has been going for a while; its next reading begins at noon."""
    pace = Pace(seconds, share)
    for _ in range(3):
        pace.succeeded(cost)
    pace.began(NOON)
    return pace


def test_the_second_reading_is_due_at_once_since_rates_need_two() -> None:
    pace = Pace(10, 0.005)
    pace.began(NOON)
    pace.succeeded(0.001)
    assert pace.due(NOON + 0.25)
    pace.began(NOON + 0.25)
    assert not pace.due(NOON + 1)


def test_a_reading_is_due_one_pace_later_even_if_the_turn_is_a_little_early() -> None:
    pace = running()
    assert not pace.due(NOON + 9)
    assert pace.due(NOON + 9.99)


def test_what_costs_more_than_its_budget_is_read_less_often() -> None:
    pace = running(cost=0.5, share=0.005)
    assert pace.slowed
    assert pace.seconds == 100.0


def test_the_first_reading_opens_files_and_is_not_held_against_it() -> None:
    pace = Pace(10, 0.005)
    pace.succeeded(5.0)
    pace.succeeded(0.001)
    assert not pace.slowed


def test_it_is_read_as_asked_again_when_it_has_become_cheap() -> None:
    pace = running(cost=0.5)
    for _ in range(30):
        pace.succeeded(0.001)
    assert not pace.slowed
    assert pace.seconds == 10.0


def test_around_its_budget_it_does_not_go_to_and_fro() -> None:
    pace = running(cost=0.06)
    changes = 0
    for n in range(40):
        before = pace.slowed
        pace.succeeded(0.045 if n % 2 else 0.06)
        changes += before != pace.slowed
    assert changes == 0


def test_a_failure_is_told_once_and_tried_ever_less_often() -> None:
    pace = running(seconds=1.0)
    waits = []
    now = NOON
    for n in range(12):
        assert pace.failed(now) == (n == 0)
        wait = next(step / 10 for step in range(10_000) if pace.due(now + step / 10))
        waits.append(wait)
        now += wait
    assert waits[0] < 3
    assert waits == sorted(waits)
    assert LONGEST * 0.9 < waits[-1] <= LONGEST


def test_recovery_is_told_once() -> None:
    pace = running()
    pace.failed(NOON)
    assert pace.succeeded(0.001)
    assert not pace.succeeded(0.001)
