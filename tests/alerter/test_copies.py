"""Programs of the hub of which several run: who is missed, and who is not to run any more."""

from __future__ import annotations

from tests.alerter.given import World, rule


def workers(world: World, seconds: float, *places: int, of: int) -> None:
    """The workers of the api at these places tell their vitals, ``of`` so many there are to be."""
    for place in places:
        world.sample(seconds, f"guardia.api-{place}", {"process.cpu_percent": 1.0, "program.copies": float(of)})


def test_a_program_of_which_fewer_are_to_run_is_missed_no_longer() -> None:
    world = World(rule("age > 60s", name="room-unwell", rooms=("guardia.*",)))
    workers(world, 0, 1, 2, 3, of=3)
    for seconds in range(10, 300, 10):
        workers(world, seconds, 1, 2, of=2)
    assert world.told() == []
    assert judged(world, "guardia.api-3") == []
    assert judged(world, "guardia.api-2") == ["room-unwell"]


def test_an_alarm_on_a_program_ends_when_its_kind_says_that_it_is_not_to_run() -> None:
    world = World(rule("age > 60s", name="room-unwell", rooms=("guardia.*",)))
    workers(world, 0, 1, 2, 3, of=3)
    for seconds in range(10, 100, 10):
        workers(world, seconds, 1, 2, of=3)
    assert world.told() == [(61, "fired")]
    workers(world, 100, 1, of=2)
    assert world.told() == [(61, "fired"), (100, "resolved")]
    assert world.decisions[-1].text == "the program is gone"


def test_a_program_that_is_to_run_again_is_given_time_to_be_heard() -> None:
    world = World(rule("age > 60s", name="room-unwell", rooms=("guardia.*",)))
    workers(world, 0, 1, 2, of=2)
    for seconds in range(10, 1000, 10):
        workers(world, seconds, 1, of=1)
    for seconds in range(1000, 1040, 10):
        workers(world, seconds, 1, of=2)
    assert world.told() == []
    for seconds in range(1040, 1100, 10):
        workers(world, seconds, 1, of=2)
    assert world.told() == [(1061, "fired")], "it never came"


def judged(world: World, name: str) -> list[str]:
    """The rules that are judged for a program of the hub."""
    return [one.name for one in world.judge.subjects["hub", name].rules]
