"""The shell of a producer: on a loop, with real sockets and a real spool, before a hub that is played."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import zmq

from bus.control import Mark, Receipt, Reject, pack_receipt, read_hello
from bus.delivering import Deliverer
from bus.delivery.retention import Evicted, NoRoom
from bus.delivery.states import Flag
from bus.delivery.window import Limits
from bus.fields import Unfit
from bus.keys import new
from bus.loop import Loop
from bus.messages import Facts
from bus.producer import ONCE, Producer
from bus.sockets import Hear, Post, Pull, Push, Road
from bus.spool import Spool
from bus.wire import Record, read

NOON = 1_700_000_000 * 10**9
QUICK = Limits(timeout=0.3, answer_timeout=0.1, pause=0.1, refused_pause=0.1)


class Rig:
    """A deliverer and the two doors of a hub that says what it is told to."""

    def __init__(self, folder: Path, *, patient: bool = False, limits: Limits = QUICK) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.folder = folder
        self.loop = Loop()
        self.records: list[Record] = []
        self.storing = True
        self.patient, self.limits = patient, limits
        self.open()
        self.deliverer = self.started()

    def open(self) -> None:
        """The hub is there."""
        self.door, self.post = Pull(self.context), Post(self.context)
        self.door.bind(f"ipc://{self.folder}/door")
        self.post.bind(f"ipc://{self.folder}/receipts")

    def shut(self) -> None:
        """The hub is away."""
        self.door.close()
        self.post.close()

    def started(self) -> Deliverer:
        spool = Spool(self.folder / "spool", source="web-1", now=time.monotonic(), wall=time.time_ns())
        push = Push(self.context)
        push.raw.setsockopt(zmq.LINGER, 0)
        made = Deliverer(
            self.loop,
            push,
            Hear(self.context),
            spool,
            "web-1",
            door=f"ipc://{self.folder}/door",
            receipts=f"ipc://{self.folder}/receipts",
            log=logging.getLogger("test"),
            limits=self.limits,
            patient=self.patient,
        )
        made.start()
        return made

    def until(self, seen: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + 30
        while not seen():
            assert time.monotonic() < end, f"still not: {what}"
            self.loop.pass_once(0.01)
            if not self.door.raw.closed:
                self.serve()

    def serve(self) -> None:
        self.records += [record for frame in self.door.drain() for record in read(frame)]
        marks: dict[int, int] = {}
        for record in self.records:
            if self.storing and record.number == marks.get(record.epoch, 0) + 1:
                marks[record.epoch] = record.number
        for who, frame in self.post.letters():
            self.who, self.hello = who.bytes, read_hello(frame.bytes)
            told = tuple(Mark(offer.epoch, marks.get(offer.epoch, 0)) for offer in self.hello.offers)
            self.post.deliver(self.who, pack_receipt(Receipt("web-1", 5, 1, NOON, told, self.hello.nonce)))
        if marks and hasattr(self, "who"):
            told = tuple(Mark(epoch, watermark) for epoch, watermark in marks.items())
            self.post.deliver(self.who, pack_receipt(Receipt("web-1", 5, 1, NOON, told)))

    def bodies(self) -> list[str]:
        return [record.message().kernel for record in self.records]

    @property
    def unacknowledged(self) -> int:
        return self.deliverer.courier.sender.unacknowledged


@pytest.fixture
def make(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Rig]]:
    with ExitStack() as made:

        def rig(**more: Any) -> Rig:
            one = Rig(tmp_path_factory.mktemp("r"), **more)
            made.callback(one.context.destroy, linger=0)
            return one

        yield rig


@pytest.fixture(params=["eager", "patient"])
def rig(make: Callable[..., Rig], request: pytest.FixtureRequest) -> Rig:
    return make(patient=request.param == "patient")


@pytest.fixture
def patient(make: Callable[..., Rig]) -> Rig:
    return make(patient=True, limits=Limits())


@pytest.fixture
def unhurried(make: Callable[..., Rig]) -> Rig:
    """A patient one that misses no receipt for minutes: what it reads before, it reads for another reason."""
    return make(patient=True, limits=Limits(timeout=300.0))


def settled(rig: Rig) -> None:
    sender = rig.deliverer.courier.sender
    rig.until(lambda: sender.calm and sender.due(time.monotonic()) > 3, "all is well, and nothing is to be done")


def test_who_is_patient_is_not_woken_for_a_receipt_that_nothing_waits_for(
    patient: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bus.delivering.LOOK_SECONDS", 60.0)
    sender = patient.deliverer.courier.sender
    settled(patient)
    before = sender.pump.window.round_trip
    patient.deliverer.tell(Facts(kernel="6.1"), at=NOON)
    patient.deliverer.flush()
    end = time.monotonic() + 10
    while not patient.records and time.monotonic() < end:
        patient.serve()
    # when its receipt has come, it stays where it is
    assert patient.deliverer._hear.raw.poll(30_000)
    for _ in range(5):
        patient.loop.pass_once(0.01)
    assert patient.unacknowledged == 1

    # then a flush reads it first, when it is old enough, and does not take the wait for the way that it took
    monkeypatch.setattr("bus.delivering.LOOK_SECONDS", 0.0)
    # (what came first may have been the answer to a HELLO, and the receipt is on its way)
    end = time.monotonic() + 30
    while patient.unacknowledged and time.monotonic() < end:
        patient.deliverer.flush()
    assert patient.unacknowledged == 0
    assert sender.pump.window.round_trip == before


def test_who_is_patient_reads_receipts_within_seconds_if_nothing_else_happens(unhurried: Rig) -> None:
    unhurried.until(lambda: unhurried.deliverer.courier.sender.calm, "all is well")
    unhurried.deliverer.tell(Facts(kernel="6.1"), at=NOON)
    unhurried.deliverer.flush()
    unhurried.until(lambda: unhurried.unacknowledged == 0, "its receipt")


def test_receipts_that_waited_together_are_all_heeded(patient: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bus.delivering.LOOK_SECONDS", 60.0)
    settled(patient)
    for _ in range(3):
        patient.deliverer.tell(Facts(kernel="6.1"), at=NOON)
        patient.deliverer.flush()
    patient.until(lambda: len(patient.records) == 3, "the messages")
    live = patient.deliverer.courier.sender.flows.live.epoch
    patient.post.deliver(
        patient.who,
        pack_receipt(Receipt("web-1", 5, 1, NOON, (Mark(live, 2),), rejects=(Reject(live, 2, "poison"),))),
    )
    patient.post.deliver(patient.who, pack_receipt(Receipt("web-1", 5, 1, NOON, (Mark(live, 3),))))
    monkeypatch.setattr("bus.delivering.LOOK_SECONDS", 0.0)
    patient.until(lambda: patient.unacknowledged == 0, "the last one")

    assert patient.deliverer.courier.rejected == 1


def test_who_is_patient_listens_while_anything_is_left_to_send(patient: Rig) -> None:
    sender = patient.deliverer.courier.sender
    patient.until(lambda: sender.calm, "all is well")
    for _ in range(2000):
        patient.deliverer.tell(Facts(kernel="6.1"), at=NOON)
    patient.deliverer.flush()
    assert sender.flows.live.unsent > 0
    assert patient.deliverer._listens
    patient.until(lambda: patient.unacknowledged == 0, "all receipts")


def test_a_timer_that_would_come_too_early_is_set_anew_and_wakes_nobody(
    patient: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(patient)
    monkeypatch.setattr("bus.delivering.EARLY_SECONDS", 0.01)
    timers = []
    began = time.monotonic()
    for _ in range(10):
        patient.deliverer.tell(Facts(kernel="6.1"), at=NOON)
        patient.deliverer.flush()
        timers.append(patient.deliverer._tick_timer)
        patient.serve()
        patient.loop.pass_once(0.02)
    # its receipt is due after five seconds, a tenth more or less
    assert timers[-1] is not None
    assert timers[-1] is not timers[0]
    assert timers[0] is not None
    assert timers[0].cancelled
    assert timers[-1].due > began + 3


def test_what_is_told_arrives_and_is_acknowledged(rig: Rig) -> None:
    rig.deliverer.tell(Facts(kernel="6.1"), at=NOON)
    rig.until(lambda: "6.1" in rig.bodies(), "the message")
    rig.until(lambda: rig.unacknowledged == 0, "its receipt")

    assert rig.records[0].epoch != ONCE


def test_what_is_told_in_one_pass_is_made_durable_with_one_fsync_and_sent_in_one_frame(rig: Rig) -> None:
    rig.until(lambda: rig.deliverer.courier.sender.state.value == "flowing", "the road is open")
    for kernel in ("6.1", "6.2", "6.3"):
        rig.deliverer.tell(Facts(kernel=kernel), at=NOON)
    assert rig.unacknowledged == 0, "nothing is numbered before it is flushed"
    rig.until(lambda: len(rig.bodies()) >= 3, "the messages")

    # On a busy machine they may have been sent again before anybody looked.
    assert rig.bodies()[:3] == ["6.1", "6.2", "6.3"]
    assert {record.sent for record in rig.records[:3]} == {rig.records[0].sent}


def test_a_hub_that_was_away_gets_what_was_told_meanwhile(rig: Rig) -> None:
    rig.until(lambda: rig.deliverer.courier.sender.state.value == "flowing", "the road is open")
    rig.shut()
    rig.until(lambda: rig.deliverer.courier.sender.state.value != "flowing", "the cut is seen")
    rig.deliverer.tell(Facts(kernel="6.1"), at=NOON)
    rig.until(lambda: rig.unacknowledged == 1, "it is kept")
    rig.open()

    rig.until(lambda: "6.1" in rig.bodies(), "the message")
    rig.until(lambda: rig.unacknowledged == 0, "its receipt")


def test_a_new_process_goes_on_with_what_the_last_one_left(rig: Rig) -> None:
    rig.shut()
    rig.deliverer.tell(Facts(kernel="6.1"), at=NOON)
    rig.deliverer.close()
    rig.open()
    rig.deliverer = rig.started()
    rig.deliverer.tell(Facts(kernel="6.2"), at=NOON)

    rig.until(lambda: set(rig.bodies()) == {"6.1", "6.2"}, "both messages")
    rig.until(lambda: rig.unacknowledged == 0, "their receipts")
    assert len({record.epoch for record in rig.records}) == 2


def test_a_message_that_is_not_stored_is_sent_again(rig: Rig) -> None:
    rig.until(lambda: rig.deliverer.courier.sender.state.value == "flowing", "the road is open")
    rig.storing = False
    rig.deliverer.tell(Facts(kernel="6.1"), at=NOON)
    rig.until(lambda: bool(rig.records), "the message")
    rig.records.clear()

    rig.until(lambda: bool(rig.records), "the message again")


def test_what_nobody_would_ever_take_is_refused_before_it_is_kept(rig: Rig) -> None:
    with pytest.raises(Unfit):
        rig.deliverer.tell(Facts(kernel="6.1"), at=NOON, subject="web 1")
    with pytest.raises(Unfit):
        rig.deliverer.tell(Facts(kernel="x" * 300_000), at=NOON)
    with pytest.raises(Unfit):
        rig.deliverer.tell(Facts(kernel="6.1"), at=2**63)
    rig.deliverer.flush()

    assert rig.unacknowledged == 0


def test_it_says_how_it_goes(rig: Rig) -> None:
    rig.deliverer.tell(Facts(kernel="6.1"), at=NOON)
    rig.until(lambda: "6.1" in rig.bodies() and rig.unacknowledged == 0, "its receipt")
    vitals = rig.deliverer.vitals()

    assert vitals["spool.messages"] == 1.0, "it stays for a hub that is restored"
    assert vitals["spool.unacknowledged"] == 0.0
    assert vitals["spool.dropped_total"] == 0.0


def test_a_producer_without_a_spool_tells_once(rig: Rig) -> None:
    push = Push(rig.context)
    push.connect(f"ipc://{rig.folder}/door")
    producer = Producer(push, "web-1")
    producer.tell(Facts(kernel="6.1"), at=NOON)
    rig.until(lambda: "6.1" in rig.bodies(), "the message")

    assert rig.records[0].epoch == ONCE


def test_a_door_that_refuses_alone_is_connected_anew_and_what_was_told_arrives(rig: Rig) -> None:
    rig.until(lambda: rig.deliverer.courier.sender.state.value == "flowing", "receipts are heard")
    # given a door that asks for a key for a while, as a hub does that changes its keys
    rig.door.close()
    rig.door = Pull(rig.context)
    rig.door.ask_for_keys(new())
    rig.until(lambda: _bound(rig.door, f"{rig.folder}/door"), "the door is there again")
    rig.until(lambda: Flag.REFUSED in rig.deliverer.courier.sender.flags, "it is refused")

    rig.door.close()
    rig.door = Pull(rig.context)
    rig.until(lambda: _bound(rig.door, f"{rig.folder}/door"), "the door takes everybody")
    rig.deliverer.tell(Facts(kernel="6.1"), at=NOON)
    rig.until(lambda: "6.1" in rig.bodies(), "what was told came")


def test_a_receipts_road_that_refuses_alone_is_connected_anew_and_receipts_are_heard(rig: Rig) -> None:
    sender = rig.deliverer.courier.sender
    rig.until(lambda: sender.state.value == "flowing", "receipts are heard")
    # given a receipts' road that was opened anew for keys before the door was
    rig.post.close()
    rig.post = Post(rig.context)
    rig.post.ask_for_keys(new())
    rig.until(lambda: _bound(rig.post, f"{rig.folder}/receipts"), "the road is there again")
    rig.until(lambda: Flag.REFUSED in sender.flags, "it is refused")

    rig.post.close()
    rig.post = Post(rig.context)
    rig.until(lambda: _bound(rig.post, f"{rig.folder}/receipts"), "the road takes everybody")
    rig.deliverer.tell(Facts(kernel="6.1"), at=NOON)
    rig.until(lambda: "6.1" in rig.bodies() and not rig.unacknowledged, "its receipt")


def test_who_hears_no_receipts_says_how_long_the_spool_has_room(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bus.delivery.retention.SURE_SECONDS", 0.0)
    rig.deliverer.tell(Facts(kernel="6.1"), at=NOON)
    rig.until(lambda: "6.1" in rig.bodies() and not rig.unacknowledged, "its receipt")
    told = rig.deliverer.vitals()
    assert told["spool.limit_bytes"] == 512 * 1_048_576
    assert told["spool.limit_seconds"] == 7 * 86_400.0
    assert told["spool.left_seconds"] is not None

    rig.shut()
    rig.until(lambda: "no receipts come" in caplog.text, "it says that none come")
    assert "messages are kept in the spool, which has room for about" in caplog.text


def test_a_full_spool_that_has_room_again_says_from_when_to_when_is_lost(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    courier, now = rig.deliverer.courier, time.monotonic()
    courier._let_go([Evicted(courier.sender.flows.live.epoch, 1, 1, NOON, NOON + 60 * 10**9)], now)
    rig.deliverer.flush()
    courier.tick(now + 601, time.time_ns() + 601 * 10**9)
    rig.deliverer.flush()

    assert "the spool is full: the oldest messages are dropped" in caplog.text
    assert (
        "the spool has room again; what was measured from 2023-11-14 22:13:20Z to 2023-11-14 22:14:20Z" in caplog.text
    )


def test_a_spool_that_cannot_be_written_is_said_with_the_reason(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> list[Evicted]:
        raise NoRoom("var/spool/web-1: no space left on device")

    monkeypatch.setattr(rig.deliverer.courier.spool, "append", full)
    rig.deliverer.tell(Facts(kernel="6.1"), at=NOON)
    rig.deliverer.flush()

    assert "lost if this program ends: var/spool/web-1: no space left on device" in caplog.text


def _bound(road: Road, path: str) -> bool:
    try:
        road.bind(f"ipc://{path}")
    except zmq.ZMQError:
        return False
    return True
