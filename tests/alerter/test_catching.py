"""What was missed is asked of the store and judged in one order with what is heard; the store is not asked in vain."""

from __future__ import annotations

import logging
import random
import time

import pytest

from alerter.catching import REST, Catching
from alerter.handing import hand
from bus.fields import MAX_ITEMS
from bus.loop import Loop
from bus.messages import Check, Sample
from bus.questions import Layouts, Stored, Subjects
from bus.wire import Record, pack, record
from tests.alerter.given import at, rule
from tests.alerter.lives import CPU, Alerter, Life, spoken


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


def test_more_layouts_than_one_question_may_name_are_asked_for_in_several(life: Life) -> None:
    one = life()
    one.starts()
    asked = len(one.store.asked)
    ids = tuple(range(1, 2 * MAX_ITEMS + 2))
    one.catching.layouts(ids)
    while sum(isinstance(question, Layouts) for question in one.store.asked[asked:]) < 3:
        one.store.answer()
        one.loop.pass_once(0.001)
    found = [number for question in one.store.asked[asked:] if isinstance(question, Layouts) for number in question.ids]
    assert sorted(found) == list(ids)


def test_questions_that_nobody_answers_do_not_pile_up(life: Life) -> None:
    one = life(now=0.0)
    one.starts()
    impatient = Catching(one.ask, Loop(), one.world.judge, logging.getLogger("test"), lambda: 0, patience=0.0)
    for number in range(1000):
        impatient.layouts((number + 1,))
        impatient._loop.pass_once(0.0)
    assert len(impatient._asking._open) + len(impatient._asking._line) <= 1


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
        hand(first.world.judge, one, received)
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
