"""Of new names there is an allowance, in memory that is bounded, and what is told again and again is free."""

from __future__ import annotations

import random

from collector.novelty import DAY_SECONDS, REMEMBERED, Novelty


def admitted(told: Novelty, names: list[str], now: float) -> int:
    """How many of these pass, told one by one."""
    return sum(told.take((name,), now) for name in names)


def test_so_many_new_names_pass_and_no_more_until_time_has_passed() -> None:
    told = Novelty(100, 0.0)
    assert admitted(told, [f"a.{number}" for number in range(1000)], 0.0) == 100
    assert admitted(told, [f"b.{number}" for number in range(1000)], DAY_SECONDS / 2) == 50
    assert admitted(told, [f"c.{number}" for number in range(1000)], 100 * DAY_SECONDS) == 100


def test_what_was_told_costs_nothing_however_often_it_is_told() -> None:
    told = Novelty(100, 0.0)
    names = [f"a.{number}" for number in range(100)]
    for hour in range(24 * 30):
        assert told.take(names, hour * 3600.0)
    assert admitted(told, names, 30 * DAY_SECONDS) == 100


def test_what_was_refused_is_not_known_and_costs_when_there_is_an_allowance() -> None:
    told = Novelty(2, 0.0)
    assert told.take(("a", "b"), 0.0)
    assert not told.take(("a", "c"), 1.0)
    assert not told.take(("c",), 1.0)
    assert told.take(("c",), DAY_SECONDS)
    assert told.take(("a", "b", "c"), DAY_SECONDS)


def test_more_names_at_once_than_there_may_be_pass_and_are_owed() -> None:
    told = Novelty(100, 0.0)
    assert told.take([f"a.{number}" for number in range(500)], 0.0)
    assert not told.take(("b",), 3.9 * DAY_SECONDS)
    assert told.take(("b",), 4.1 * DAY_SECONDS)


def test_who_names_as_much_as_it_may_for_a_year_takes_no_more_memory() -> None:
    told, chance = Novelty(50, 0.0), random.Random(1)
    passed = 0
    for hour in range(365 * 24):
        names = [f"{chance.random()}" for _ in range(20)]
        passed += admitted(told, names, hour * 3600.0)
        assert len(told._lately) + len(told._before) <= 2 * (REMEMBERED * 50 + 20)
    assert 364 * 50 <= passed <= 366 * 50


def test_what_is_named_within_two_days_is_remembered() -> None:
    told = Novelty(10, 0.0)
    assert told.take(("a",), 0.0)
    told.take([f"b.{number}" for number in range(10)], DAY_SECONDS)
    assert told.take(("a",), 1.5 * DAY_SECONDS)
    assert not told.take(("c",), DAY_SECONDS)


def test_all_that_was_named_is_paid_for_with_time() -> None:
    told = Novelty(10, 0.0)
    assert told.is_paid(0.0)
    assert told.take(("a", "b"), 0.0)
    assert not told.is_paid(1.0)
    assert told.is_paid(DAY_SECONDS / 5 + 1)
