"""HELLOs go up the stair, receipts go to whoever said HELLO, over real sockets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from bus.control import STAIR, Flags, Hello, Mark, Offer, Receipt, pack_hello, pack_receipt
from bus.loop import Loop
from bus.sockets import Hear, Post, Publish, Pull, Push, Subscribe
from bus.vitals import Vitals
from collector.hangup import descriptor_of
from collector.limits import Allowance, Limits
from collector.receipts import Receipts
from collector.refusals import Refusals


class House:
    """A collector's receipts road with a store behind it and producers before it."""

    def __init__(self, folder: Path) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.loop = Loop()
        self.refusals = Refusals()
        self._folder = folder
        stair, settle = Publish(self.context), Pull(self.context)
        post, side = Post(self.context), Post(self.context)
        for road, name in ((stair, "stair"), (settle, "settle"), (post, "receipts"), (side, "side")):
            road.bind(self.address(name))
        receipts = Receipts(stair, settle, self.refusals, Vitals(0.0))
        self.loop.on_readable(post.raw, receipts.opened(post, name="the door", public=True))
        self.loop.on_readable(side.raw, receipts.opened(side, name="the side door", public=False))
        self.loop.on_readable(settle.raw, receipts.settle)
        self.store, self.settle = Subscribe(self.context, ("hello",)), Push(self.context)
        self.store.connect(self.address("stair"))
        self.settle.connect(self.address("settle"))
        self.heard: list[bytes] = []

    def address(self, name: str) -> str:
        return f"ipc://{self._folder}/{name}.ipc"

    def producer(self, road: str = "receipts") -> Hear:
        hear = Hear(self.context)
        hear.connect(self.address(road))
        return hear

    def until(self, seen: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + 30
        while not seen():
            assert time.monotonic() < end, f"still not: {what}"
            self.loop.pass_once(0.01)
            self.heard += self.store.drain()

    def greet(self, hear: Hear, source: str = "web-1", epoch: int = 7) -> None:
        """Say HELLO until the store hears it: a subscription takes its time."""
        hello = pack_hello(Hello(source, "boot-1", 1, 2, 3, 4, (Offer(epoch, 0, 0, 0),)))

        def came() -> bool:
            hear.send(hello)
            return STAIR + hello in self.heard

        self.until(came, f"the HELLO of {source} at the store")


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("h"))
    yield made
    made.context.destroy(linger=0)


def _receipt(source: str) -> bytes:
    return pack_receipt(Receipt(source, 5, 6, 7, (Mark(7, 9),), flags=Flags.DISK_FULL))


def test_a_receipt_reaches_the_producer_it_is_for_and_no_other(house: House) -> None:
    one, two = house.producer(), house.producer()
    house.greet(one, "web-1")
    house.greet(two, "web-2")
    house.settle.send(_receipt("web-2"))
    got: list[bytes] = []

    def came() -> bool:
        got.extend(two.drain())
        return bool(got)

    house.until(came, "the receipt")
    assert got == [_receipt("web-2")]
    assert one.drain() == []


def test_receipts_that_come_in_one_frame_part_and_a_torn_end_spoils_none_of_them(house: House) -> None:
    one, two = house.producer(), house.producer()
    house.greet(one, "web-1")
    house.greet(two, "web-2")
    house.settle.send(b"".join((_receipt("web-1"), _receipt("web-2"), _receipt("web-1")[:-1])))
    got: dict[str, list[bytes]] = {"web-1": [], "web-2": []}

    def came() -> bool:
        got["web-1"].extend(one.drain())
        got["web-2"].extend(two.drain())
        return all(got.values())

    house.until(came, "both receipts")
    house.until(lambda: house.refusals.totals["receipt truncated"] == 1, "the torn one's refusal")
    assert got == {name: [_receipt(name)] for name in got}


def test_a_producer_that_connected_anew_hears_there(house: House) -> None:
    first = house.producer()
    house.greet(first)
    first.close()
    second = house.producer()
    house.greet(second, epoch=8)
    got: list[bytes] = []

    def came() -> bool:
        house.settle.send(_receipt("web-1"))
        got.extend(second.drain())
        return bool(got)

    house.until(came, "the receipt on the new connection")


def test_the_hubs_own_names_speak_only_at_the_side_door(house: House) -> None:
    stranger, room = house.producer(), house.producer("side")
    stranger.send(pack_hello(Hello("guardia.alerter", "b", 1, 2, 3, 4, (Offer(7, 0, 0, 0),))))
    house.until(lambda: house.refusals.totals["hello forbidden"] == 1, "the refusal")

    house.greet(room, "guardia.alerter")


def test_what_is_no_hello_is_counted_and_nothing_worse(house: House) -> None:
    stranger = house.producer()
    stranger.send(b"GET / HTTP/1.1")
    stranger.raw.send_multipart((b"G1H", b"two frames"))
    house.until(lambda: house.refusals.totals.total() == 2, "both refusals")

    house.greet(house.producer())


def _hello(source: str) -> bytes:
    return pack_hello(Hello(source, "boot-1", 1, 2, 3, 4, (Offer(7, 0, 0, 0),)))


def test_each_connection_may_say_so_many_hellos_under_whatever_names_and_is_ended_when_it_goes_on(house: House) -> None:
    allowed, over = 10, 5
    hung: list[int] = []
    stair, post = Publish(house.context), Post(house.context)
    stair.bind(house.address("other"))
    house.store.connect(house.address("other"))
    receipts = Receipts(stair, Pull(house.context), house.refusals, Vitals(0.0), clock=lambda: 0.0)
    drain = receipts.opened(
        post,
        name="the door",
        public=True,
        limits=Limits(Allowance(hellos=2.0)),
        hang_up=lambda frame: hung.append(descriptor_of(frame) or -1),
    )
    address = post.bind("tcp://127.0.0.1:*")
    house.loop.on_readable(post.raw, drain)
    loud, other = Hear(house.context), Hear(house.context)
    loud.connect(address)
    other.connect(address)

    def refused(count: int) -> bool:
        return house.refusals.totals["hello rate"] >= count

    for number in range(allowed + over):
        loud.send(_hello(f"web-{number}"))
    house.until(lambda: refused(over), "those that are too many")
    other.send(_hello("mail-1"))
    house.until(lambda: receipts.readings()["receipts.producers"] == allowed + 1, "the other one is heard")
    assert (house.refusals.totals["hello rate"], hung) == (over, [])

    def goes_on() -> bool:
        for _ in range(200):
            loud.send(_hello("web-0"))
        return bool(hung)

    house.until(goes_on, "the connection is ended")
    assert house.refusals.totals["hello rate"] > 4900
    assert min(hung) > 2


def test_a_name_that_asks_too_often_is_not_heard_by_the_store_each_time(house: House) -> None:
    one, two = house.producer(), house.producer()
    house.greet(one, "web-2")
    before = len(house.heard)
    for _ in range(100):
        one.send(_hello("web-1"))
    house.until(lambda: house.refusals.totals["hello rate"] >= 80, "most are refused")
    house.greet(two, "web-3")

    assert house.heard[before:].count(STAIR + _hello("web-1")) <= 20


def test_a_producer_sees_its_connection_come_and_go(house: House) -> None:
    hear = Hear(house.context)
    post = Post(house.context)
    post.bind(house.address("other"))
    hear.connect(house.address("other"))
    seen: list[bool | None] = []

    def saw(what: bool) -> bool:
        seen.extend(hear.changes())
        return what in seen

    house.until(lambda: saw(True), "the connection is up")
    post.close()
    house.until(lambda: saw(False), "the connection is down")
