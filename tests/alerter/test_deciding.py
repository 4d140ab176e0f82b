"""What is decided at the very edge: of a second, of an hour, of an earlier life."""

from __future__ import annotations

from typing import Any

import pytest

from alerter.leaving import forget
from alerter.machine import QUIET, Alarm, State
from alerter.subjects import Kept
from bus.messages import Facts, Loss, Sample, layout_id
from bus.tables import Host, Service
from bus.timing import LONGEST
from bus.wire import record
from tests.alerter.given import SECOND, World, at, rule


@pytest.mark.parametrize(("again", "flapping"), [(3599, True), (3600, False)])
def test_what_fired_an_hour_ago_makes_nobody_flap(again: float, flapping: bool) -> None:
    world = World(rule("cpu.percent > 90"))
    world.judge.decider.flapping_count = 2
    for seconds, cpu in [(0, 95), (10, 5), (again, 95)]:
        world.says(seconds, cpu=cpu)
    incident = world.decisions[-1].incident
    assert incident is not None
    assert incident.flapping is flapping


def test_who_is_silent_stays_so_when_the_hub_listens_anew_and_until_it_speaks() -> None:
    world = World(rule("age > 30s"))
    world.says(0)
    world.passes(40)
    world.judge.hearing.ends(at(40))
    world.passes(100)
    world.judge.hears(at(100))
    world.judge.loss(Loss("web-1", 7, 1, 2, "dropped"), at(110))  # it is looked at
    world.passes(120)
    assert world.told() == [(31, "fired")]
    world.says(121)
    assert world.told() == [(31, "fired"), (121, "resolved")]


def test_an_incident_is_open_from_its_first_transition_to_its_second() -> None:
    world = World(rule("cpu.percent > 90", clear_for=10.0))
    burning = []
    for seconds, cpu in [(0, 95), (10, 50), (15, 95), (20, 50), (30, 50)]:
        world.says(seconds, cpu=cpu)
        burning.append(list(world.judge.decider.open))
    assert [str(one.change) for one in world.decisions] == ["fired", "clearing", "back", "clearing", "resolved"]
    ids = {one.incident.id for one in world.decisions if one.incident}
    assert len(ids) == 1
    assert burning == [list(ids)] * 4 + [[]]
    first, last = world.decisions[0].incident, world.decisions[-1].incident
    assert first is not None
    assert last is not None
    assert (first.transition, last.transition) == (1, 2)


@pytest.mark.parametrize(
    ("interval", "late", "judged"), [(0, 60, True), (0, 60.5, False), (300, 600, True), (300, 601, False)]
)
def test_what_waited_for_a_minute_or_two_intervals_is_of_now(interval: float, late: float, judged: bool) -> None:
    world = World(rule("cpu.percent > 90"), hosts=[Host(name="web-1", interval=interval)])
    world.says(0, cpu=99, late=late)
    assert world.told() == [(0, "fired")] * judged
    assert world.judge.late == (not judged)


def test_a_silence_is_judged_at_its_second_and_not_before() -> None:
    world = World(rule("age > 30s"))
    world.says(0)
    world.passes(30.9)
    assert world.told() == []
    world.passes(31)
    assert world.told() == [(31, "fired")]


def test_a_host_is_called_as_its_table_says() -> None:
    world = World(rule("cpu.percent > 90"), hosts=[Host(name="web-1", display="Web one"), Host(name="web-2")])
    for host in ("web-1", "web-2", "web-3"):
        world.says(0, host, cpu=95)
    assert [one.incident.display for one in world.decisions if one.incident] == ["Web one", "web-2", "web-3"]


def test_what_an_earlier_life_heard_counts_and_nothing_older_takes_its_place() -> None:
    world = World(rule("age > 30s"))
    names = ("cpu.percent", "memory.percent")
    layout = layout_id(names)
    assert not world.judge.knows_of("web-1")
    world.judge.layout(layout, names)
    world.judge.known("host", "web-1", at(-10), at(0))
    world.judge.known("host", "web-1", at(-50), at(0))
    assert world.judge.knows_of("web-1")
    world.judge.subject("service", "web-1", at(0))
    for value in (95.0, 5.0):
        said = record(Sample(layout, (value, 1.0)), source="web-1", at=at(-10), epoch=7, number=1)
        world.judge.recall(said, at(-10), at(0))
    assert world.judge.subjects["host", "web-1"].values() == (95.0, 1.0), "the newest is recalled first"
    world.passes(60)
    assert world.told() == [(21, "fired")]


def test_a_disk_that_comes_and_goes_flaps_though_it_is_away_between() -> None:
    world = World(rule("disk[*].percent > 90"))
    world.judge.decider.flapping_count = 2
    for seconds, home in ((0, 95), (10, 5)):
        world.says(seconds, root=5, home=home)
    world.says(20, root=5)
    world.says(30, root=5, home=95)
    fired = [one.incident.flapping for one in world.decisions if one.change == "fired" and one.incident]
    assert fired == [False, True]


def test_what_was_pending_on_a_disk_that_is_gone_is_dropped_and_what_is_there_is_not_missed() -> None:
    world = World(rule("disk[*].percent > 90", for_=1200.0))
    world.says(0, root=95, home=95)
    world.judge.use(world.judge.rules, (), (), at(1))
    world.says(700, root=95, home=95)
    world.says(710, root=95)
    world.says(1310, root=95)
    assert world.changes() == [(0, "pending"), (0, "pending"), (1310, "fired")]
    world.says(1311, root=95)
    assert (world.decisions[-1].instance, str(world.decisions[-1].change)) == ("/home", "dropped")


def test_readings_hold_over_new_settings() -> None:
    world = World(rule("cpu.percent > 90"))
    world.says(0, cpu=95)
    world.judge.use(world.judge.rules, (), (), at(1))
    assert list(world.judge.subjects["host", "web-1"].values()) == [95.0]


def test_no_data_is_a_decision_of_its_own() -> None:
    world = World(rule("cpu.percent > 90"))
    for seconds, cpu in [(0, 1), (10, None), (20, None), (30, 1)]:
        world.says(seconds, cpu=cpu)
    assert [(one.at, one.verdict) for one in world.decisions] == [(at(10), "no_data"), (at(30), "below")]


def test_how_often_a_host_reports_is_what_it_says_unless_the_configuration_does() -> None:
    world = World(rule("age > 30s"), hosts=[Host(name="db-1", interval=20.0)])
    for interval, expected in ((0.5, 0.5), (300.0, 300.0), (-1.0, 300.0), (LONGEST, LONGEST), (LONGEST * 2, LONGEST)):
        for host in ("web-1", "db-1"):
            told = Facts(interval=interval)
            world.judge.facts(record(told, source=host, at=at(0), epoch=7, number=1), told, at(0))
        intervals = [world.judge.subjects["host", host].interval for host in ("web-1", "db-1")]
        assert intervals == [expected, 20.0]


def test_losses_are_counted_by_their_numbers_once_and_turn_no_time_back() -> None:
    world = World(rule("cpu.percent > 90"))
    world.says(10, cpu=1, skew=2.0)
    for _ in range(2):
        world.judge.loss(Loss("web-1", 7, 3, 5, "dropped"), at(5))
    subject = world.judge.subjects["host", "web-1"]
    assert subject.losses == {(7, 3): (at(5), 3)}
    assert (subject.now, subject.skew) == (at(10), 2.0)


def test_who_was_silent_since_before_is_forgotten_but_for_those_in_the_configuration() -> None:
    world = World(rule("cpu.percent > 90"), hosts=[Host(name="db-1")], began=0)
    for seconds, host in ((0, "web-1"), (5, "web-2"), (10, "web-2"), (0, "db-1")):
        world.says(seconds, host, cpu=95)
    assert forget(world.judge.subjects, world.judge.decider, 20 * SECOND, at(20)) == []
    assert [gone.name for gone in forget(world.judge.subjects, world.judge.decider, 10 * SECOND, at(20))] == ["web-1"]
    assert [name for _, name in world.judge.subjects] == ["db-1", "web-2"]


def test_an_alarm_of_an_earlier_life_goes_on_with_its_instance_and_waits_for_one_that_is_not_there() -> None:
    world = World(rule("disk[*].percent > 90"))
    burns = Alarm(State.FIRING, since=at(-20), began=at(-20), count=1, fired_at=at(-20))
    world.judge.restore([Kept("test", "host", "web-1", name, burns) for name in ("/", "/home")], at(0))
    assert {cell.instance for _, cell in world.judge.standing()} == {"/", "/home"}
    world.says(10, home=95)
    world.says(20, home=5)
    world.says(600, home=5)
    assert [(one.instance, str(one.change)) for one in world.decisions] == [("/home", "resolved")]
    world.says(601, home=5)
    assert (world.decisions[-1].instance, str(world.decisions[-1].change)) == ("/", "resolved")


def test_an_alarm_of_an_earlier_life_whose_rule_is_no_more_ends_and_a_quiet_one_says_nothing() -> None:
    world = World(rule("cpu.percent > 90"))
    burns = Alarm(State.FIRING, since=at(-20), began=at(-20), count=1, fired_at=at(-20))
    world.judge.restore([Kept("other", "host", "web-1", "", one) for one in (burns, QUIET)], at(0))
    world.passes(1)
    assert [(str(one.change), one.text) for one in world.decisions] == [
        ("resolved", "no rule other is judged here any longer")
    ]
    assert list(world.judge.standing()) == []


def test_waits_of_a_host_that_says_nothing_are_over_in_time() -> None:
    world = World(rule("age > 30s", for_=60.0, clear_for=20.0))
    world.says(0)
    world.passes(99)
    world.says(100)
    world.passes(125)
    assert world.told() == [(91, "fired"), (120, "resolved")]


@pytest.mark.parametrize("when", ["age > 60", "age / 60 > 1", "age - cpu.percent > 51"])
def test_what_only_the_passing_of_time_makes_true_is_found_in_time(when: str) -> None:
    world = World(rule(when))
    world.says(-10, cpu=9)
    world.says(0, cpu=9)
    world.passes(99)
    assert world.told() == [(61, "fired")]


def test_a_place_that_looks_each_five_minutes_counts_until_it_missed_several_turns() -> None:
    world = World(rule("places(down) >= 2"))
    for seconds in (0, 300, 600):
        world.checks(seconds, status="down", place="berlin")
        world.checks(seconds + 150, status="down", place="paris")
    assert world.told() == [(450, "fired")]
    world.checks(1650, status="down", place="paris")
    assert [change for _, change in world.told()] == ["fired", "resolved"]


def test_a_place_counts_from_its_first_look_on_however_seldom_it_looks() -> None:
    shop = Service(name="shop", url="https://shop.example/", interval=600.0)
    world = World(rule("service.state == down", name="down"), services=(shop,))
    for seconds, place, status in [(0, "berlin", "up"), (200, "paris", "up"), (400, "rome", "down")]:
        world.checks(seconds, status=status, place=place)
    assert world.told() == []
    world.checks(600, status="down", place="berlin")
    assert world.told() == [(600, "fired")]


@pytest.mark.parametrize("when", ["check.rows > 3", "phase.tls > 500"])
def test_what_a_check_measures_beside_its_time_is_judged(when: str) -> None:
    world = World(rule(when, services=("shop",)))
    world.checks(0, metrics={"rows": 5.0}, phases={"tls": 900.0})
    assert world.told() == [(0, "fired")]


def test_a_recovery_of_which_there_is_no_reading_goes_on_as_it_was() -> None:
    world = World(rule("cpu.percent > 90", clear="memory.percent < 50", clear_for=60.0))
    for seconds, cpu, memory in ((0, 95, 80), (10, 20, None), (20, 20, 40), (30, 20, None), (79, 20, 40), (80, 20, 40)):
        world.sample(seconds, values={"cpu.percent": cpu, "memory.percent": memory})
    assert world.changes() == [(0, "fired"), (20, "clearing"), (80, "resolved")]


@pytest.mark.parametrize(
    ("given", "fires"), [({"times": 3}, 33), ({"times": 3, "for_": 20.0}, 51), ({"times": 30}, 60)]
)
def test_of_a_silence_so_many_seconds_in_a_row_are_readings(given: dict[str, Any], fires: int) -> None:
    world = World(rule("age > 30s", **given), rule("lost.messages > 0", name="lost", **given))
    world.says(0)
    world.judge.loss(Loss("web-1", 7, 1, 3, "full"), at(0))
    world.passes(600)
    assert [one for one in world.told() if one[0] > 30] == [(fires, "fired")]
    assert [one.rule for one in world.decisions if one.change == "fired"] == ["lost", "test"]
