"""Names that a host invents do not fill the alerter, and those of others stay known."""

from __future__ import annotations

from alerter.layouts import Layouts


def test_invented_layouts_are_forgotten_and_those_announced_each_minute_stay() -> None:
    layouts = Layouts(most_names=1000)
    for second in range(86_400):
        if second % 60 == 0:
            layouts.learn(1, ("cpu.percent", "memory.percent"))
        layouts.learn(second + 2, tuple(f"invented.{second}.{place}" for place in range(10)))
        assert 1 in layouts
    assert layouts.get(1) == ("cpu.percent", "memory.percent")
    assert len(layouts) <= 101
    assert layouts.get(2) is None


def test_a_layout_larger_than_all_that_is_kept_is_known_while_it_is_the_last() -> None:
    layouts = Layouts(most_names=3)
    layouts.learn(1, ("a",))
    layouts.learn(2, ("a", "b", "c", "d"))
    assert (1 in layouts, 2 in layouts, len(layouts)) == (False, True, 1)
    layouts.learn(3, ("e",))
    assert (2 in layouts, 3 in layouts) == (False, True)


def test_one_announced_again_counts_once() -> None:
    layouts = Layouts(most_names=3)
    for _ in range(10):
        layouts.learn(1, ("a", "b"))
    layouts.learn(2, ("c",))
    assert (1 in layouts, 2 in layouts) == (True, True)
