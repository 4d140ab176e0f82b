"""The door over real sockets: rubbish is counted and dropped while good frames flow."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmq

from bus.control import REFUSED, read_refusals
from bus.messages import KINDS, Alert, Check, Layout, Message, Sample
from bus.sockets import Publish, Pull, Push, Subscribe
from bus.vitals import Vitals
from bus.wire import MAX_FRAME, Stamp, pack, read, record, unstamped
from collector.door import Door
from collector.entrance import Entrance
from collector.intake import Intake
from collector.limits import Allowance, Limits
from collector.refusals import Refusals

LAYOUT = Layout(("cpu.percent",))
NOON = 1_769_860_800 * 10**9


def told(message: Message, number: int, source: str = "web-1") -> bytes:
    return pack(record(message, source=source, at=NOON, epoch=1, number=number))


def sample(number: int) -> bytes:
    return told(Sample(LAYOUT.id, (float(number),)), number)


class Rig:
    """A door, somebody who pushes and somebody who listens, over loopback."""

    def __init__(self) -> None:
        self.context: zmq.Context[Any] = zmq.Context()
        self.refusals = Refusals()
        self.vitals = Vitals(0.0)
        stair, self.pull = Publish(self.context), Pull(self.context)
        self.door = Door(
            stair, self.refusals, self.vitals, drain_frames=1000, drain_bytes=4_000_000, place=2, clock=lambda: NOON
        )
        self.address = self.pull.bind("tcp://127.0.0.1:*")
        self.drain = self.door.opened(self.pull, Intake(public=True), name="the door")
        self.listener = Subscribe(self.context, KINDS)
        self.listener.connect(stair.bind("inproc://stair"))
        self.push = Push(self.context)
        self.push.connect(self.address)
        self.frames: list[bytes] = []

    def until(self, seen: Callable[[], object], what: str) -> None:
        end = time.monotonic() + 30
        while not seen():
            assert time.monotonic() < end, what
            self.pull.raw.poll(20)
            self.drain()
            self.frames += self.listener.drain()

    def stamps(self) -> list[Stamp]:
        return [unstamped(frame)[0] for frame in self.frames]

    def numbers(self) -> list[int]:
        """The numbers of all samples that went up the stair."""
        frames = [(frame, unstamped(frame)) for frame in self.frames]
        return [one.number for frame, (stamp, start) in frames if stamp.kind == "sample" for one in read(frame, start)]


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.context.destroy(linger=0)


def test_rubbish_is_counted_by_reason_and_sender_while_good_frames_flow(rig: Rig) -> None:
    for number in range(1, 101):
        rig.push.raw.send(sample(number))
        rig.push.raw.send(b"garbage")
        rig.push.raw.send(sample(number)[:-3])
        rig.push.raw.send_multipart([b"two", b"parts"])
    rig.until(lambda: len(rig.numbers()) == 100 and rig.refusals.totals.total() == 400, "all came")

    assert rig.numbers() == list(range(1, 101))
    assert rig.refusals.totals == {"truncated": 200, "frames": 200}
    told_lines: list[str] = []
    rig.refusals.report_to(told_lines.append)
    assert "from 127.0.0.1 (200): " in told_lines[0]


def test_the_store_is_told_of_what_will_never_get_in(rig: Rig) -> None:
    rig.listener.raw.setsockopt(zmq.SUBSCRIBE, REFUSED)
    rig.push.raw.send(told(Alert("cpu", "firing"), 3))
    rig.until(lambda: rig.frames, "the refusal went up the stair")

    (frame,) = rig.frames
    (refusal,) = read_refusals(frame, len(REFUSED))
    assert (refusal.source, refusal.epoch, refusal.number, refusal.why) == ("web-1", 1, 3, "forbidden")


def test_a_frame_over_the_limit_costs_its_sender_the_connection_and_nobody_else(rig: Rig) -> None:
    loud = Push(rig.context)
    loud.connect(rig.address)
    loud.raw.send(b"G1" + bytes(MAX_FRAME + 1))
    for number in range(1, 51):
        rig.push.raw.send(sample(number))
    rig.until(lambda: len(rig.numbers()) == 50, "the other's samples came")

    assert rig.refusals.totals.total() == 0, "it never reached us"


def test_a_layout_goes_up_before_the_samples_that_came_with_it(rig: Rig) -> None:
    # What is sent within the process is there at once, so that all three are taken in one go.
    rig.pull.bind("inproc://door")
    near = Push(rig.context)
    near.connect("inproc://door")
    for frame in (sample(2), told(LAYOUT, 1), sample(3)):
        near.raw.send(frame)
    rig.until(lambda: len(rig.numbers()) == 2, "both samples came")

    assert [stamp.kind for stamp in rig.stamps()] == ["layout", "sample"]


def test_bus_frames_are_counted_without_holes_and_stamped(rig: Rig) -> None:
    for number in range(1, 301):
        rig.push.raw.send(sample(number))
        if not number % 50:
            rig.until(lambda upto=number: len(rig.numbers()) == upto, "they came")  # type: ignore[misc]
    stamps = rig.stamps()

    assert [stamp.counter for stamp in stamps] == list(range(1, len(stamps) + 1))
    assert {(stamp.incarnation, stamp.received) for stamp in stamps} == {(rig.door.incarnation, NOON)}
    assert {stamp.place for stamp in stamps} == {2}
    assert rig.vitals.total("intake.frames") == 300


def test_no_more_is_taken_at_once_than_so_many_frames_and_bytes(rig: Rig) -> None:
    entrance = Entrance(rig.pull, Intake(public=True), "the door")
    for number in range(1, 41):
        rig.push.raw.send(sample(number))
    size = len(sample(1))

    def takes(frames: int, room: int, upto: int) -> list[int]:
        """How many each taking had, until `upto` were had or more: the last may bring several."""
        counts, end = list[int](), time.monotonic() + 30
        while sum(counts) < upto:
            assert time.monotonic() < end, "they came"
            rig.pull.raw.poll(100)
            counts.append(entrance.taken(frames, room, 0.0, lambda *_: None)[1])
        return counts

    by_frames = takes(5, 1_000_000, upto=20)
    assert max(by_frames) <= 5
    by_bytes = takes(1000, 2 * size, upto=40 - sum(by_frames))
    assert max(by_bytes) <= 2


def test_of_samples_that_come_together_each_sender_pays_for_its_own(rig: Rig) -> None:
    pull, push = Pull(rig.context), Push(rig.context)
    push.connect(pull.bind("inproc://together"))
    entrance = Entrance(pull, Intake(public=True), "the door", limits=Limits(Allowance(messages=5.0)))
    admitted: list[tuple[str, int]] = []
    refused: list[str] = []

    def come(*samples: tuple[str, int]) -> None:
        for source, number in samples:
            push.raw.send(told(Sample(LAYOUT.id, (1.0,)), number, source))
        frames, _ = entrance.taken(1000, 1_000_000, 0.0, lambda fault, *_: refused.append(fault.reason))
        admitted.extend((one.source, one.number) for frame in frames.get("sample", ()) for one in read(frame))

    come(("web-1", 1), ("mail-1", 1))
    come(("mail-1", 2), *(("web-1", number) for number in range(2, 32)), ("mail-1", 3))
    come(("mail-1", 4))

    assert sorted(admitted) == [*(("mail-1", n) for n in range(1, 5)), *(("web-1", n) for n in range(1, 11))]
    assert refused == ["rate"] * 21


def test_web_traffic_at_the_door_harms_nobody(rig: Rig) -> None:
    port = rig.address.rpartition(":")[2]
    for rubbish in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 5000, b"", b"\x16\x03\x01"):
        with socket.create_connection(("127.0.0.1", int(port)), timeout=5) as stranger:
            stranger.sendall(rubbish)
    rig.push.raw.send(sample(1))
    rig.until(lambda: rig.numbers() == [1], "the sample came")


def test_a_frame_of_which_some_is_too_much_goes_up_without_that(rig: Rig) -> None:
    limits = Limits(Allowance(subjects=2))
    rig.drain = rig.door.opened(rig.pull, Intake(public=True), name="the door", limits=limits)
    some = [
        pack(record(Check("up"), source="web-1", subject=name, at=NOON, epoch=1, number=number))
        for number, name in enumerate(("shop", "wiki", "mail", "wiki"), 1)
    ]
    rig.push.raw.send(b"".join(some))
    rig.push.raw.send(some[2])
    rig.push.raw.send(some[0])
    rig.until(lambda: rig.refusals.totals["subjects"] == 2 and len(rig.frames) >= 1, "two are refused")
    rig.until(lambda: sum(len(read(frame, unstamped(frame)[1])) for frame in rig.frames) == 4, "the others go up")
    told_of = [one.subject for frame in rig.frames for one in read(frame, unstamped(frame)[1])]
    assert told_of == ["shop", "wiki", "wiki", "shop"]
