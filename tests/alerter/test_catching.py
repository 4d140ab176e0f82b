"""What was missed is asked of the store: after a start nothing burns anew, ends too early or is back from the dead."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from alerter.catching import REST, Catching
from alerter.handing import judged
from alerter.leaving import withdraw
from alerter.memory import Memory
from alerter.rules import Rule
from alerter.subjects import Subject
from bus.loop import Loop
from bus.messages import IMPORT, Check, Facts, Loss, Message, Sample
from bus.questions import (
    Layouts,
    Range,
    Stored,
    Subjects,
)
from bus.tables import Host
from bus.wire import Record, pack, record
from tests.alerter.given import SECOND, Hearer, at, rule
from tests.alerter.lives import CPU, Alerter, Store

DAY = 86_400.0


Life = Callable[..., Alerter]


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    """Begins a life of the alerter on the same memory and store; the one before it is over."""
    context: zmq.Context[Any] = zmq.Context()
    memory, store, lives = Memory(tmp_path), Store(context), list[Alerter]()

    def made(*rules: Rule, now: float = 0.0, **more: Any) -> Alerter:
        for one in lives[-1:]:
            one.close()
        lives.append(Alerter(store, memory, rules, now, context, **more))
        return lives[-1]

    yield made
    lives[-1].close()
    store.answers.close()
    memory.close()
    context.term()


def spoken(one: Alerter) -> list[tuple[str, str]]:
    """What people heard in this life."""
    assert isinstance(one.speaker, Hearer)
    return one.speaker.spoken


def until(one: Alerter, seen: Callable[[], bool]) -> None:
    """Let time stand, and the store answer, until something holds."""
    end = time.monotonic() + 30
    while not seen():
        assert time.monotonic() < end, "it did not happen"
        one.store.answer()
        one.loop.pass_once(0.01)
        one.listening.pulse()


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


@pytest.mark.parametrize("told", ["facts", "alarm"])
def test_a_host_that_was_forgotten_is_not_silent_anew(life: Life, told: str) -> None:
    silent = rule("age > 2m", name="silent")
    first = life(silent)
    first.starts()
    first.says(0, cpu=10)
    if told == "facts":
        first.store.keeps(0, Facts(interval=10.0))
    first.passes(300)
    gone = first.world.judge.forget(int(7 * DAY) * SECOND, at(8 * DAY))
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


def test_what_was_missed_is_judged_by_when_it_came(life: Life) -> None:
    rules = rule("age > 30s", name="silent"), rule("cpu.percent > 90", name="busy", for_=20.0)
    first = life(*rules)
    first.starts()
    first.says(1, cpu=10)
    for when in range(2, 45, 2):
        first.store.says(when, cpu=99 if when >= 10 else 10)

    second = life(*rules, now=45.0)
    second.starts()
    (incident,) = second.world.judge.decider.open.values()
    assert (incident.rule, incident.started_at, incident.changed_at) == ("busy", at(10), at(30))
    assert spoken(second) == [("web-1", "firing")]


def test_what_waits_in_the_socket_and_what_was_read_is_judged_in_one_order(life: Life) -> None:
    one = life(rule("cpu.percent > 90", name="busy"), now=0.5)
    one.listening.begin(one.committer.restore(at(0.5)))
    one.now = 2.0
    for when in (0.9, 1.2, 1.5):
        one.stair.says(when, cpu=99)
    # Of a store that is asked for the first time only the newest is read: it came after what waits.
    one.store.says(1.5, cpu=99)
    one.catches_up()
    assert [incident.started_at for incident in one.world.judge.decider.open.values()] == [at(0.9)]


def test_what_a_collector_told_before_it_was_heard_again_is_read_and_judged_in_its_order(life: Life) -> None:
    rules = [rule("cpu.percent > 90", name="busy"), rule("service.state == down", name="down")]
    one = life(*rules, rule("age > 30s", name="silent"), now=0.5)
    one.starts()
    one.stair.says(1, cpu=10)
    one.hears(1.5)
    one.now = 2.0
    one.stair.comes(one.listening)
    one.store.says(2.1, cpu=99)
    one.store.says(2.1, cpu=99, subject="web-2")
    one.store.keeps(2.1, Check("down"), "shop", source="guardia.prober")
    one.stair.says(2.2, cpu=99)
    one.hears(2.5)
    assert spoken(one) == [], "what was told to others is not on the disk yet"
    one.hears(3.1)
    began = {incident.subject: incident.started_at for incident in one.world.judge.decider.open.values()}
    assert began == {"web-2": at(2.1), "shop": at(2.1), "web-1": at(2.1)}
    one.now = 30.0
    one.stair.comes(one.listening)
    one.stair.says(30, cpu=99)
    one.hears(30.9)
    one.hears(31.1)
    one.hears(32)
    assert len(spoken(one)) == 3, "nobody is silent whose words wait"


def test_who_was_heard_of_long_enough_before_the_start_asks_the_store_once(life: Life) -> None:
    for before, times in ((2.0, 1), (0.1, 2)):
        one = life(rule("age > 30s", name="silent"), now=0.0)
        asked = len(one.store.asked)
        one.stair.comes(one.listening)
        one.now = before
        one.starts()
        one.hears(before + 5)
        assert sum(isinstance(question, Subjects) for question in one.store.asked[asked:]) == 3 * times


def test_nobody_is_silent_whose_words_wait_while_those_of_others_are_read(life: Life) -> None:
    rules = (rule("age > 5s", name="silent"),)
    first = life(*rules)
    first.starts()
    for host in ("db-1", "web-1"):
        first.store.says(1, cpu=10, subject=host)
    first.passes(0.5)
    first.committer.note_judged()

    second = life(*rules, now=12.0)
    # The store was asked for db-1 before it had more, and for web-1 after.
    for when in range(2, 12):
        second.store.says(when, cpu=10)
    for when in (1, 4, 7, 10):
        second.stair.says(when, "db-1")
    second.starts()
    assert spoken(second) == []


def test_while_nobody_knows_what_hosts_say_they_are_not_silent_and_it_is_asked_now_and_then(life: Life) -> None:
    silent = rule("age > 30s", name="silent")
    one = life(silent)
    one.starts()
    asked = len(one.store.asked)
    sample = Sample(CPU.id, (10.0,))
    for second in range(100):
        told = record(
            sample, source="web-1", subject="web-1", at=at(second), epoch=9, number=second + 1, sent=at(second)
        )
        one.world.passes(second)
        one.world.judge.sample(told, at(second))
        one.catching.layouts(one.world.judge.unknown_layouts())
        one.loop.pass_once(0.0)
    one.passes(99)
    assert spoken(one) == []
    assert [type(question) for question in one.store.asked[asked:]] == []

    while CPU.id not in one.world.judge.layouts:
        one.store.answer()
        one.loop.pass_once(0.01)
    assert [type(question) for question in one.store.asked[asked:]] == [Layouts]
    one.passes(140)
    assert spoken(one) == [("web-1", "firing")]


def test_for_layouts_that_the_store_does_not_know_it_is_not_asked_with_each_sample(life: Life) -> None:
    one = life()
    one.starts()
    asked, began = len(one.store.asked), time.monotonic()
    for number in range(1, 201):
        told = record(Sample(number, (1.0,)), source="bad", subject="bad", at=at(1), epoch=9, number=number)
        one.world.judge.sample(told, at(1))
        one.catching.layouts(one.world.judge.unknown_layouts())
        one.store.answer()
        one.loop.pass_once(0.001)
    questions = [type(question) for question in one.store.asked[asked:]]
    assert 1 <= questions.count(Layouts) <= 2 + (time.monotonic() - began) / REST


def test_questions_that_nobody_answers_do_not_pile_up(life: Life) -> None:
    one = life(now=0.0)
    one.starts()
    impatient = Catching(one.ask, Loop(), one.world.judge, logging.getLogger("test"), lambda: 0, patience=0.0)
    for number in range(1000):
        impatient.layouts((number + 1,))
        impatient._loop.pass_once(0.0)
    assert len(impatient._open) + len(impatient._queue) <= 1


@pytest.mark.parametrize("seed", range(30))
def test_of_one_millisecond_nothing_is_judged_twice_or_missed(life: Life, seed: int) -> None:
    chance, busy = random.Random(seed), rule("cpu.percent > 90", name="busy")
    first = life(busy)
    first.starts()
    first.world.judge.layout(CPU.id, CPU.names)
    told: list[tuple[int, Record]] = []
    for number in range(1, 25):
        received = at(1) + chance.choice((0, 1_000_000))
        host, epoch = chance.choice((("web-1", 7), ("web-2", 8), ("guardia.reader", 0)))
        body = Sample(CPU.id, (float(number),))
        one = record(
            body,
            source=host,
            subject=host,
            at=at(0) + number,
            epoch=epoch,
            number=number if epoch else 0,
            sent=received,
        )
        told.append((received, one))
        first.store.rows.append(Stored(received, pack(one)))
    told.sort(key=lambda one: one[0])
    lived = told[: chance.randrange(1, len(told) + 1)]
    for received, one in lived:
        judged(first.world.judge, one, received)
        first.committer.note([one], received)
    first.committer.note_judged()

    again = heard(life(busy, now=5.0))
    assert sorted(again) == sorted((received, one.number, one.at) for received, one in told[len(lived) :])
    assert heard(life(busy, now=6.0)) == []


def heard(one: Alerter) -> list[tuple[int, int, int]]:
    """What a life judges when it starts, before it is killed."""
    found: list[tuple[int, int, int]] = []
    sample = one.world.judge.sample

    def seen(record: Record, received: int) -> None:
        found.append((received, record.number, record.at))
        sample(record, received)

    one.world.judge.sample = seen  # type: ignore[method-assign]
    one.listening.begin(one.committer.restore(at(one.now)))
    while not one.listening.began:
        one.store.answer()
        one.loop.pass_once(0.01)
    one.committer.note_judged()
    return found
