"""Who gets in: agents with a key on the list, under their own names, for as long as they are on it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
import zmq

from bus import enrolled, keys
from bus.control import REFUSED, Flags, Receipt, pack_receipt, read_receipt
from bus.messages import MAX_BODY
from bus.program import TryAgain
from bus.sockets import Push
from bus.wire import Malformed, Record, pack
from collector.zap import Zap
from tests.collector.identity import NOON, Rig, sample


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig("keys = true")
    made.public.open()
    made.listening()
    yield made
    made.close()


def gets_in(rig: Rig, name: str, push: Push, number: int = 1) -> None:
    push.raw.send(sample(number, name))
    rig.until(lambda: number in rig.numbers(name), f"{name}'s sample {number} came")


def without_key(rig: Rig) -> int:
    """Connections that showed no key: which side notices first is a race."""
    return rig.refusals.totals["no key"] + rig.refusals.totals["handshake"]


def test_an_enrolled_agent_gets_in_at_once_without_a_restart_of_the_hub(rig: Rig) -> None:
    gets_in(rig, "web-1", rig.push(rig.enrol("web-1")))
    assert not rig.refusals.totals


def test_the_largest_record_that_a_spool_may_hold_gets_in(rig: Rig) -> None:
    place, pair = "p" * 128, keys.new()
    enrolled.admit(rig.home, place, pair.public, NOON, place=True)
    largest = pack(Record("check", place, "s" * 128, NOON, 1, 1, bytes(MAX_BODY)))
    rig.push(pair).raw.send(largest)
    rig.until(lambda: any(frame.endswith(largest) for frame in rig.seen), "it came")


def test_without_a_key_nothing_gets_through_and_it_is_counted(rig: Rig) -> None:
    stranger = rig.stranger()
    for number in range(1, 11):
        stranger.send(sample(number, "web-1"))
    rig.until(lambda: without_key(rig), "the refusal was counted")
    gets_in(rig, "web-2", rig.push(rig.enrol("web-2")))

    assert rig.numbers("web-1") == []


def test_an_unknown_key_is_counted_and_gets_in_by_itself_once_it_is_enrolled(rig: Rig) -> None:
    pair = keys.new()
    push = rig.push(pair)
    push.raw.send(sample(1, "web-1"))
    rig.until(lambda: rig.refusals.totals["unknown key"], "the refusal was counted")
    assert rig.came() == []
    assert [*rig.public.callers.strangers] == [pair.public]

    enrolled.admit(rig.home, "web-1", pair.public, 1)
    rig.until(lambda: rig.numbers("web-1") == [1], "what it said before came too")


def test_with_the_key_of_another_hub_nothing_gets_through_and_it_is_counted(rig: Rig) -> None:
    push = rig.push(rig.enrol("web-1"), hub=keys.new().public)
    push.raw.send(sample(1, "web-1"))
    rig.until(lambda: rig.refusals.totals["wrong hub key"], "the refusal was counted")

    assert rig.came() == []


def test_another_agents_name_is_refused_and_nobody_is_told_that_it_was_that_agent(rig: Rig) -> None:
    rig.enrol("web-1")
    push = rig.push(rig.enrol("web-2"))
    push.raw.send(sample(1, "web-1"))
    broken = bytearray(sample(2, "web-1"))
    broken[2] = 99  # a kind that is not known: the store would be told to pass this number as refused
    push.raw.send(bytes(broken))
    gets_in(rig, "web-2", push, 3)

    assert rig.numbers("web-1") == []
    assert rig.refusals.totals["name"] == 1
    assert not [frame for frame in rig.seen if frame.startswith(REFUSED)]


def test_the_name_of_an_agent_that_has_spoken_is_refused_to_others_all_the_same(rig: Rig) -> None:
    gets_in(rig, "web-1", rig.push(rig.enrol("web-1")))
    push = rig.push(rig.enrol("web-2"))
    push.raw.send(sample(2, "web-1"))
    push.raw.send(sample(3, "web-1") + sample(4, "web-1"))
    gets_in(rig, "web-2", push)

    assert rig.numbers("web-1") == [1]
    assert rig.refusals.totals["name"] == 2


def test_a_revoked_key_is_cut_on_a_live_connection_within_a_second(rig: Rig) -> None:
    pair = rig.enrol("web-1")
    push = rig.push(pair)
    hear = rig.hear(pair)
    gets_in(rig, "web-1", push)
    hear.send(rig.hello("web-1"))
    store = Push(rig.program.context)
    store.connect(rig.settle_address)
    receipt = pack_receipt(Receipt("web-1", 1, 1, NOON, ()))
    rig.until(lambda: store.send(receipt) and hear.drain(), "it hears what is stored")

    enrolled.revoke(rig.home, "web-1")
    last = 1
    while not rig.refusals.totals["revoked"]:
        assert last < 50, "a second of the collector's own time, however much of it a busy machine gives to others"
        last += 1
        push.raw.send(sample(last, "web-1"))
        rig.work(0.02)
    admitted = len(rig.numbers("web-1"))
    told = list[Flags]()

    def hears_of_it() -> bool:
        told.extend(Flags(read_receipt(frame).flags) for frame in hear.drain())
        return told[-1:] == [Flags.REVOKED]

    rig.until(hears_of_it, "it is told, so that it hangs up by itself")
    hear.send(rig.hello("web-1"))
    rig.until(lambda: rig.refusals.totals["hello revoked"], "its HELLO is refused")
    rig.until(lambda: rig.public.connections.readings()["connections.open"] == 0, "both connections were ended")
    for number in range(last + 1, last + 51):
        push.raw.send(sample(number, "web-1"))
    rig.until(lambda: rig.refusals.totals["unknown key"], "it does not come in again")
    passed = rig.program.vitals.total("receipts.frames")
    store.send(receipt)
    rig.until(lambda: rig.program.vitals.total("receipts.frames") > passed, "the collector has it")
    rig.work(0.2)

    assert len(rig.numbers("web-1")) == admitted
    assert hear.drain() == [], "it hears nothing of what is stored"


def test_a_key_that_was_replaced_speaks_no_longer_for_the_name(rig: Rig) -> None:
    old = rig.push(rig.enrol("web-1"))
    gets_in(rig, "web-1", old)
    young = rig.push(rig.enrol("web-1", again=True))
    gets_in(rig, "web-1", young, 2)
    old.raw.send(sample(3, "web-1"))
    rig.until(lambda: rig.refusals.totals["revoked"] == 1, "the former key is refused")

    assert rig.numbers("web-1") == [1, 2]


def test_a_revoked_agent_cannot_connect_again(rig: Rig) -> None:
    pair = rig.enrol("web-1")
    gets_in(rig, "web-1", rig.push(pair))
    enrolled.revoke(rig.home, "web-1")
    rig.until(lambda: "web-1" not in rig.public.callers.agents, "the list was read again")
    rig.push(pair).raw.send(sample(2, "web-1"))
    rig.until(lambda: rig.refusals.totals["unknown key"], "the refusal was counted")

    assert rig.numbers("web-1") == [1]


def test_a_hello_under_another_agents_name_is_refused(rig: Rig) -> None:
    rig.enrol("web-1")
    hear = rig.hear(rig.enrol("web-2"))
    hear.send(rig.hello("web-1"))
    rig.until(lambda: rig.refusals.totals["hello name"] == 1, "it was counted")
    hear.send(rig.hello("web-2"))
    rig.until(lambda: rig.receipts.readings()["receipts.producers"] == 1.0, "its own is taken")


def test_with_the_handler_dead_nobody_gets_in_but_who_is_in_goes_on(rig: Rig) -> None:
    pair = rig.enrol("web-1")
    inside = rig.push(pair)
    gets_in(rig, "web-1", inside)
    assert rig.public.zap is not None
    rig.program.loop.forget(rig.public.zap.raw)
    rig.public.zap.close()
    outside = rig.push(pair)
    outside.raw.send(sample(100, "web-1"))
    rig.until(lambda: rig.refusals.totals["handshake"], "the refusal was counted")
    gets_in(rig, "web-1", inside, 2)

    assert rig.numbers("web-1") == [1, 2]


def test_a_capture_of_the_traffic_shows_no_readable_sample(rig: Rig) -> None:
    seen: list[bytes] = []
    relay = Relay(int(rig.program.bus.door.rpartition(":")[2]), seen)
    try:
        push = rig.push(rig.enrol("web-1"), address=f"tcp://127.0.0.1:{relay.port}")
        gets_in(rig, "web-1", push)
    finally:
        relay.close()
    traffic = b"".join(seen)

    assert len(traffic) > len(sample(1, "web-1")), "the relay saw nothing: the test would prove nothing"
    assert b"CURVE" in traffic
    # Eight bytes of each end: two, such as a message's first, come in random ones by themselves now and then.
    for readable in (b"web-1", sample(1, "web-1")[:8], sample(1, "web-1")[-8:]):
        assert readable not in traffic


def test_a_file_of_the_list_that_others_may_read_lets_nobody_in(rig: Rig) -> None:
    pair = rig.enrol("web-1")
    (rig.home / "keys" / "agents" / "web-1.pub").chmod(0o644)
    rig.push(pair).raw.send(sample(1, "web-1"))
    rig.until(lambda: rig.refusals.totals["unknown key"], "it was refused")


def test_a_door_without_keys_asks_for_them_from_the_first_enrolment_on() -> None:
    rig = Rig()
    try:
        rig.public.open()
        rig.listening()
        stranger = rig.stranger()
        gets_in(rig, "web-9", stranger)
        pair = rig.enrol("web-1")
        rig.until(lambda: without_key(rig), "whoever has none is out")
        stranger.send(sample(2, "web-9"))
        gets_in(rig, "web-1", rig.push(pair))
        assert rig.numbers("web-9") == [1]
    finally:
        rig.close()


def test_with_a_new_hub_key_agents_that_know_the_old_one_are_out(rig: Rig) -> None:
    pair = rig.enrol("web-1")
    gets_in(rig, "web-1", rig.push(pair))
    enrolled.rotate(rig.home)
    gets_in(rig, "web-1", rig.push(pair), 2)  # it was told the new one
    rig.until(lambda: rig.refusals.totals["wrong hub key"], "the old connection comes to nothing")


def test_a_hub_key_that_cannot_be_used_opens_no_door() -> None:
    rig = Rig()
    try:
        enrolled.hub_key(rig.home)
        enrolled.hub_key_path(rig.home).chmod(0o640)
        with pytest.raises(TryAgain, match="chmod 600"):
            rig.public.open()
    finally:
        rig.close()


def test_a_frame_that_came_in_without_a_key_speaks_for_nobody(rig: Rig) -> None:
    with pytest.raises(Malformed, match="without a key"):
        rig.public.callers.name_of(zmq.Frame(sample(1, "web-1")))


def test_what_is_no_request_of_libzmq_is_not_admitted(rig: Rig) -> None:
    assert rig.public.zap is not None
    answer = Zap.answer(rig.public.zap, [b"1.0", b"7", b"guardia", b"192.0.2.7", b"", b"NULL"])
    assert answer[:3] == [b"1.0", b"7", b"300"]


class Relay:
    """Passes bytes between one client and the door, and keeps a copy of them all."""

    def __init__(self, door: int, seen: list[bytes]) -> None:
        self._door = door
        self._seen = seen
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._ends: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        try:
            client, _ = self._server.accept()
        except OSError:
            return
        hub = socket.create_connection(("127.0.0.1", self._door))
        self._ends = [client, hub]
        for source, target in ((client, hub), (hub, client)):
            threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                self._seen.append(data)
                target.sendall(data)
        except OSError:
            return

    def close(self) -> None:
        """Cut it."""
        for end in (self._server, *self._ends):
            end.close()
