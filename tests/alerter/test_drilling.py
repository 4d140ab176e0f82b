"""Drills: one at a time, over when nobody ends them, held on a schedule, and missed ones are an alarm."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from alerter.channels.webhook import Webhook
from alerter.config import Maintenance
from alerter.drilling import AGAIN, BREACH, LONGEST, PATIENCE, Drills, held
from alerter.holding import Holding
from alerter.incidents import Hold
from alerter.memory import Memory
from alerter.notices import decide
from alerter.routes import Notify, routes
from alerter.rules import in_force
from bus.messages import DRILL
from tests.alerter.given import World, at, committer
from tests.alerter.shapes import burning
from tests.alerter.stair import Alerter

DAILY = Notify(drill_channel="ops", drill_seconds=86_400.0)


class Hands:
    """Remembers what was submitted."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], Any]] = []

    def submit(self, call: Callable[[], Any], done: Callable[[Any], None]) -> None:
        self.calls.append(call)


def drills(
    world: World,
    memory: Memory,
    notify: Notify,
    hands: Hands,
    now: float = 0.0,
    quiet: Callable[[int], bool] | None = None,
) -> Drills:
    room, _, _ = committer(world, memory)
    log = logging.getLogger("guardia.test")
    more = {"quiet": quiet} if quiet else {}
    return Drills(world.judge, room, memory, ("ops",), notify, hands, Path("guardia.toml"), log, now=at(now), **more)


def breach(world: World, seconds: float, value: float) -> None:
    world.sample(seconds, DRILL, {"drill.breach": value})


def test_only_the_drills_own_rule_judges_it_and_only_while_it_lasts(memory: Memory) -> None:
    world = World(*in_force([]))
    kept = drills(world, memory, Notify(), Hands())
    world.settled_elsewhere = False
    breach(world, 0, 1)
    assert world.told() == []

    assert kept.begin("ops", at(1)) == ""
    assert "under way" in kept.begin("ops", at(2))
    assert "there is no channel opps; did you mean ops?" in kept.begin("opps", at(2))
    breach(world, 3, 1)
    breach(world, 4, 0)
    kept.end(at(5), passed=True)
    breach(world, 6, 1)
    world.passes(1000)
    assert world.told() == [(3.0, "fired"), (4.0, "resolved")]
    incident = world.decisions[0].incident
    assert incident is not None
    assert (incident.channels, incident.severity) == (("ops",), "info")


def test_a_drill_is_told_to_its_channel_alone_as_a_drill_and_goes_no_further() -> None:
    channels = {"ops": Webhook(url="http://x.example/", severity="critical"), "boss": Webhook(url="http://y.example/")}
    ways = routes(Notify(reminder=60.0), channels)
    incident = burning(subject=DRILL, kind="hub", severity="info", channels=("ops",))
    assert [(one.about, one.channel) for one in decide(incident, (), {}, ways, at(0)).intents] == [("drill", "ops")]
    held_back = decide(incident, (Hold("silence", "silenced by anna", None),), {}, ways, at(0))
    assert held_back.intents == ()


def test_a_drill_that_nobody_ends_is_over_by_itself_and_what_it_made_burn_too(memory: Memory) -> None:
    world = World(*in_force([]))
    kept = drills(world, memory, Notify(), Hands())
    kept.begin("ops", at(0))
    breach(world, 1, 1)
    kept.look(at(2))
    assert len(world.judge.decider.open) == 1
    kept.look(at(0) + LONGEST)
    assert world.judge.decider.open == {}
    assert kept.begin("ops", at(400)) == ""


def test_a_drill_is_held_when_it_is_due_and_tried_again_when_it_failed(memory: Memory) -> None:
    world, hands = World(*in_force([])), Hands()
    kept = drills(world, memory, DAILY, hands)
    day = 86_400
    kept.look(at(day - 1))
    assert hands.calls == []
    kept.look(at(day))
    kept.look(at(day + 15))
    assert len(hands.calls) == 1
    kept.look(at(day) + AGAIN)
    assert len(hands.calls) == 2
    kept.begin("ops", at(day + 700))
    kept.end(at(day + 705), passed=True)
    kept.look(at(2 * day))
    assert len(hands.calls) == 2

    # What passed is known to the next life.
    later = drills(world, memory, DAILY, hands, now=3 * day)
    assert later.overdue(at(3 * day + 705 + PATIENCE)) == pytest.approx(day)


def test_a_drill_that_passed_while_the_clock_was_ahead_is_due_and_missed_as_ever(memory: Memory) -> None:
    world, hands, day = World(*in_force([])), Hands(), 86_400
    kept = drills(world, memory, DAILY, hands)
    kept.look(at(30 * day))
    kept.begin("ops", at(30 * day))
    kept.end(at(30 * day + 5), passed=True)
    kept.look(at(100))
    kept.look(at(day + 99))
    assert len(hands.calls) == 1
    kept.look(at(day + 100))
    assert len(hands.calls) == 2
    assert kept.overdue(at(2 * day + 100 + PATIENCE)) == pytest.approx(day)


def test_a_drill_that_nobody_would_be_told_of_is_held_afterwards_and_missed_no_sooner(memory: Memory) -> None:
    world, hands, day = World(*in_force([])), Hands(), 86_400
    window = Maintenance(name="night", start="00:00", lasts=7200.0)  # the day begins at noon there
    holding = Holding([window])

    def quiet(now: int) -> bool:
        return bool(holding.held([BREACH], world.judge, now)[BREACH.id])

    kept = drills(world, memory, DAILY, hands, quiet=quiet)
    kept.begin("ops", at(day / 2))
    kept.end(at(day / 2 + 5), passed=True)
    due, open_again = 1.5 * day + 5, 1.5 * day + 7200
    for seconds in range(int(due), int(open_again), 15):
        kept.look(at(seconds))
        assert kept.overdue(at(seconds)) == 0.0
    assert hands.calls == []
    kept.look(at(open_again))
    assert len(hands.calls) == 1
    assert kept.overdue(at(open_again + PATIENCE - 16)) == 0.0
    assert kept.overdue(at(open_again + PATIENCE)) == pytest.approx(7195.0)


def test_a_drill_that_came_due_while_the_hub_was_off_is_missed_when_it_had_time(memory: Memory) -> None:
    day = 86_400
    drills(World(*in_force([])), memory, DAILY, Hands())
    later = drills(World(*in_force([])), memory, DAILY, Hands(), now=3.0 * day)
    assert later.overdue(at(3 * day + PATIENCE - 1)) == 0.0
    assert later.overdue(at(3 * day + PATIENCE)) == pytest.approx(2.0 * day)


def test_a_drill_that_came_due_by_a_leap_of_the_clock_is_held_then_and_missed_no_sooner(memory: Memory) -> None:
    hands, day = Hands(), 86_400
    with closing(Alerter(memory, in_force([]))) as alerter:
        kept = drills(alerter.world, memory, DAILY, hands)
        alerter.leapt = kept.excuse
        alerter.pulse(60)
        alerter.set_clock(2 * day)
        alerter.pulse(leap := 2 * day + 61)
        assert kept.overdue(at(leap)) == 0.0
        kept.look(at(leap))
        assert len(hands.calls) == 1
        assert kept.overdue(at(leap + PATIENCE)) > 0


def test_a_missed_drill_is_an_alarm(memory: Memory) -> None:
    world = World(*in_force([]))
    kept = drills(world, memory, DAILY, Hands())
    world.settled_elsewhere = False
    assert drills(world, memory, Notify(), Hands()).overdue(at(10**6)) == 0.0
    world.settled_elsewhere = False
    for seconds in (100, 86_400 + PATIENCE + 1):
        world.sample(seconds, "guardia.alerter", kept.vitals(at(seconds)))
    kept.begin("ops", at(87_400))
    kept.end(at(87_410), passed=True)
    world.sample(87_420, "guardia.alerter", kept.vitals(at(87_420)))
    missed = [str(one.change) for one in world.decisions if one.rule == "drill-missed" and one.change]
    assert missed == ["fired", "resolved"]


def test_what_the_drills_own_process_says_is_told() -> None:
    assert held(["/bin/true"]) == ""
    assert held(["/bin/sh", "-c", "echo nobody is told >&2; exit 1"]) == "nobody is told"
    assert held(["/bin/false"]) == "exit code 1"


def test_a_drill_that_takes_too_long_ends_what_it_started(tmp_path: Path) -> None:
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    script = (
        "import pathlib, sys, time\n"
        "try:\n"
        "    pathlib.Path(sys.argv[1]).touch()\n"
        "    time.sleep(60)\n"
        "finally:\n"
        "    pathlib.Path(sys.argv[2]).touch()\n"
    )
    seconds = 0.2
    while not begun.exists():  # it is loaded later on a busy machine
        seconds *= 2
        said = held([sys.executable, "-c", script, str(begun), str(ended)], seconds)
        assert said == f"it was not done within {seconds:g} s"
    assert ended.exists()
