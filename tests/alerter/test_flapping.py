"""An alarm that comes and goes: it is one until it is steady, and told as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from alerter.holding import Holding
from alerter.subjects import STEADY
from alerter.why import why
from bus.judging import Why
from bus.messages import DRILL
from bus.tables import Host
from tests.alerter.given import SECOND, World, at, committer, rule
from tests.alerter.lives import Life
from tests.alerter.rooms import Friend, Room

BUSY = rule("cpu.percent > 90")
CALM = STEADY // SECOND


def flapping(world: World, turns: int) -> float:
    """web-1 is busy every other ten seconds, for so many times; when it was the last time."""
    for turn in range(turns):
        world.says(turn * 20, cpu=95)
        world.says(turn * 20 + 10, cpu=5)
    return turns * 20 - 10


def test_an_alarm_that_comes_and_goes_is_called_flapping_and_is_one_until_it_is_steady() -> None:
    world = World(BUSY)
    last = flapping(world, 10)
    fired = [one.incident for one in world.decisions if one.change == "fired"]
    assert [one.flapping for one in fired if one] == [False] * 4 + [True]
    assert fired[-1] is not None
    assert "it fired 5 times within the last hour, and ends once it is clear for 15m" in fired[-1].reason
    world.says(last + CALM - 1, cpu=5)
    assert len(world.told()) == 9
    world.says(last + CALM, cpu=5)
    assert world.told()[-1] == (last + CALM, "resolved")


def test_a_rule_that_waits_for_longer_than_that_is_waited_for() -> None:
    world = World(rule("cpu.percent > 90", clear_for=1200.0))
    world.judge.decider.flapping_count = 2
    for seconds in (0, 1300):
        world.says(seconds, cpu=95)
        world.says(seconds + 10, cpu=5)
        world.says(seconds + 10 + CALM, cpu=5)
        world.says(seconds + 1210, cpu=5)
    assert [when for when, what in world.told() if what == "resolved"] == [1210, 2510]
    assert world.decisions[-1].incident is not None
    assert world.decisions[-1].incident.flapping


def test_who_is_silent_now_and_then_is_silent_until_it_is_heard_steadily() -> None:
    world = World(rule("age > 30s"))
    world.judge.decider.flapping_count = 2
    for seconds in (0, 60, *range(120, 1200, 10)):
        world.says(seconds)
    assert world.told() == [(31, "fired"), (60, "resolved"), (91, "fired"), (120 + CALM, "resolved")]


def test_where_nothing_is_heard_it_ends_with_its_time_all_the_same() -> None:
    world = World(rule("age > 20m"))
    world.judge.decider.flapping_count = 2
    for seconds in (0, 1300, 2600, 3700):
        world.says(seconds)
    assert world.told() == [(1201, "fired"), (1300, "resolved"), (2501, "fired"), (2600 + CALM, "resolved")]


def test_drills_that_follow_one_another_are_no_flapping() -> None:
    world = World()
    world.judge.decider.flapping_count = 2
    world.judge.drill(replace(rule("cpu.percent > 90"), kind="hub", drill=True), at(-10))
    for seconds in (0, 20):
        world.says(seconds, DRILL, cpu=95)
        world.says(seconds + 10, DRILL, cpu=5)
    assert [what for _, what in world.told()] == ["fired", "resolved"] * 2


def test_a_night_of_it_is_told_in_few_words_and_why_tells_all(rooms: Callable[..., Room]) -> None:
    ops, world = Friend(), World(BUSY)
    room = rooms({"ops": ops})
    settling, _, _ = committer(world, room.memory, room.speaker)
    for minute in range(60):
        for seconds, cpu in ((0, 95), (30, 5)):
            room.now = at(minute * 60 + seconds)
            world.says(minute * 60 + seconds, cpu=cpu)
            settling.settle(room.now)
    room.quiet()
    assert [about for about, _ in ops.texts()] == ["alarm", "recovery"] * 4 + ["alarm"]
    with room.memory.reading() as view:
        (chain,) = why(Why("host/web-1"), world.judge, view, {}, at(3580)).chains
    assert "clear for 10s of 15m" in chain.text
    assert len([step for step in chain.steps if step.verdict == "clearing"]) > 8


def test_what_comes_and_goes_does_so_over_a_restart(life: Life) -> None:
    one = life(BUSY)
    one.starts()
    for turn in range(6):
        one.says(turn * 20, 95)
        one.says(turn * 20 + 10, 5)
    again = life(BUSY, now=120.0)
    again.starts()
    again.says(130, 5)
    assert again.world.judge.decider.open
    again.says(110 + CALM, 5)
    assert not again.world.judge.decider.open


@pytest.mark.parametrize(("seconds", "held"), [(90, True), (129, True), (131, False)])
def test_the_children_of_one_that_comes_and_goes_have_their_time_to_follow_and_no_more(
    seconds: float, held: bool
) -> None:
    silent = rule("age > 30s", name="silent", unreachable=True)
    world = World(BUSY, silent, hosts=[Host(name="gw"), Host(name="web-1", parent="gw")])
    world.judge.decider.flapping_count = 2
    for when in (0, 31):
        world.says(when, "gw")
    world.passes(62)
    world.says(70, "gw")
    for when in range(70, int(seconds), 5):
        world.says(when, "gw")
        world.says(when, cpu=95)
    child = next(one for one in world.judge.decider.open.values() if one.subject == "web-1")
    found = Holding(settle=60 * SECOND).held([child], world.judge, at(seconds))
    assert bool(found[child.id]) is held
