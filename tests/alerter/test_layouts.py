"""Names that a host invents do not fill the alerter, and those of others stay known."""

from __future__ import annotations

import random

from alerter.layouts import ITSELF, LETTERS, Layouts, weight


def test_invented_layouts_are_forgotten_and_those_announced_each_minute_stay() -> None:
    layouts = Layouts(most=1500)
    for second in range(86_400):
        if second % 60 == 0:
            layouts.learn(1, ("cpu.percent", "memory.percent"))
        layouts.learn(second + 2, tuple(f"invented.{second}.{place}" for place in range(10)))
        assert 1 in layouts
    assert layouts.get(1) == ("cpu.percent", "memory.percent")
    assert len(layouts) <= 101
    assert layouts.get(2) is None


def test_a_layout_larger_than_all_that_is_kept_is_known_while_it_is_the_last() -> None:
    layouts = Layouts(most=3)
    layouts.learn(1, ("a",))
    layouts.learn(2, ("a", "b", "c", "d"))
    assert (1 in layouts, 2 in layouts, len(layouts)) == (False, True, 1)
    layouts.learn(3, ("e",))
    assert (2 in layouts, 3 in layouts) == (False, True)


def test_one_announced_again_counts_once() -> None:
    layouts = Layouts(most=3 + 2 * ITSELF)
    for _ in range(10):
        layouts.learn(1, ("a", "b"))
    layouts.learn(2, ("c",))
    assert (1 in layouts, 2 in layouts) == (True, True)


def test_whoever_announces_most_loses_first_and_is_counted() -> None:
    layouts = Layouts(most=1000)
    for host in range(10):
        layouts.learn(host, tuple(f"cpu.{host}_{place}" for place in range(50)), f"web-{host}")
    for number in range(100, 1100):
        layouts.learn(number, tuple(f"invented.{number}_{place}" for place in range(10)), "bad")
        assert all(host in layouts for host in range(10))
    assert set(layouts.forgotten) == {"bad"}
    assert layouts.forgotten["bad"] >= 940
    assert 1099 in layouts


def test_a_layout_that_many_announce_is_not_forgotten_with_those_of_one() -> None:
    layouts = Layouts(most=100)
    shared = ("cpu.percent", "memory.percent")
    layouts.learn(1, shared, "bad")
    for number in range(2, 100):
        layouts.learn(number, tuple(f"invented.{number}_{place}" for place in range(10)), "bad")
        if number == 3:
            layouts.learn(1, shared, "web-1")
            layouts.learn(1, shared, "bad")
    assert layouts.get(1) == shared


def test_what_the_store_told_of_is_its_producers_once_it_announces_it() -> None:
    layouts = Layouts(most=100)
    layouts.learn(1, ("cpu.percent",))
    layouts.learn(1, ("cpu.percent",), "web-1")
    for number in range(2, 100):
        layouts.learn(number, tuple(f"old.{number}_{place}" for place in range(10)))
    assert 1 in layouts
    assert set(layouts.forgotten) == {""}


def test_the_account_is_right_whatever_is_learnt_in_whatever_order() -> None:
    layouts, chance = Layouts(most=200), random.Random(1)
    for _ in range(5000):
        number = chance.randrange(60)
        layouts.learn(number, ("a.b",) * (number + 1), chance.choice(("a", "b", "c", "")))
        kept = {one: names for one in range(60) if (names := layouts.get(one))}
        assert len(layouts) == len(kept)
        assert layouts._weight == sum(map(weight, kept.values())) <= 200
        assert layouts._weight == layouts._taken.total()
        assert number in layouts


def test_many_layouts_of_one_name_take_no_more_than_few_of_many_nor_do_long_names() -> None:
    for names in (("cpu.percent",), ("cpu.percent",) * 50, ("n" * 10 * LETTERS,)):
        layouts = Layouts(most=1000)
        for number in range(1000):
            layouts.learn(number, names)
        assert 900 - weight(names) < len(layouts) * weight(names) <= 1000
    assert (weight(()), weight(("a",)), weight(("n" * 10 * LETTERS,))) == (ITSELF, ITSELF + 1, ITSELF + 11)
