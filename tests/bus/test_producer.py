"""A voice announces layouts by itself, before the samples and now and then."""

from __future__ import annotations

from typing import Any

import zmq

from bus.messages import Check, Layout, Message, Sample
from bus.producer import MOST_LAYOUTS, ONCE, Producer, Voice
from bus.sockets import Pull, Push
from bus.wire import read
from tests.ports import free_port

SECOND = 10**9
NOON = 1_769_860_800 * SECOND
CPU = ("cpu.percent",)


class Ear(Voice):
    """A voice that is heard here; takes nothing while it is deaf."""

    def __init__(self) -> None:
        super().__init__("web-1")
        self.told: list[Message] = []
        self.deaf = False

    def tell(self, message: Message, *, at: int, subject: str | None = None) -> bool:
        if not self.deaf:
            self.told.append(message)
        return not self.deaf

    def kinds(self) -> list[str]:
        return [type(message).__name__ for message in self.told]


def test_a_layout_is_announced_before_the_first_sample_and_once_a_minute() -> None:
    ear = Ear()
    for second in range(0, 121, 20):
        ear.sample(CPU, (1.0,), at=NOON + second * SECOND)

    assert ear.kinds() == ["Layout", *["Sample"] * 3] * 2 + ["Layout", "Sample"]
    assert ear.told[:2] == [Layout(CPU), Sample(Layout(CPU).id, (1.0,))]


def test_another_list_of_names_is_announced_at_once() -> None:
    ear = Ear()
    ear.readings({"cpu.percent": 1.0}, at=NOON)
    ear.readings({"cpu.percent": 1.0, "load.1m": None}, at=NOON)

    assert ear.kinds() == ["Layout", "Sample", "Layout", "Sample"]
    assert ear.told[3] == Sample(Layout(("cpu.percent", "load.1m")).id, (1.0, None))


def test_an_announcement_that_nobody_took_is_made_again() -> None:
    ear = Ear()
    ear.deaf = True
    assert not ear.sample(CPU, (1.0,), at=NOON)
    ear.deaf = False
    assert ear.sample(CPU, (1.0,), at=NOON + SECOND)
    assert ear.kinds() == ["Layout", "Sample"]


def test_a_clock_that_is_put_back_does_not_stop_the_announcements() -> None:
    ear = Ear()
    ear.sample(CPU, (1.0,), at=NOON)
    ear.sample(CPU, (1.0,), at=NOON - 3600 * SECOND)
    assert ear.kinds() == ["Layout", "Sample"] * 2


def test_metrics_that_come_and_go_for_ever_do_not_fill_the_memory() -> None:
    ear = Ear()
    for number in range(2 * MOST_LAYOUTS):
        ear.sample((f"net[veth{number}].rx_bytes_per_s",), (1.0,), at=NOON)
    assert len(ear._announced) <= MOST_LAYOUTS


def test_what_is_pushed_arrives_numbered_and_told_once() -> None:
    context: zmq.Context[Any] = zmq.Context()
    try:
        pull, push = Pull(context), Push(context)
        push.connect(pull.bind("inproc://door"))
        producer = Producer(push, "prober", clock=lambda: NOON + 5)

        assert producer.tell(Check("up"), subject="shop", at=NOON)
        assert producer.sample(CPU, (1.0,), at=NOON)

        records = [read(frame)[0] for frame in pull.drain()]
        assert [(one.kind, one.subject, one.number) for one in records] == [
            ("check", "shop", 1),
            ("layout", "prober", 2),
            ("sample", "prober", 3),
        ]
        assert {(one.source, one.epoch, one.at, one.sent) for one in records} == {("prober", ONCE, NOON, NOON + 5)}
    finally:
        context.destroy(linger=0)


def test_a_door_that_takes_nothing_does_not_block_and_is_counted() -> None:
    context: zmq.Context[Any] = zmq.Context()
    try:
        push = Push(context, queue=10)
        push.connect(f"tcp://127.0.0.1:{free_port()}")
        producer = Producer(push, "web-1")
        taken = [producer.tell(Check("up"), at=NOON) for _ in range(50)]
        assert taken == [True] * 10 + [False] * 40
        assert producer.refused == 40
    finally:
        context.destroy(linger=0)
