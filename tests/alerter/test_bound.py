"""What is bound to layouts is shared, and kept in bounded memory however many instances are made up."""

from __future__ import annotations

import random

import pytest

from alerter import bound as bounds
from alerter.bound import bound
from alerter.rules import in_force
from tests.alerter.given import World

RULES = in_force((), (), defaults=True)


def test_hosts_of_one_layout_share_what_is_bound_to_it() -> None:
    names = ("disk[/].percent", "memory.percent")
    assert bound(RULES, names) is bound(RULES, tuple(names))
    assert bound(RULES[:1], names) is not bound(RULES, names)


def test_instances_that_are_made_up_take_bounded_memory_and_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_CELLS", 3000)
    bounds._kept.clear()
    monkeypatch.setattr(bounds, "_weight", 0)
    world, chance = World(*RULES), random.Random(1)
    names = [f"disk[/mnt/{number}].percent" for number in range(500)]
    for turn in range(40):
        chance.shuffle(names)
        world.sample(10.0 * turn, "bad", dict.fromkeys(names, 99.0 if turn > 5 else 50.0))
        world.says(10.0 * turn, "web-1", root=50.0)
        assert bounds._weight == sum(map(bounds._size, bounds._kept.values())) <= 3000
    assert len({one.instance for one in world.decisions if str(one.change) == "fired"}) == 500
