"""The outbox on disk: what was decided is sent, whatever dies in between."""

from __future__ import annotations

import logging
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from alerter.channels.webhook import Webhook
from alerter.incidents import Hold
from alerter.memory import MemoryFull
from alerter.outbox import Later, Never
from alerter.routes import Notify, Step
from alerter.speaker import LATER_SECONDS, MOST_LOOKED_AT_ALONE
from alerter.speaking import means, threads
from bus.config import Secret
from bus.loop import Loop
from tests.alerter.receiver import Receiver, Reply
from tests.alerter.rooms import Friend, Rooms
from tests.alerter.shapes import NOON, SECOND, acknowledged, burning, over, service_down

HOLD = Hold("silence", "silenced by anna", None)


def test_an_alarm_and_its_recovery_are_told_once_each(rooms: Rooms) -> None:
    ops = Friend()
    room = rooms({"ops": ops})
    room.judged(burning())
    room.quiet()
    room.judged(burning())
    room.judged(over(burning()))
    room.quiet()
    assert ops.texts() == [("alarm", "web-1"), ("recovery", "web-1")]
    assert [(one.outcome, one.transition, one.channel) for one in room.notices] == [
        ("delivered", 1, "ops"),
        ("delivered", 2, "ops"),
    ]


def test_a_letter_knows_where_people_see_the_hub_as_the_settings_say_by_then(rooms: Rooms) -> None:
    ops = Friend()
    room = rooms({"ops": ops}, Notify(group_seconds=0.0, link="https://old.example"))
    room.judged(burning())
    room.quiet()
    room.speaker.use(means(Notify(group_seconds=0.0, link="https://guardia.example"), {"ops": ops}))
    room.judged(over(burning()))
    room.quiet()
    assert [letter.link for letter in ops.heard] == ["https://old.example", "https://guardia.example"]


@pytest.mark.parametrize("by", [2 * 86_400, -2 * 86_400])
def test_a_clock_that_is_set_gives_nothing_up_and_reminds_nobody_sooner_or_later(rooms: Rooms, by: int) -> None:
    ops, chat = Friend(outcomes=[Later(0.01, "no network")] * 5), Friend()
    room = rooms({"ops": ops, "chat": chat}, Notify(group_seconds=0.0, reminder=600.0))
    room.judged(burning())
    room.until(lambda: len(ops.outcomes) < 5)
    room.now += by * SECOND
    with room.memory.transaction() as transaction:
        room.speaker.jumped(transaction, [burning().id], by * SECOND)
    room.judged(burning())
    room.quiet()
    assert ops.texts() == chat.texts() == [("alarm", "web-1")]
    room.now += 601 * SECOND
    room.judged(burning())
    room.quiet()
    assert ops.texts() == chat.texts() == [("alarm", "web-1"), ("reminder", "web-1")]


def test_a_clock_that_was_set_back_between_two_lives_keeps_nobody_from_reminders_and_escalations(rooms: Rooms) -> None:
    notify = Notify(channels=("ops",), group_seconds=0.0, reminder=600.0, escalate=(Step(900.0, ("boss",)),))
    room = rooms({"ops": Friend(), "boss": Friend()}, notify)
    room.judged(burning())
    room.quiet()

    ops, boss = Friend(), Friend()
    room = rooms({"ops": ops, "boss": boss}, notify, now=NOON - 86_400 * SECOND)
    for _ in range(4):
        room.judged(burning())
        room.quiet()
        room.now += 301 * SECOND
    assert (ops.texts(), boss.texts()) == ([("reminder", "web-1")], [("escalation", "web-1")])


def test_what_is_refused_after_a_clock_was_set_back_is_not_told_again_and_again(rooms: Rooms) -> None:
    ops = Friend(outcomes=[Never("404")] * 9)
    room = rooms({"ops": ops})
    room.now -= 86_400 * SECOND
    with room.memory.transaction() as transaction:
        room.speaker.jumped(transaction, [], -86_400 * SECOND)
    for _ in range(3):
        room.now += 2 * SECOND
        room.judged(burning())
        room.quiet()
    assert len(ops.outcomes) == 8


@pytest.mark.parametrize("how", ["read again", "started anew"])
def test_what_a_channel_refused_is_told_once_it_is_another(rooms: Rooms, how: str) -> None:
    wrong, right = Friend(outcomes=[Never("401: no such token")], key=Secret("wrong-token")), Friend()
    room = rooms({"ops": wrong})
    room.judged(burning())
    room.quiet()
    room.now += 60 * SECOND
    room.judged(burning())
    assert (wrong.texts(), room.waiting()) == ([], 0)

    if how == "read again":
        room.speaker.use(means(Notify(group_seconds=0.0), {"ops": right}))
    else:
        room = rooms({"ops": right}, now=NOON + 120 * SECOND)
    for _ in range(2):
        room.judged(burning())
        room.quiet()
    room.judged(over(burning()))
    room.quiet()
    assert right.texts() == [("alarm", "web-1"), ("recovery", "web-1")]
    assert [one.outcome for one in room.told(burning())["ops"].said] == ["never", "delivered", "delivered"]


def test_what_a_channel_refused_hours_ago_is_told_once_it_is_another(rooms: Rooms) -> None:
    notify = Notify(group_seconds=0.0, reminder=3600.0)
    room = rooms({"ops": Friend(outcomes=[Never("404")])}, notify)
    room.judged(burning())
    room.quiet()
    room.now += 3601 * SECOND
    room.judged(burning())
    room.quiet()
    assert [one.outcome for one in room.told(burning())["ops"].said] == ["never", "withdrawn"]

    right = Friend()
    room = rooms({"ops": right}, notify, now=room.now + SECOND)
    room.judged(burning())
    room.quiet()
    assert right.texts() == [("alarm", "web-1")]


def test_what_a_transaction_did_not_commit_is_not_said(rooms: Rooms) -> None:
    ops = Friend()
    room = rooms({"ops": ops})
    room.memory.refuses.append(True)
    with pytest.raises(MemoryFull):
        room.judged(burning())
    for _ in range(3):
        room.loop.pass_once(0.02)
    assert room.waiting() == 0
    assert ops.heard == []


def test_what_one_life_left_the_next_one_sends_under_the_same_key(rooms: Rooms) -> None:
    ops = Friend(outcomes=[Later(60.0, "no answer", maybe=True)])
    room = rooms({"ops": ops})
    room.judged(burning())
    room.until(lambda: bool(room.notices))

    room = rooms({"ops": ops})
    room.quiet()
    assert [letter.key for letter in ops.heard] == [f"{burning().id}.1.ops"]
    assert room.notices[-1].attempt == 2


def test_of_what_was_under_way_when_a_life_ended_the_end_is_told_whatever_came_of_the_next_try(rooms: Rooms) -> None:
    gate = threading.Event()
    room = rooms({"ops": Friend(gate=gate)})
    room.judged(burning())
    room.until(lambda: room.workers.busy == 1)

    ops = Friend(outcomes=[Never("404")])
    room = rooms({"ops": ops})
    gate.set()
    room.quiet()
    room.judged(over(burning()))
    room.quiet()
    assert ops.texts() == [("recovery", "web-1")]


def test_a_dead_channel_blocks_no_other(rooms: Rooms) -> None:
    gate = threading.Event()
    stuck, ops = Friend(gate=gate), Friend()
    room = rooms({"stuck": stuck, "ops": ops})
    room.judged(burning(), service_down())
    room.until(lambda: len(ops.texts()) == 2)
    assert stuck.heard == []
    gate.set()
    room.quiet()
    assert len(stuck.texts()) == 2


def test_after_an_outage_of_the_receiver_there_is_one_digest(rooms: Rooms) -> None:
    ops = Friend(outcomes=[Later(600.0, "connection refused")])
    room = rooms({"ops": ops})
    room.judged(burning())
    room.until(lambda: bool(room.notices))
    many = [burning(id=f"{number:016x}", subject=f"web-{number}") for number in range(30)]
    room.judged(*many)
    room.judged(over(burning()))
    room.ahead += 600
    room.quiet()
    assert len(ops.heard) == 1
    assert len(ops.heard[0].items) == 32


def test_a_hold_is_told_as_a_reason_and_its_end_speaks(rooms: Rooms) -> None:
    ops = Friend()
    room = rooms({"ops": ops})
    reasons = room.judged(burning(), holds={burning().id: (HOLD,)})
    assert [one.verdict for one in reasons[burning().id]] == ["held_by_silence"]
    room.judged(burning())
    room.quiet()
    assert ops.texts() == [("alarm", "web-1")]


def test_who_hears_of_an_alarm_that_is_acknowledged_already_hears_of_its_end(rooms: Rooms) -> None:
    ops = Friend()
    room = rooms({"ops": ops})
    known = acknowledged(burning())
    room.judged(known, holds={known.id: (HOLD,)})
    room.judged(known)
    room.quiet()
    room.judged(over(known))
    room.quiet()
    assert ops.texts() == [("alarm", "web-1"), ("acknowledged", "web-1"), ("recovery", "web-1")]


def test_what_became_graver_while_its_alarm_waits_is_told_in_its_order(rooms: Rooms) -> None:
    ops = Friend(outcomes=[Later(0.01, "no network")] * 3)
    room = rooms({"ops": ops})
    room.judged(burning())
    room.until(lambda: len(ops.outcomes) < 3)
    graver = burning(severity="critical")
    room.judged(graver)
    room.judged(over(graver))
    room.ahead += 600
    room.quiet()
    assert ops.texts() == [("alarm", "web-1"), ("recovery", "web-1")]


def test_a_channels_own_fault_is_tried_again_and_tells_no_secret(
    rooms: Rooms, caplog: pytest.LogCaptureFixture
) -> None:
    ops = Friend(outcomes=[RuntimeError("cannot open with s3same-open"), Later(0.01, "key s3same-open is tired")])
    room = rooms({"ops": ops})
    with caplog.at_level(logging.DEBUG):
        room.judged(burning())
        room.quiet()
    assert ops.texts() == [("alarm", "web-1")]
    told = repr(room.notices) + repr(room.told(burning())) + caplog.text
    assert "cannot open with ***" in told
    assert "s3same" not in told


def test_when_the_disk_is_full_after_an_attempt_the_outcome_is_written_later_and_nothing_sent_twice(
    rooms: Rooms,
) -> None:
    gate = threading.Event()
    ops = Friend(gate=gate)
    room = rooms({"ops": ops})
    room.judged(burning())
    gate.set()
    # One commit puts the letter's key on disk, the next one its outcome: that one fails.
    room.memory.refuses += [False, True]
    room.quiet()
    assert len(ops.heard) == 1
    assert room.memory.refuses == []


def test_what_could_not_be_told_in_a_day_is_given_up_and_counted(rooms: Rooms) -> None:
    ops = Friend(outcomes=[Later(600.0, "connection refused")])
    room = rooms({"ops": ops})
    room.judged(burning())
    room.until(lambda: bool(room.notices))
    room.now += 86_401 * SECOND
    room.ahead += 600
    room.quiet()
    assert ops.heard == []
    assert room.speaker.counts["given_up"] == 1
    assert room.told(burning())["ops"].said[-1].outcome == "never"


def test_more_than_is_looked_at_at_once_is_given_up_and_what_comes_then_is_told(rooms: Rooms) -> None:
    ops = Friend(group=False, outcomes=[Later(600.0, "connection refused")])
    room = rooms({"ops": ops})
    room.judged(*(burning(id=f"{number:016x}", subject=f"web-{number}") for number in range(MOST_LOOKED_AT_ALONE)))
    room.until(lambda: bool(room.notices))
    room.now += 86_401 * SECOND
    room.ahead += 600
    room.judged(service_down())
    room.quiet()
    assert ops.texts() == [("alarm", "shop")]
    assert room.speaker.counts["given_up"] == MOST_LOOKED_AT_ALONE


def test_what_waits_for_a_channel_that_is_no_more_is_given_up_and_others_are_told(
    rooms: Rooms, caplog: pytest.LogCaptureFixture
) -> None:
    room = rooms({"old": Friend(outcomes=[Later(60.0, "refused")])})
    room.judged(burning())
    room.until(lambda: bool(room.notices))

    new = Friend()
    room = rooms({"new": new})
    room.until(lambda: room.waiting() == 0)
    assert "1 notices are given up: old is configured no more" in caplog.text
    assert room.told(burning())["old"].said[-1].outcome == "never"
    room.judged(burning())
    room.judged(over(burning()))
    room.quiet()
    assert new.texts() == [("alarm", "web-1"), ("recovery", "web-1")]


def test_a_full_disk_keeps_what_waits_for_a_channel_that_is_no_more_and_ends_nobody(
    rooms: Rooms, caplog: pytest.LogCaptureFixture
) -> None:
    room = rooms({"old": Friend(outcomes=[Later(60.0, "refused")])})
    room.judged(burning())
    room.until(lambda: bool(room.notices))
    room.memory.refuses += [True]
    room.speaker.use(means(Notify(group_seconds=0.0), {}))
    assert "is not given up yet: no room" in caplog.text
    assert room.waiting() == 1
    room.ahead += LATER_SECONDS
    room.quiet()
    assert room.told(burning())["old"].said[-1].outcome == "never"


def test_channels_that_are_added_have_threads_of_their_own() -> None:
    loop = Loop()
    program: Any = SimpleNamespace(loop=loop, settings={"channels": {"ops": Friend()}}, on_reload=[])
    workers = threads(program)
    before = workers.count
    program.settings = {"channels": {f"ops-{number}": Friend() for number in range(5)}}
    for handler in program.on_reload:
        handler(None)
    assert workers.count == before + 4
    loop.end()


def test_what_was_under_way_to_a_channel_that_is_no_more_does_not_wait_for_it(rooms: Rooms) -> None:
    gate = threading.Event()
    room = rooms({"ops": Friend(outcomes=[Later(0.01, "tired")], gate=gate)}, Notify(group_seconds=0.0))
    room.judged(burning())
    room.until(lambda: room.workers.busy == 1)
    room.speaker.use(means(Notify(group_seconds=0.0), {}))
    gate.set()
    room.until(lambda: room.workers.busy == 0)
    assert room.waiting() == 0


def test_channels_that_are_read_again_hold_from_then_on(rooms: Rooms) -> None:
    old, new, boss = Friend(), Friend(), Friend()
    room = rooms({"ops": old})
    room.judged(burning())
    room.quiet()
    channels = {"ops": new, "boss": boss}
    room.speaker.use(means(Notify(channels=("boss",), group_seconds=0.0), channels))
    room.judged(over(burning()))
    room.judged(service_down())
    room.quiet()
    assert old.texts() == [("alarm", "web-1")]
    assert new.texts() == [("recovery", "web-1")]
    assert boss.texts() == [("alarm", "shop")]


def test_vitals_tell_what_waits_and_for_how_long(rooms: Rooms) -> None:
    room = rooms({"ops": Friend(outcomes=[Later(60.0, "refused")])})
    room.judged(burning())
    room.until(lambda: bool(room.notices))
    room.now += 90 * SECOND
    found = room.speaker.vitals()
    assert (found["outbox.waiting"], found["outbox.oldest_seconds"]) == (1.0, 90.0)
    assert found["notices.failed_total"] == 1.0


def test_a_real_receiver_that_is_away_and_comes_back_has_every_notice_once(rooms: Rooms) -> None:
    with Receiver() as receiver:
        port = receiver.port
    hook = Webhook(url=f"http://127.0.0.1:{port}/hook", timeout=20.0)
    room = rooms({"ops": hook})
    room.judged(burning(), service_down())
    room.until(lambda: bool(room.notices))
    assert {one.detail for one in room.notices} == {"connection refused"}
    with Receiver(port=port, replies=[Reply(429, headers={"Retry-After": "0"})]) as receiver:
        room.judged(over(burning()))
        room.quiet()
        taken = receiver.requests[1:]
        states = [(one.json()["id"], one.json()["state"]) for one in taken]
        assert sorted(states) == sorted(
            [(burning().id, "firing"), (service_down().id, "firing"), (burning().id, "resolved")]
        )
        assert states.index((burning().id, "firing")) < states.index((burning().id, "resolved"))
        assert len({one.headers["idempotency-key"] for one in taken}) == 3
