"""Readings and passing time to alarms."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerter.config import RuleTable
from alerter.handing import hand
from alerter.judge import MOST_EPOCHS
from alerter.leaving import GONE
from alerter.rules import in_force
from bus.messages import Check, Facts, Loss, Sample, layout_id
from bus.tables import Host, Service
from bus.wire import record
from tests.alerter.given import SECOND, World, at, rule


def test_an_alarm_waits_fires_once_and_is_resolved_below_its_recovery_level() -> None:
    world = World(rule("cpu.percent > 90", for_=20.0, clear="cpu.percent < 80", clear_for=10.0))
    for seconds, cpu in [(0, 50), (10, 95), (20, 96), (30, 97), (40, 99), (50, 85), (60, 70), (70, 70)]:
        world.says(seconds, cpu=cpu)

    assert world.changes() == [(10, "pending"), (30, "fired"), (60, "clearing"), (70, "resolved")]
    fired = world.decisions[1]
    assert fired.text == "cpu.percent is 97 %, above 90 %, since 20s"
    assert fired.incident is not None
    assert (fired.incident.value, fired.incident.threshold) == (97.0, 90.0)


def test_each_disk_has_an_alarm_of_its_own() -> None:
    world = World(rule("disk[*].percent > 90"))
    world.says(0, root=95, home=20)
    world.says(10, root=95, home=93)
    world.says(20, root=10, home=93)

    assert [(one.instance, str(one.change)) for one in world.decisions] == [
        ("/", "fired"),
        ("/home", "fired"),
        ("/", "resolved"),
    ]


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("max(disk[*].percent) > 90", "max(disk[*].percent) is 95 %, above 90 %"),
        (
            "disk[*].percent > 80 and max(disk[*].percent) > 90",
            "disk[/].percent is 85 %, above 80 % and max(disk[*].percent) is 95 %, above 90 %",
        ),
    ],
)
def test_what_is_asked_of_all_instances_is_said_of_all(when: str, says: str) -> None:
    world = World(rule(when))
    world.says(0, root=85, home=95)
    assert world.decisions[0].text == says


def test_a_disk_that_was_taken_out_is_not_full_for_ever() -> None:
    world = World(rule("disk[*].percent > 90"))
    world.says(0, root=10, home=95)
    world.says(10, root=10)
    assert world.told() == [(0, "fired")]
    assert GONE == 600 * SECOND
    world.says(10 + GONE / SECOND, root=10)
    assert world.told() == [(0, "fired")]
    world.says(20 + GONE / SECOND, root=10)
    assert world.told()[-1] == (20 + GONE / SECOND, "resolved")
    assert "was in no reading" in world.decisions[-1].text


def test_a_host_that_falls_silent_is_told_within_two_seconds_of_its_limit() -> None:
    world = World(rule("age > 30s"))
    world.says(0)
    world.says(10)
    world.passes(100)
    world.says(100.5)

    assert world.told() == [(41, "fired"), (100.5, "resolved")]


def test_what_begins_with_a_reading_and_ends_with_time_does_so_whatever_else_time_brings() -> None:
    world = World(rule("age > 10m", name="silent"), rule("age < 1h and cpu.percent > 90", for_=20.0))
    for seconds in (0, 1, 2):
        world.says(seconds, cpu=95)
    world.passes(60)
    assert world.told() == [(20, "fired")]


def test_a_configured_host_that_never_spoke_is_silent() -> None:
    world = World(rule("age > 30s"), hosts=[Host(name="web-1")], began=0)
    world.passes(60)
    assert world.told() == [(31, "fired")]


def test_nobody_is_called_silent_because_the_hub_heard_nothing() -> None:
    world = World(rule("age > 30s"))
    world.says(0)
    world.judge.hearing.ends(at(0))
    world.passes(300)
    world.judge.hears(at(300))
    world.passes(320)
    assert world.told() == []

    world.passes(400)
    assert world.told() == [(331, "fired")]


def test_how_often_a_host_reports_is_its_own_word_where_the_configuration_does_not_say_it() -> None:
    hosts = [Host(name="web-1", labels={"role": "shop"}), Host(name="web-2", interval=10.0)]
    world = World(*in_force(()), hosts=hosts, began=-1)
    told = Facts(interval=300.0)
    for host in ("web-1", "web-2"):
        world.judge.facts(record(told, source=host, at=at(0), epoch=7, number=1), told, at(0))
        world.says(0, host)
    world.passes(299)
    assert world.changes("web-1") == []
    assert world.changes("web-2") == [(121.0, "fired")]


def test_an_interval_that_the_configuration_says_no_more_is_the_one_that_the_host_told() -> None:
    world = World(rule("age > 3 * interval"), hosts=[Host(name="web-1", interval=600.0)])
    told = Facts(interval=10.0)
    world.judge.facts(record(told, source="web-1", at=at(0), epoch=7, number=1), told, at(0))
    web = world.judge.subjects["host", "web-1"]
    assert web.interval == 600.0
    world.judge.use(world.judge.rules, [Host(name="web-1")], [], at(1))
    assert web.interval == 10.0


def test_a_host_with_a_long_interval_is_not_silent_between_its_samples() -> None:
    rules = in_force([])
    world = World(*rules, hosts=[Host(name="web-1", interval=300.0)])
    world.says(0)
    world.says(300)
    assert world.told() == []
    world.passes(1300)
    assert world.told() == [(1201, "fired")]


def test_what_was_measured_long_before_is_no_evidence_but_a_sign_of_life() -> None:
    world = World(rule("cpu.percent > 90"), rule("age > 30s", name="silent"))
    world.says(0, cpu=10)
    world.says(40, cpu=99, late=3600)
    assert [one.rule for one in world.decisions] == ["silent", "silent"]
    assert world.told() == [(31, "fired"), (40, "resolved")]


def test_a_resent_sample_is_judged_once() -> None:
    world = World(rule("cpu.percent > 90", times=2))
    world.says(0, cpu=95)
    world.starts_anew("web-1", 1)
    world.says(5, cpu=95)
    assert world.told() == []


def test_what_is_sent_again_is_judged_once_however_many_places_look() -> None:
    world = World(rule("places(down) >= 1", name="down"))
    told = [
        record(Check(status), source=f"place-{n}", subject="shop", at=at(n), epoch=n, number=2, sent=at(n))
        for n, status in enumerate(["up"] * 30, 1)
    ]
    for n, one in enumerate(told, 1):
        world.take(one, n)
    before = record(Check("down"), source="place-1", subject="shop", at=at(0), epoch=1, number=1, sent=at(31))
    world.take(before, 31)
    assert world.told() == []
    for n in range(100, 200):
        world.take(replace(told[0], epoch=n), n)
    assert len(world.judge.subjects["service", "shop"].epochs) == MOST_EPOCHS


def test_what_is_lost_is_the_stores_to_say() -> None:
    world = World(rule("lost.messages > 1", name="lost"))
    world.says(0)
    own = Loss("web-1", 0, 5, 5, "damaged on disk in epoch 7")
    for number, about in enumerate(
        (own, Loss("web-2", 0, 1, 9, "damaged on disk"), Loss("web-1", 7, 5, 5, own.reason))
    ):
        source = "guardia.store-writer" if about.epoch else "web-1"
        told = record(about, source=source, subject="web-1", at=0, epoch=9, number=1 + number, sent=at(1))
        hand(world.judge, told, at(1))
    world.passes(10)
    assert world.told() == []
    assert world.judge.subjects["host", "web-1"].lost() == 1.0
    assert ("host", "web-2") not in world.judge.subjects


def test_a_missing_reading_is_neither_good_nor_bad() -> None:
    world = World(rule("cpu.percent > 90", times=2))
    world.says(0, cpu=95)
    world.says(10, cpu=None)
    world.says(20, cpu=95)
    assert world.changes() == [(0, "pending"), (20, "fired")]


def test_a_service_is_down_where_most_places_say_so() -> None:
    world = World(*in_force([]), services=[Service(name="shop", url="https://shop.example/")])
    world.checks(0, status="up", place="a")
    world.checks(1, status="down", place="b", error="refused")
    assert world.told() == []
    world.checks(2, status="down", place="c", error="refused")
    assert world.told() == [(2, "fired")]
    assert world.decisions[-1].incident is not None
    assert world.decisions[-1].incident.error == "refused"
    world.checks(3, status="up", place="b")
    assert world.told()[-1] == (3, "resolved")


def test_two_places_of_three_may_be_asked_for() -> None:
    world = World(rule("places(down) >= 2"))
    for place, status in (("a", "down"), ("b", "up"), ("c", "down")):
        world.checks(0, status=status, place=place)
    assert world.told() == [(0, "fired")]


def test_an_unknown_service_is_not_down() -> None:
    world = World(*in_force([]))
    world.checks(0, status="unknown")
    assert world.told() == []


def test_certificates_and_response_times_are_judged() -> None:
    world = World(rule("tls.days < 14", name="tls"), rule("response.ms > 500", name="slow"))
    world.checks(0, tls_days=30, response_ms=20)
    world.checks(10, tls_days=13, response_ms=900)
    assert sorted(one.rule for one in world.decisions) == ["slow", "tls"]


def test_a_mean_over_time_waits_for_half_of_its_past() -> None:
    world = World(rule("avg(cpu.percent, 60s) > 50"))
    for seconds in range(0, 100, 10):
        world.says(seconds, cpu=100 if seconds >= 40 else 0)
    # At 60 s three of six readings are high, at 70 s four.
    assert world.told() == [(70, "fired")]


def test_a_disk_that_fills_up_is_told_before_it_is_full() -> None:
    world = World(rule("forecast(disk[*].percent, 1h) >= 100"))
    for minute in range(40):
        world.says(60 * minute, root=50 + 0.9 * minute, home=30)
    told = world.decisions[0]
    assert (told.instance, str(told.change)) == ("/", "fired")
    assert told.text == "forecast(disk[/].percent, 1h) is 111.2 %, at or above 100 %"


def test_a_rate_of_change_is_judged() -> None:
    world = World(rule("rate(memory.used, 60s) > 1MB"))
    for seconds in range(0, 70, 10):
        world.sample(seconds, values={"memory.used": 2e6 * seconds})
    assert world.told() == [(30, "fired")]


def test_a_clock_that_is_wrong_is_told() -> None:
    world = World(*in_force([]))
    for seconds in range(0, 400, 10):
        world.says(seconds, skew=45.0)
    assert [one.rule for one in world.decisions if one.change == "fired"] == ["clock-skew"]


def test_a_rule_by_labels_is_judged_where_they_are() -> None:
    hosts = [Host(name="db-1", labels={"role": "db"}), Host(name="web-1", labels={"role": "web"})]
    world = World(rule("cpu.percent > 90", labels={"role": "db"}), hosts=hosts)
    world.says(0, "db-1", cpu=95)
    world.says(0, "web-1", cpu=95)
    assert [one.subject for one in world.decisions] == ["db-1"]


def test_a_rule_that_is_no_more_ends_its_alarms() -> None:
    world = World(rule("cpu.percent > 90"))
    world.says(0, cpu=95)
    world.judge.use([], [], [], at(10))
    world.says(20, cpu=95)
    assert [str(one.change) for one in world.decisions] == ["fired", "resolved"]


def test_a_rule_that_guardia_brings_is_changed_by_name() -> None:
    rules = {
        one.name: one
        for one in in_force(
            [RuleTable(name="host-silent", when="age > 9s"), RuleTable(name="data-lost", enabled=False)]
        )
    }
    assert rules["host-silent"].when.text == "age > 9s"
    assert rules["host-silent"].unreachable
    assert "data-lost" not in rules


readings = st.lists(
    st.tuples(st.sampled_from(["web-1", "web-2"]), st.sampled_from([10.0, 85.0, 95.0, None]), st.integers(1, 90)),
    max_size=60,
)


@given(readings)
def test_live_with_frequent_ticks_is_as_live_with_none(said: list[tuple[str, float | None, int]]) -> None:
    rules = [
        rule("cpu.percent > 90", name="cpu", for_=30.0, clear="cpu.percent < 80"),
        rule("age > 40s", name="silent"),
    ]
    seldom, often = World(*rules), World(*rules)
    now = 0.0
    for host, cpu, later in said:
        now += later
        often_now = often.now
        for second in range(math.ceil(often_now), math.floor(now)):
            often.passes(second)
        for world in (seldom, often):
            world.says(now, host, cpu=cpu)
    ids = [[one.incident.id for one in world.decisions if one.incident] for world in (seldom, often)]
    assert ids[0] == ids[1]
    for host in ("web-1", "web-2"):
        by_rule: dict[str, list[str]] = {}
        for one in seldom.decisions:
            if one.subject == host and one.change in ("fired", "resolved"):
                by_rule.setdefault(one.rule, []).append(str(one.change))
        for told in by_rule.values():
            assert told == ["fired", "resolved"] * (len(told) // 2) + ["fired"] * (len(told) % 2)


def test_the_reason_of_a_service_that_is_down_says_what_its_check_ended_with() -> None:
    world = World(
        rule("service.state == down", services=("*",)), services=[Service(name="shop", url="https://shop.example/")]
    )
    world.checks(0, "shop", "down", error="connection refused by 192.0.2.1:443")
    assert world.decisions[-1].text == "service.state is down: connection refused by 192.0.2.1:443"
    world.checks(60, "shop", "up")
    assert world.decisions[-1].text == "service.state is up"


def test_two_limits_of_one_age_are_said_once_and_without_thousandths() -> None:
    world = World(rule("age > 30s and age > 3 * interval"))
    world.says(0)
    world.passes(31.5)
    assert world.decisions[-1].text == "nothing heard for 31s, above 30s"


def test_a_host_that_is_gone_is_judged_no_longer_and_its_alarm_ends() -> None:
    rules = [rule("age > 30s", name="silent")]
    world = World(*rules, hosts=[Host(name="web-1"), Host(name="web-2")])
    world.says(0)
    world.passes(60)
    assert {one.subject for one in world.decisions if one.incident} == {"web-1", "web-2"}

    world.judge.use(
        rules, [Host(name="web-1", gone=True), Host(name="web-2"), Host(name="web-3", gone=True)], [], at(70)
    )
    ended = world.judge.decider.taken()
    assert [(one.subject, str(one.change), one.text) for one in ended] == [("web-1", "resolved", "the host is gone")]
    assert [subject.name for subject, _ in world.judge.standing()] == ["web-2"]
    world.passes(300)
    assert not [one for one in world.decisions if one.at > at(70) and one.subject in ("web-1", "web-3")]


def test_a_silent_host_does_not_recover_because_the_hub_begins_to_listen_anew() -> None:
    world = World(rule("age > 30s"))
    world.says(0)
    world.passes(60)
    world.judge.hearing.ends(at(60))
    world.passes(100)
    world.judge.hears(at(110))
    world.passes(400)
    assert world.told() == [(31, "fired")]
    world.says(401)
    assert world.told() == [(31, "fired"), (401, "resolved")]
    world.passes(440)
    assert world.told()[2:] == [(432, "fired")]


def test_what_waited_for_its_layout_is_judged_by_when_it_came_and_the_silence_of_its_host_ends_at_once() -> None:
    names = ("cpu.percent",)

    def unheard(world: World, seconds: float, cpu: float, number: int) -> None:
        sample = Sample(layout_id(names), (cpu,))
        told = record(sample, source="web-1", subject="web-1", at=at(seconds), epoch=7, number=number, sent=at(seconds))
        world.take(told, seconds)

    world = World(rule("cpu.percent > 90", name="busy"), rule("age > 30s", name="silent"), hosts=(Host("web-1"),))
    world.passes(0)
    assert world.told() == [(-29, "fired")]
    for number, cpu in enumerate((10, 95, 95, 10), 1):
        unheard(world, 5 * number, cpu, number)
    assert world.told() == [(-29, "fired"), (5, "resolved")]
    world.judge.layout(layout_id(names), names)
    world.passes(21)
    assert world.told()[2:] == [(10, "fired"), (20, "resolved")]
