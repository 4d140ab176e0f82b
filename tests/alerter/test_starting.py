"""What a start finds: nothing burns anew, ends too early or is back from the dead."""

from __future__ import annotations

import pytest

from alerter.leaving import forget, withdraw
from alerter.subjects import Subject
from alerter.terms import STATES
from bus.messages import IMPORT, Check, Facts, Loss, Message, Sample
from bus.questions import Range
from bus.tables import Host
from tests.alerter.given import SECOND, at, rule
from tests.alerter.lives import CPU, Life, spoken, until

DAY = 86_400.0


def test_who_fell_silent_while_the_hub_was_off_is_known_once_the_store_answers(life: Life) -> None:
    rules = rule("age > 30s", name="silent"), rule("cpu.percent > 90", name="busy")
    first = life(*rules)
    for host in ("web-1", "web-2", "web-3"):
        first.store.says(0, cpu=10, subject=host)
    first.starts()
    first.passes(1)
    assert spoken(first) == []

    second = life(*rules, now=100.0, patience=0.1)
    second.store.says(20, cpu=99, subject="web-3")
    second.starts_alone()
    second.stair.says(101, "web-2")
    second.hears(101.5)
    for when in range(110, 150, 10):
        second.stair.says(when, "web-2")
        second.hears(when + 0.5)
    assert spoken(second) == [], "of others nobody knows"
    before = len(second.store.asked)
    until(second, lambda: len(spoken(second)) >= 3)
    assert sorted(spoken(second)) == [("web-1", "firing"), ("web-3", "firing"), ("web-3", "firing")]
    ranges = [one.subject for one in second.store.asked[before:] if isinstance(one, Range)]
    assert set(ranges) == {"web-3"}, "who speaks is judged by what comes"
    second.hears(151)
    asked = len(second.store.asked)
    second.hears(152)
    assert len(second.store.asked) == asked, "nothing is lacking any more"


@pytest.mark.parametrize("hosts", [[], [Host(name="web-1")]], ids=["heard of", "configured"])
def test_what_was_told_before_the_first_start_is_of_when_it_came(life: Life, hosts: list[Host]) -> None:
    busy = rule("cpu.percent > 90", name="busy")
    first = life(busy, now=0.3)
    first.world.judge.use([busy], hosts, [], at(0.3))
    first.store.says(0, cpu=95)
    first.starts()
    (incident,) = first.world.judge.decider.open.values()
    # A backtest finds the same one, whose name follows from its time.
    assert incident.changed_at == at(0)


@pytest.mark.parametrize("known", [True, False], ids=["configured", "heard of"])
def test_days_without_an_alerter_are_not_gone_through_by_the_second(life: Life, known: bool) -> None:
    restless = rule("age / 60 > 5", name="silent")
    first = life(restless)
    first.starts()
    first.says(0, cpu=10)

    second = life(restless, now=2 * DAY)
    hosts = [Host(name=f"old-{number}") for number in range(20)]
    for host in hosts:
        second.store.says(DAY, cpu=10, subject=host.name)
    second.world.judge.use([restless], hosts if known else [], [], at(2 * DAY))
    looks, look = list[str](), second.world.judge._look

    def counted(subject: Subject, now: int) -> None:
        looks.append(subject.name)
        look(subject, now)

    second.world.judge._look = counted  # type: ignore[method-assign]
    second.starts()
    second.passes(2 * DAY + 1)
    assert len(looks) < 21 * 700


@pytest.mark.parametrize("ahead", [-3600.0, 0.0, 3600.0])
def test_what_was_missed_of_a_host_is_judged_whatever_its_clock_says(life: Life, ahead: float) -> None:
    busy = rule("cpu.percent > 90", name="busy")
    first = life(busy)
    first.starts()
    first.passes(0)

    second = life(busy, now=30.0)
    second.store.says(10, cpu=95, ahead=ahead)
    second.starts()
    assert spoken(second) == [("web-1", "firing")]


def test_a_loss_that_an_earlier_life_told_of_is_over_when_its_time_is_and_counted_once(life: Life) -> None:
    lost = rule("lost.messages > 0", name="lost", clear="lost.messages == 0")
    first = life(lost)
    first.store.keeps(-1, Loss("web-1", 7, 1, 3, "full"), source="guardia.store")
    first.starts()
    first.says(1, cpu=10)
    assert spoken(first) == [("web-1", "firing")]

    second = life(lost, now=60.0)
    second.store.says(30, cpu=10)
    second.starts()
    second.says(61, cpu=10)
    assert spoken(second) == [("web-1", "firing")]
    assert second.world.judge.subjects["host", "web-1"].lost() == 3.0
    second.passes(898)
    assert spoken(second) == [("web-1", "firing")]
    second.passes(902)
    assert spoken(second) == [("web-1", "firing"), ("web-1", "resolved")]


@pytest.mark.parametrize("since", [0, 20], ids=["nothing came meanwhile", "something came meanwhile"])
def test_what_looks_at_the_past_knows_it_after_a_start(life: Life, since: int) -> None:
    mean = rule("avg(cpu.percent, 1m) > 80", name="mean")
    first = life(mean)
    first.starts()
    first.says(0, cpu=90)

    second = life(mean, now=30.0)
    if since:
        second.store.says(since, cpu=90)
    second.store.series = [(float(when), 90.0) for when in range(-30, 30)]
    second.starts()
    second.says(31, cpu=90)
    assert spoken(second) == [("web-1", "firing")]


def test_what_was_seen_last_of_a_service_is_known_after_a_start(life: Life) -> None:
    down = rule("service.state == down", name="down")
    first = life(down)
    first.starts()
    for place in ("berlin", "rome"):
        first.store.keeps(1, Check("down", error="503", place=place), "shop", source="guardia.prober")
    life(down, now=10.0).starts()
    again = life(down, now=20.0)
    again.starts()
    shop = again.world.judge.subjects["service", "shop"]
    assert (shop.values()[0], shop.error, list(shop.places_seen)) == (STATES["down"], "503", ["berlin", "rome"])
    assert spoken(again) == [("shop", "firing")]


def test_what_a_rule_looks_at_that_came_by_a_reload_is_asked_of_the_store_once(life: Life) -> None:
    one = life(rule("cpu.percent > 99"))
    one.starts()
    one.says(30, cpu=90)
    mean = rule("avg(cpu.percent, 1m) > 80", name="mean")
    one.store.series = [(float(when), 90.0) for when in range(-30, 30)]
    for asked in (1, 0):
        before = len(one.store.asked)
        one.world.judge.use([mean], [], [], at(30))
        one.listening.look_back()
        one.hears(30.5)
        assert len(one.store.asked) - before == asked
    one.says(31, cpu=90)
    assert spoken(one) == [("web-1", "firing")]


@pytest.mark.parametrize("told", ["facts", "alarm"])
def test_a_host_that_was_forgotten_is_not_silent_anew(life: Life, told: str) -> None:
    silent = rule("age > 2m", name="silent")
    first = life(silent)
    first.starts()
    first.says(0, cpu=10)
    if told == "facts":
        first.store.keeps(0, Facts(interval=10.0))
    first.passes(300)
    gone = forget(first.world.judge.subjects, first.world.judge.decider, int(7 * DAY) * SECOND, at(8 * DAY))
    assert [one.name for one in gone] == ["web-1"]
    first.passes(8 * DAY)
    assert spoken(first) == [("web-1", "firing"), ("web-1", "resolved")]

    second = life(silent, now=8 * DAY + 60)
    second.starts()
    second.passes(8 * DAY + 1000)
    assert spoken(second) == []
    assert ("host", "web-1") not in second.world.judge.subjects


@pytest.mark.parametrize("message", [Sample(CPU.id, (99.0,)), Check("down")], ids=["host", "service"])
@pytest.mark.parametrize("later", [0, 3600], ids=["at once", "later"])
def test_nobody_is_silent_of_whom_there_is_another_monitors_past_alone(
    life: Life, message: Message, later: int
) -> None:
    rules = rule("age > 2m", name="silent"), rule("service.state == down", name="down")
    first = life(*rules)
    if later:
        first.starts()
        first.says(0, cpu=10)
        first = life(*rules, now=float(later))
    first.store.keeps(later - 30, message, "old-1", source=IMPORT)
    first.store.says(later - 10, cpu=10)
    first.starts()
    first.says(later + 1, cpu=10)
    first.passes(later + 60)
    first.says(later + 110, cpu=10)
    first.passes(later + 200)
    assert {name for _, name in first.world.judge.subjects} == {"web-1"}
    assert spoken(first) == []


def test_facts_of_a_host_that_told_them_long_ago_and_still_speaks_are_known(life: Life) -> None:
    first = life(rule("age > 3 * interval", name="silent"), now=30 * DAY)
    first.store.keeps(0, Facts(interval=600.0))
    first.store.says(30 * DAY - 60, cpu=10)
    first.starts()
    assert first.world.judge.subjects["host", "web-1"].interval == 600.0


def test_what_was_received_by_a_clock_that_was_set_back_since_makes_nobody_silent(life: Life) -> None:
    silent = rule("age > 2m", name="silent")
    first = life(silent, now=60.0)
    first.store.says(50, cpu=10, subject="web-2")
    first.store.says(DAY, cpu=10)
    first.starts()
    first.passes(61)
    assert spoken(first) == []
    first.passes(200)
    assert sorted(spoken(first)) == [("web-1", "firing"), ("web-2", "firing")]


def test_a_service_that_was_taken_out_while_the_alerter_was_away_burns_no_longer(life: Life) -> None:
    down = rule("service.state == down", name="down")
    first = life(down)
    first.starts()
    first.store.keeps(0, Check("down"), "shop", source="guardia.prober")
    first.world.checks(0, status="down")
    first.passes(1)
    assert spoken(first) == [("shop", "firing")]

    second = life(down, now=60.0)
    second.starts()
    judge = second.world.judge
    assert withdraw(judge.subjects, judge.decider, at(7000)) == []
    assert [one.key for one in withdraw(judge.subjects, judge.decider, at(7300))] == ["service/shop"]
    second.passes(7300)
    assert spoken(second)[-1] == ("shop", "resolved")


@pytest.mark.parametrize("again", ["", "berlin"], ids=["nothing came", "one place told again"])
def test_what_other_places_saw_of_a_service_is_known_after_a_start(life: Life, again: str) -> None:
    down = rule("service.state == down", name="down")
    first = life(down)
    first.starts()
    for when, (place, status) in enumerate((("", "up"), ("berlin", "down"), ("tokyo", "down"))):
        first.store.keeps(when, Check(status, place=place), "shop", source="guardia.prober")
        first.world.checks(when, status=status, place=place)
    first.passes(2)
    assert spoken(first) == [("shop", "firing")]

    second = life(down, now=30.0)
    if again:
        second.store.keeps(20, Check("down", place=again), "shop", source="guardia.prober")
    second.starts()
    second.world.checks(60, status="up")
    second.passes(60.5)
    shop = second.world.judge.subjects["service", "shop"]
    assert set(shop.places_seen) == {"", "berlin", "tokyo"}
    assert ("shop", "resolved") not in spoken(second)
