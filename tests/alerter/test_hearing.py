"""A collector that ends again and again lets nobody's silence go unfound, and keeps nobody waiting for ever."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerter.expecting import expected
from alerter.hearing import MOST_LIVES, SETTLED, Comings, Hearing
from alerter.memory import Memory
from bus.tables import Host
from tests.alerter.given import SECOND, World, at, rule
from tests.alerter.lives import Alerter as Lived
from tests.alerter.lives import Life, spoken
from tests.alerter.stair import Alerter

SILENT = rule("age > 30s", name="silent")


@pytest.fixture
def alerter(tmp_path: Path) -> Iterator[Alerter]:
    memory = Memory(tmp_path / "alerter")
    made = Alerter(memory, [SILENT])
    yield made
    made.close()
    memory.close()


def ends_and_returns(world: World, seconds: float, deaf: float = 0.1) -> None:
    """A collector ends, and another is heard."""
    world.passes(seconds)
    world.judge.hearing.ends(at(seconds))
    world.passes(seconds + deaf)
    world.judge.hears(at(seconds + deaf))


@pytest.mark.parametrize("hosts", [[], [Host(name="db-1")]], ids=["heard", "never heard"])
def test_who_is_silent_is_let_off_once_however_often_a_collector_begins_anew(hosts: list[Host]) -> None:
    world = World(SILENT, hosts=hosts, began=0)
    if not hosts:
        world.says(0)
    for seconds in range(20, 120, 10):
        ends_and_returns(world, seconds)
    # From 20.1 s on, and three times 0.1 s in which nothing was heard.
    assert world.told() == [(51, "fired")]


def test_who_speaks_is_let_off_each_time() -> None:
    world = World(SILENT)
    for seconds in range(0, 200, 40):
        world.says(seconds)
        ends_and_returns(world, seconds + 25)
    assert world.told() == []


def test_what_the_hub_does_not_hear_is_never_silence() -> None:
    world = World(SILENT)
    world.says(0)
    ends_and_returns(world, 10, deaf=300)
    ends_and_returns(world, 320, deaf=300)
    world.passes(639)
    assert world.told() == []
    world.passes(645)
    assert world.told() == [(641, "fired")]


def test_who_is_silent_stays_so_and_recovers_though_collectors_begin_anew() -> None:
    world = World(SILENT)
    world.says(0)
    for seconds in range(35, 135, 10):
        ends_and_returns(world, seconds)
    assert world.told() == [(31, "fired")]
    world.says(140)
    assert world.told() == [(31, "fired"), (140, "resolved")]


@pytest.mark.parametrize("by", [3600.0, -3600.0])
def test_a_clock_that_is_set_again_and_again_hides_no_silence(alerter: Alerter, by: float) -> None:
    spoken = alerter.speaker.spoken
    alerter.stair.says(0, "web-2")
    for turn in range(12):
        for _ in range(10):
            alerter.now += 1
            alerter.stair.says(alerter.now)
            alerter.pulse(alerter.now)
        alerter.set_clock(by if turn % 2 else -by)
    assert spoken == [("web-2", "firing")]


def test_a_collector_that_ends_each_few_seconds_hides_no_silence(alerter: Alerter) -> None:
    alerter.stair.says(0, "web-2")
    for second in range(1, 120):
        if second % 5 == 0:
            alerter.now = second
            alerter.stair.comes(alerter.listening)
            assert alerter.listening.watch.poll(30_000)
            alerter.listening.connection()
            assert alerter.world.judge.hearing.blind
        alerter.stair.says(second + 0.2)
        alerter.pulse(second + 0.5)
    assert alerter.speaker.spoken == [("web-2", "firing")]


def test_what_waited_of_a_collector_that_is_gone_is_no_sign_that_one_is_there(alerter: Alerter) -> None:
    alerter.pulse(0)
    alerter.stair.says(0)
    alerter.now = 1.0
    alerter.stair.comes(alerter.listening)
    alerter.now = 3.0
    assert alerter.listening.watch.poll(30_000)
    alerter.listening.connection()
    alerter.stair.says(2.9)
    alerter.pulse(3.5)
    assert alerter.world.judge.hearing.blind
    alerter.stair.says(4.0)
    alerter.pulse(4.5)
    assert not alerter.world.judge.hearing.blind


def test_it_is_deaf_since_it_heard_for_the_last_time_whatever_happens_meanwhile() -> None:
    hearing = Hearing(at(0))
    hearing.ends(at(10))
    hearing.ends(at(20))
    hearing.jumped(3600 * SECOND, at(3625))
    assert hearing.returns(at(3630)) == 20 * SECOND
    assert hearing.returns(at(3640)) == 0
    hearing.ends(at(3650))
    hearing.jumped(-3600 * SECOND, at(55))
    assert hearing.returns(at(60)) == 10 * SECOND


# -- how long what comes waits ---


def test_what_comes_waits_until_the_store_has_told_what_was_before() -> None:
    comings = Comings()
    assert not comings.waits(10.0)
    assert not comings.expected
    comings.came(10.0, at(-5))
    assert comings.waits(10.0)
    assert not comings.due(10.0 + SETTLED - 0.1)
    assert comings.due(10.0 + SETTLED)
    assert comings.asked(10.0 + SETTLED, at(-4)) == at(-5)
    assert not comings.waits(10.0 + SETTLED)
    assert not comings.expected


def test_of_several_that_came_the_last_is_asked_for_once_it_can_be_told_of() -> None:
    comings = Comings()
    comings.came(0.0, at(0))
    comings.came(0.5, at(3))
    assert comings.asked(1.0, at(9)) == at(0)
    comings.told(1.0)
    assert comings.expected
    assert not comings.waits(1.9), "it waited for a second"
    assert comings.due(2.0)
    assert comings.asked(2.0, at(9)) == at(3)
    comings.told(2.0)
    assert not comings.expected


def test_before_anything_was_judged_it_is_asked_from_then_on_when_it_is_asked() -> None:
    comings = Comings()
    comings.came(0.0, 0)
    comings.known(0.1)
    assert comings.asked(1.0, at(7)) == at(7)
    comings.came(5.0, at(9))
    comings.known(6.0)
    assert not comings.expected


@pytest.mark.parametrize(("each", "lasts"), [(0.3, 0.0), (0.3, 10.0), (5.0, 10.0), (3.0, 1.0)])
def test_what_comes_waits_half_of_the_time_at_most_and_all_is_asked_for(each: float, lasts: float) -> None:
    comings = Comings()
    waited = asked = 0
    until, unasked = 0.0, None
    for tick in range(6000):
        now = tick / 10
        if tick < 5000 and tick % int(10 * each) == 0:
            comings.came(now, at(now))
            unasked = now
        if until and now >= until:
            comings.told(now)
            until = 0.0
        if not until and comings.due(now):
            comings.asked(now, at(now))
            asked, until = asked + 1, now + lasts
            if unasked is not None and now - unasked >= SETTLED:
                unasked = None
            if not lasts:
                comings.told(now)
                until = 0.0
        waited += bool(until) or comings.waits(now)
    assert waited <= 0.55 * 6000
    assert asked >= 500 / (2 * (lasts + SETTLED + each)) - 1
    assert unasked is None


# -- from one life of the alerter to the next ---


def test_an_alerter_that_ends_again_and_again_finds_who_is_silent(life: Life) -> None:
    first = life(SILENT, now=0.0)
    first.starts()
    first.says(1, cpu=10)
    first.passes(18)
    first.committer.note_judged()
    for begin in range(20, 120, 20):
        one = life(SILENT, now=float(begin))
        one.starts()
        one.passes(begin + 18)
        one.committer.note_judged()
    # From 18 s on, which is how far the life before it came, and the two seconds before the next one.
    assert [incident.changed_at for incident in one.world.judge.decider.open.values()] == [at(51)]


def configured(life: Life, now: float, *names: str) -> Lived:
    """A life with these hosts in its configuration."""
    one = life(SILENT, now=now)
    one.world.judge.use([SILENT], [Host(name=name) for name in names], [], at(now))
    one.starts()
    return one


def test_an_alerter_that_ends_again_and_again_finds_who_was_never_heard(life: Life) -> None:
    for begin in range(0, 120, 20):
        one = configured(life, float(begin), "db-1")
        one.passes(begin + 18)
        one.committer.note_judged()
    # As of one that was heard before the first: from 18 s on, and the two seconds before the next life.
    assert [incident.changed_at for incident in one.world.judge.decider.open.values()] == [at(51)]


def test_who_is_named_later_is_expected_from_then_on_and_who_was_taken_out_is_so_no_more(life: Life) -> None:
    first = configured(life, 0.0, "db-1")
    first.passes(18)
    first.committer.note_judged()
    second = configured(life, 20.0, "db-2")
    second.passes(28)
    second.committer.note_judged()
    third = configured(life, 30.0, "db-1", "db-2")
    third.passes(58)
    assert spoken(third) == []
    third.passes(60)
    assert spoken(third) == [("db-2", "firing")]
    third.passes(61)
    assert spoken(third) == [("db-2", "firing"), ("db-1", "firing")]


def test_who_is_heard_or_gone_is_expected_no_longer(life: Life) -> None:
    one = configured(life, 0.0, "db-1", "web-1")
    subjects = one.world.judge.subjects
    assert expected(subjects.values()) == {"host/db-1": at(0), "host/web-1": at(0)}
    one.says(1, cpu=10)
    assert expected(subjects.values()) == {"host/db-1": at(0)}
    one.world.judge.use([SILENT], [Host(name="db-1", gone=True), Host(name="web-1")], [], at(2))
    assert expected(subjects.values()) == {}


def test_a_clock_that_was_set_back_between_two_lives_makes_nobody_wait_for_the_past(life: Life) -> None:
    first = configured(life, 3600.0, "db-1")
    first.passes(3610)
    first.committer.note_judged()
    second = configured(life, 0.0, "db-1")
    second.passes(29)
    assert spoken(second) == []
    second.passes(31)
    assert spoken(second) == [("db-1", "firing")]


def test_what_nobody_heard_between_two_lives_is_no_silence(life: Life) -> None:
    first = life(SILENT, now=0.0)
    first.starts()
    first.says(1, cpu=10)
    for begin in (3600.0, 7200.0):
        short = life(SILENT, now=begin)
        short.starts()
        short.passes(begin + 10)
        short.committer.note_judged()
    last = life(SILENT, now=9000.0)
    last.starts()
    last.passes(9009)
    assert spoken(last) == []
    last.passes(9012)
    assert spoken(last) == [("web-1", "firing")]


def test_lives_are_counted_by_the_clock_as_it_is_and_not_for_ever() -> None:
    hearing = Hearing(at(0))
    hearing.begins(at(0), 0)
    assert hearing.counted_from(at(0)) == 0
    hearing.begins(at(100), 5)
    hearing.begins(at(200), 7)
    assert hearing.counted_from(at(-1)) == at(0) + 12
    assert hearing.counted_from(at(0)) == at(100) + 7
    assert hearing.counted_from(at(199)) == at(200)
    hearing.begins(at(50), 0)
    assert hearing.lives == [(at(0), 0), (at(50), 0)]
    for second in range(1000):
        hearing.begins(at(second), 0)
    assert len(hearing.lives) == MOST_LIVES
    hearing.jumped(-3600 * SECOND, at(-100))
    assert hearing.counted_from(at(-200)) == at(-100)
