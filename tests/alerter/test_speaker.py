"""The outbox on disk: what was decided is sent, whatever dies in between."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from alerter.channels.common import Carries, Channel
from alerter.channels.webhook import Webhook
from alerter.incidents import Hold, Incident
from alerter.letters import Letter
from alerter.memory import Memory, MemoryFull, Transaction
from alerter.outbox import Delivered, Later, Never, Outcome, Policy
from alerter.posting import Carrier
from alerter.routes import Notify, routes
from alerter.speaker import Speaker
from bus.config import Secret
from bus.loop import Loop
from bus.messages import Notice
from bus.workers import Workers
from tests.alerter.receiver import Receiver, Reply
from tests.alerter.shapes import NOON, SECOND, burning, over, service_down

LOG = logging.getLogger("guardia.test")
HOLD = Hold("silence", "silenced by anna", None)


@dataclass(frozen=True, kw_only=True)
class Friend(Channel):
    """A channel that does what the test says."""

    outcomes: list[Outcome | Exception] = field(default_factory=list)
    heard: list[Letter] = field(default_factory=list)
    key: Secret = Secret("s3same-open")  # noqa: RUF009
    gate: threading.Event | None = None

    def send(self, letter: Letter, carrier: Carries, link: str = "") -> Outcome:
        if self.gate is not None:
            self.gate.wait(10)
        outcome = self.outcomes.pop(0) if self.outcomes else Delivered("ok")
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, Delivered):
            self.heard.append(letter)
        return outcome

    def texts(self) -> list[tuple[str, str]]:
        """What was heard: about what, of whom."""
        return [(item.about, item.incident.subject) for letter in self.heard for item in letter.items]


class Narrow(Memory):
    """A memory whose disk is full when the test says so."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.refuses: list[bool] = []

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Refused at its end if that is the next thing in ``refuses``."""
        with super().transaction() as transaction:
            yield transaction
            if self.refuses and self.refuses.pop(0):
                raise MemoryFull("no room")


class Room:
    """A speaker with a loop of its own on a memory in a folder."""

    def __init__(
        self, folder: Path, channels: Mapping[str, Channel], notify: Notify | None = None, now: int = NOON
    ) -> None:
        notify = notify or Notify(group_seconds=0.0)
        self.memory, self.loop = Narrow(folder / "alerter"), Loop()
        self.workers = Workers(self.loop, max(2, len(channels)), "notice")
        self.notices: list[Notice] = []
        self.now = now
        policy = Policy(notify.group_seconds, notify.storm_count, notify.failover_seconds, notify.expire_seconds)
        self.speaker = Speaker(
            self.memory,
            channels,
            routes(notify, channels),
            policy=policy,
            carrier=Carrier(("127.0.0.0/8",)),
            link="",
            loop=self.loop,
            workers=self.workers,
            log=LOG,
            tell=lambda notice, _subject, _at: self.notices.append(notice),
            wall=lambda: self.now,
            chance=lambda: 0.0,
        )
        self.speaker.start()

    def judged(self, *incidents: Incident, holds: Mapping[str, Sequence[Hold]] | None = None) -> Any:
        with self.memory.transaction() as transaction:
            return self.speaker.consider(transaction, incidents, holds or {}, self.now)

    def until(self, seen: Callable[[], bool], seconds: float = 10.0) -> None:
        end = time.monotonic() + seconds
        while not seen():
            assert time.monotonic() < end, "it did not happen"
            self.loop.pass_once(0.05)

    def waiting(self) -> int:
        with self.memory.reading() as view:
            return view.count("outbox")

    def quiet(self) -> None:
        self.until(lambda: self.waiting() == 0)

    def told(self, incident: Incident) -> Mapping[str, Any]:
        with self.memory.reading() as view:
            return self.speaker.history(view, incident.id)

    def close(self) -> None:
        self.workers.close()
        self.memory.close()


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Callable[..., Room]]:
    opened: list[Room] = []

    def made(channels: Mapping[str, Channel], notify: Notify | None = None, now: int = NOON) -> Room:
        for room in opened:
            room.close()
        opened.append(Room(tmp_path, channels, notify, now))
        return opened[-1]

    yield made
    for room in opened[-1:]:
        room.close()


Rooms = Callable[..., Room]


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


@pytest.mark.parametrize("by", [2 * 86_400, -2 * 86_400])
def test_a_clock_that_is_set_gives_nothing_up_and_reminds_nobody_sooner_or_later(rooms: Rooms, by: int) -> None:
    ops, chat = Friend(outcomes=[Later(0.0, "no network")] * 5), Friend()
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
        ways = routes(Notify(), {"ops": right})
        room.speaker.use({"ops": right}, ways, policy=Policy(0.0), carrier=Carrier(), link="")
    else:
        room = rooms({"ops": right}, now=NOON + 120 * SECOND)
    for _ in range(2):
        room.judged(burning())
        room.quiet()
    room.judged(over(burning()))
    room.quiet()
    assert right.texts() == [("alarm", "web-1"), ("recovery", "web-1")]
    assert [one.outcome for one in room.told(burning())["ops"].said] == ["never", "delivered", "delivered"]


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


def test_what_is_refused_goes_to_the_fallback_and_the_recovery_only_there(rooms: Rooms) -> None:
    ops, spare = Friend(fallback="spare", outcomes=[Never("404")]), Friend()
    room = rooms({"ops": ops, "spare": spare})
    room.judged(burning())
    room.quiet()
    room.judged(over(burning()))
    room.quiet()
    assert ops.texts() == []
    assert spare.texts() == [("alarm", "web-1"), ("recovery", "web-1")]
    assert [(one.outcome, one.detail) for one in room.told(burning())["ops"].said] == [
        ("never", "404"),
        ("withdrawn", "the alarm itself never arrived there"),
    ]


def test_an_alarm_already_over_when_it_is_refused_reaches_the_fallback_with_its_recovery(rooms: Rooms) -> None:
    ops, spare = Friend(fallback="spare", outcomes=[Never("410")]), Friend()
    room = rooms({"ops": ops, "spare": spare}, Notify(group_seconds=0.0))
    room.judged(burning())
    room.judged(over(burning()))
    room.quiet()
    heard = [*ops.texts(), *spare.texts()]
    assert heard == [("alarm", "web-1"), ("recovery", "web-1")]
    assert ops.texts() == []


def test_a_channel_that_takes_nothing_for_long_has_its_fallback_told(rooms: Rooms) -> None:
    ops, spare = Friend(fallback="spare", outcomes=[Later(0.0, "connection refused")] * 3), Friend()
    room = rooms({"ops": ops, "spare": spare}, Notify(group_seconds=0.0, failover_seconds=0.0))
    room.judged(burning())
    room.quiet()
    room.judged(over(burning()))
    room.quiet()
    assert ops.texts() == spare.texts() == [("alarm", "web-1"), ("recovery", "web-1")]


def test_a_channel_that_asks_for_an_hours_patience_has_its_fallback_told_in_time(rooms: Rooms) -> None:
    ops, spare = Friend(fallback="spare", outcomes=[Later(3600.0, "429")]), Friend()
    room = rooms({"spare": spare, "ops": ops}, Notify(channels=("ops",), group_seconds=0.0, failover_seconds=0.3))
    room.judged(burning())
    room.until(lambda: bool(spare.texts()))
    assert (ops.texts(), spare.texts()) == ([], [("alarm", "web-1")])


def test_after_an_outage_of_the_receiver_there_is_one_digest(rooms: Rooms) -> None:
    ops = Friend(outcomes=[Later(0.3, "connection refused")])
    room = rooms({"ops": ops})
    room.judged(burning())
    room.until(lambda: bool(room.notices))
    many = [burning(id=f"{number:016x}", subject=f"web-{number}") for number in range(30)]
    room.judged(*many)
    room.judged(over(burning()))
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


def test_a_channels_own_fault_is_tried_again_and_tells_no_secret(
    rooms: Rooms, caplog: pytest.LogCaptureFixture
) -> None:
    ops = Friend(outcomes=[RuntimeError("cannot open with s3same-open"), Later(0.0, "key s3same-open is tired")])
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
    ops = Friend(outcomes=[Later(0.2, "connection refused")])
    room = rooms({"ops": ops})
    room.judged(burning())
    room.until(lambda: bool(room.notices))
    room.now += 86_401 * SECOND
    room.quiet()
    assert ops.heard == []
    assert room.speaker.counts["given_up"] == 1
    assert room.told(burning())["ops"].said[-1].outcome == "never"


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


def test_channels_that_are_read_again_hold_from_then_on(rooms: Rooms) -> None:
    old, new, boss = Friend(), Friend(), Friend()
    room = rooms({"ops": old})
    room.judged(burning())
    room.quiet()
    channels = {"ops": new, "boss": boss}
    ways = routes(Notify(channels=("boss",)), channels)
    room.speaker.use(channels, ways, policy=Policy(group_seconds=0.0), carrier=Carrier(()), link="")
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
    hook = Webhook(url=f"http://127.0.0.1:{port}/hook", timeout=2.0)
    room = rooms({"ops": hook})
    room.judged(burning(), service_down())
    room.until(lambda: bool(room.notices))
    assert {one.detail for one in room.notices} == {"connection refused"}
    with Receiver(port=port) as receiver:
        receiver.replies.append(Reply(429, headers={"Retry-After": "0"}))
        room.judged(over(burning()))
        room.until(lambda: room.waiting() == 0, 20.0)
        taken = receiver.requests[1:]
        states = [(one.json()["id"], one.json()["state"]) for one in taken]
        assert sorted(states) == sorted(
            [(burning().id, "firing"), (service_down().id, "firing"), (burning().id, "resolved")]
        )
        assert states.index((burning().id, "firing")) < states.index((burning().id, "resolved"))
        assert len({one.headers["idempotency-key"] for one in taken}) == 3
