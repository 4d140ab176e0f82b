"""The hub's clock is set: nobody is silent for that, and no wait is over, begins anew or never ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerter.jumps import jumped, moved
from alerter.leaving import forget
from alerter.machine import Alarm, State
from alerter.memory import Memory
from alerter.rules import in_force
from alerter.windows import Window
from bus.messages import Loss
from bus.tables import Host
from tests.alerter.given import SECOND, World, at, rule
from tests.alerter.stair import Alerter

DAY = 86_400.0
WEEK = 7 * 86_400 * SECOND
RULES = (
    rule("age > 30s", name="silent"),
    rule("cpu.percent > 90", name="busy", for_=20.0, clear="cpu.percent < 80", clear_for=20.0),
)


@pytest.fixture
def alerter(tmp_path: Path) -> Iterator[Alerter]:
    memory = Memory(tmp_path / "alerter")
    made = Alerter(memory, RULES)
    yield made
    made.close()
    memory.close()


def lives(alerter: Alerter, seconds: int, cpu: float = 10.0, hosts: tuple[str, ...] = ("web-1", "web-2")) -> None:
    """Each second all of these say something."""
    for _ in range(seconds):
        alerter.now += 1
        for host in hosts:
            alerter.stair.says(alerter.now, host, cpu=cpu)
        alerter.pulse(alerter.now)


@pytest.mark.parametrize("by", [DAY, -DAY, 3600.0, -3600.0, 5.0, -5.0])
def test_nobody_is_silent_because_the_clock_was_set(alerter: Alerter, by: float) -> None:
    lives(alerter, 5)
    alerter.set_clock(by)
    # What comes is read at once, before time is looked at again.
    alerter.stair.says(alerter.now)
    alerter.listening.drain()
    lives(alerter, 5)
    assert alerter.speaker.spoken == []


def test_what_was_received_by_the_clock_that_was_wrong_and_is_read_by_the_right_one_makes_nobody_silent(
    alerter: Alerter,
) -> None:
    lives(alerter, 5)
    alerter.set_clock(DAY)
    alerter.stair.says(alerter.now)
    alerter.set_clock(-DAY)
    lives(alerter, 5)
    assert alerter.speaker.spoken == []


@pytest.mark.parametrize("by", [DAY, -DAY, 5.0, -5.0])
def test_a_silent_host_is_found_as_soon_after_the_clock_was_set_as_ever(alerter: Alerter, by: float) -> None:
    lives(alerter, 5)
    alerter.set_clock(by)
    lives(alerter, 29, hosts=("web-2",))
    assert alerter.speaker.spoken == []
    lives(alerter, 5, hosts=("web-2",))
    assert alerter.speaker.spoken == [("web-1", "firing")]


def test_a_moment_of_a_clock_that_was_far_ahead_leaves_nothing_behind(alerter: Alerter) -> None:
    lives(alerter, 5)
    alerter.set_clock(DAY)
    lives(alerter, 5)
    alerter.set_clock(-DAY)
    lives(alerter, 25, cpu=99.0, hosts=("web-1",))
    assert alerter.speaker.spoken == [("web-1", "firing")]
    lives(alerter, 25, hosts=("web-1",))
    assert alerter.speaker.spoken == [("web-1", "firing"), ("web-2", "firing"), ("web-1", "resolved")]
    assert alerter.committer.judged <= at(alerter.now)


@pytest.mark.parametrize("by", [DAY, -DAY, 15.0, -15.0])
def test_what_has_to_hold_for_a_while_has_to_hold_for_as_long_when_the_clock_is_set(
    alerter: Alerter, by: float
) -> None:
    lives(alerter, 10, cpu=99.0, hosts=("web-1",))
    alerter.set_clock(by)
    lives(alerter, 9, cpu=99.0, hosts=("web-1",))
    assert alerter.speaker.spoken == []
    lives(alerter, 3, cpu=99.0, hosts=("web-1",))
    assert alerter.speaker.spoken == [("web-1", "firing")]

    lives(alerter, 10, hosts=("web-1",))
    alerter.set_clock(by)
    lives(alerter, 9, hosts=("web-1",))
    assert alerter.speaker.spoken == [("web-1", "firing")]
    lives(alerter, 3, hosts=("web-1",))
    assert alerter.speaker.spoken == [("web-1", "firing"), ("web-1", "resolved")]


@pytest.mark.parametrize("by", [DAY, -DAY])
def test_a_silent_host_does_not_recover_because_the_clock_was_set(alerter: Alerter, by: float) -> None:
    lives(alerter, 5)
    lives(alerter, 35, hosts=("web-2",))
    assert alerter.speaker.spoken == [("web-1", "firing")]
    alerter.set_clock(by)
    lives(alerter, 40, hosts=("web-2",))
    assert alerter.speaker.spoken == [("web-1", "firing")]
    lives(alerter, 2)
    assert alerter.speaker.spoken == [("web-1", "firing"), ("web-1", "resolved")]


@pytest.mark.parametrize("by", [30 * DAY, -30 * DAY])
def test_nobody_is_forgotten_sooner_or_later_because_the_clock_was_set(alerter: Alerter, by: float) -> None:
    judge = alerter.world.judge
    lives(alerter, 5)
    for seconds, change in ((1, by), (40, -by), (1, by)):
        alerter.set_clock(change)
        alerter.pulse(alerter.now)
        assert forget(judge.subjects, judge.decider, WEEK, at(alerter.now)) == []
        lives(alerter, seconds, hosts=("web-2",))
    assert forget(judge.subjects, judge.decider, WEEK, at(alerter.now + 7 * DAY - 100)) == []
    assert [one.name for one in forget(judge.subjects, judge.decider, WEEK, at(alerter.now + 7 * DAY - 20))] == [
        "web-1"
    ]
    assert alerter.speaker.spoken == [("web-1", "firing")]


@pytest.mark.parametrize("again", [False, True], ids=["in one life", "over a restart"])
def test_nothing_is_forgotten_for_its_age_by_a_clock_that_is_in_doubt(
    alerter: Alerter, tmp_path: Path, again: bool
) -> None:
    def kept() -> bool:
        alerter.committer.sweep(at(alerter.now), decisions=WEEK, each=10, incidents=WEEK)
        with alerter.committer._memory.transaction() as txn:
            return bool(list(txn.items("decisions")))

    lives(alerter, 25, cpu=99.0)
    alerter.set_clock(30 * DAY)
    if again:
        alerter.committer.restore(at(alerter.now))
    else:
        alerter.pulse(alerter.now)
    assert kept()
    alerter.now += 5 * 3600
    assert kept()
    alerter.now += 3600 + 10
    assert not kept()


@pytest.mark.parametrize("by", [DAY, -DAY])
def test_places_and_losses_are_as_old_as_before(by: float) -> None:
    world = World(rule("service.state == down", name="down"), rule("lost.messages > 0", name="lost"))
    for place in ("berlin", "paris", "rome"):
        world.checks(0, place=place, status="down" if place == "rome" else "up")
    world.judge.loss(Loss("web-1", 7, 1, 3, "full"), at(0))
    world.judge.jumped(int(by * SECOND), at(10 + by))
    world.checks(11 + by, place="rome", status="down")
    world.judge.advance(at(500 + by))
    world.passes(500 + by)
    assert world.told() == [(0, "fired")]
    world.passes(1000 + by)
    assert [change for _, change in world.told()] == ["fired", "resolved"]


@pytest.mark.parametrize("by", [DAY, -DAY])
def test_a_disk_that_is_in_no_reading_is_watched_for_as_long_as_ever(by: float) -> None:
    world = World(rule("disk[*].percent > 90", name="full"))
    world.says(0, cpu=1, root=99)
    world.says(10, cpu=1)
    world.judge.jumped(int(by * SECOND), at(20 + by))
    world.says(30 + by, cpu=1)
    world.says(600 + by, cpu=1)
    assert world.told() == [(0, "fired")]
    world.says(611 + by, cpu=1)
    assert [change for _, change in world.told()] == ["fired", "resolved"]


def test_an_alarm_that_was_kept_with_times_to_come_is_of_now() -> None:
    from alerter.subjects import Kept

    world = World(rule("cpu.percent > 90", name="busy", for_=20.0))
    kept = Alarm(State.PENDING, since=at(DAY), began=at(DAY), count=1)
    world.judge.restore([Kept("busy", "host", "web-1", "", kept)], at(0))
    world.says(1, cpu=99)
    world.says(21, cpu=99)
    assert world.told() == [(21, "fired")]


def test_a_window_forgets_what_is_to_come() -> None:
    window = Window(60.0)
    for second in range(0, 60, 5):
        window.add(second, 1.0)
    window.add(86_400.0, 9.0)
    window.cut(60.0)
    window.add(61.0, 1.0)
    assert window.highest(61.0) != 9.0


@pytest.mark.parametrize(
    ("state", "since", "began"),
    [(State.PENDING, 107, 97), (State.FIRING, 100, 90), (State.CLEARING, 107, 90)],
)
def test_a_run_that_is_under_way_is_as_long_as_it_was_and_what_was_told_stays(
    state: State, since: int, began: int
) -> None:
    alarm = Alarm(state, since=100, began=90, fired_at=0 if state is State.PENDING else 95)
    after = moved(alarm, 7)
    assert (after.since, after.began, after.fired_at) == (since, began, alarm.fired_at)


def test_what_fired_at_a_time_that_is_still_to_come_makes_nobody_flap() -> None:
    world = World(rule("cpu.percent > 90"))
    for seconds in (0, 20, 40):
        world.says(seconds, cpu=95)
        world.says(seconds + 10, cpu=5)
    subject = world.judge.subjects["host", "web-1"]
    (cell,) = subject.cells.values()
    jumped(subject, -30 * SECOND, at(25))
    assert cell.fired == (at(0), at(20))
    jumped(subject, 3600 * SECOND, at(3625))
    assert cell.fired == (at(0), at(20))


def test_an_instance_that_goes_after_the_clock_was_set_is_waited_for_as_ever() -> None:
    world = World(rule("disk[*].percent > 90"))
    world.says(0, root=95, home=95)
    world.judge.jumped(3600 * SECOND, at(3600))
    world.says(3601, root=95)
    world.says(3700, root=95)
    assert [change for _, change in world.told()] == ["fired", "fired"]
    world.judge.jumped(3600 * SECOND, at(7301))
    world.says(7800, root=95)
    assert len(world.told()) == 2, "it is away for ten minutes only at 7801 s"
    world.says(7810, root=95)
    assert world.told()[2:] == [(7810, "resolved")]


@pytest.mark.parametrize("let_off", [False, True])
@pytest.mark.parametrize("by", [DAY, -DAY, 60.0, -60.0])
def test_a_silent_host_that_is_looked_at_soon_after_the_clock_was_set_does_not_recover(
    by: float, let_off: bool
) -> None:
    world = World(*in_force(()), hosts=(Host(name="web-1", interval=15.0),))
    world.says(0, cpu=1)
    if let_off:
        world.judge.hearing.ends(at(10))
        world.judge.hears(at(11))
    world.passes(200)
    assert [change for _, change in world.told()] == ["fired"]
    world.judge.jumped(int(by * SECOND), at(201 + by))
    # At three of its intervals it is looked at, when nobody would call it silent by now.
    world.passes(400 + by)
    assert [change for _, change in world.told()] == ["fired"]
    world.says(401 + by, cpu=1)
    assert [change for _, change in world.told()] == ["fired", "resolved"]


@pytest.mark.parametrize("by", [DAY, -DAY])
def test_what_was_read_at_a_time_that_is_still_to_come_is_no_past(by: float) -> None:
    world = World(rule("max(cpu.percent, 1m) > 90"))
    for seconds in range(0, 101, 10):
        world.says(seconds, cpu=99)
    world.judge.jumped(int(by * SECOND), at(101 + by))
    for seconds in range(102, 172, 10):
        world.says(seconds + by, cpu=10)
    assert [change for _, change in world.told()] == ["fired", "resolved"]
