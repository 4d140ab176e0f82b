"""Sockets by role, over real connections: nothing blocks, and each limit is held."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import zmq

from bus.sockets import Answer, Ask, Hear, Post, Publish, Pull, Push, Subscribe
from bus.wire import MAX_FRAME, topic
from tests.ports import free_port

ANYWHERE = "tcp://127.0.0.1:*"


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    made: zmq.Context[Any] = zmq.Context()
    yield made
    made.destroy(linger=0)


def until(seen: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 30
    while not seen():
        assert time.monotonic() < end, what
        time.sleep(0.005)


def gathered(road: Any, count: int, end: bytes = b"") -> list[bytes]:
    """So many frames that end so, as they come."""
    frames: list[bytes] = []

    def seen() -> bool:
        frames.extend(frame for frame in road.drain() if frame.endswith(end))
        return len(frames) >= count

    until(seen, f"{count} frames came")
    return frames


def test_what_is_pushed_is_pulled_in_its_order(context: zmq.Context[Any]) -> None:
    pull, push = Pull(context), Push(context)
    push.connect(pull.bind(ANYWHERE))
    frames = [b"%d" % number for number in range(500)]
    assert all(push.send(frame) for frame in frames)
    assert gathered(pull, 500) == frames


def test_draining_takes_no_more_than_its_limit_and_never_waits(context: zmq.Context[Any]) -> None:
    pull, push = Pull(context), Push(context)
    push.connect(pull.bind("inproc://door"))
    assert pull.drain() == []
    for number in range(30):
        push.send(b"%d" % number)
    assert [len(pull.drain(20)) for _ in range(3)] == [20, 10, 0]


def test_a_push_without_anybody_to_take_it_says_so_when_its_queue_is_full(context: zmq.Context[Any]) -> None:
    push = Push(context, queue=10)
    push.connect(f"tcp://127.0.0.1:{free_port()}")
    start = time.monotonic()
    assert [push.send(b"x") for _ in range(12)] == [True] * 10 + [False] * 2
    assert time.monotonic() - start < 20
    push.raw.close(linger=0)


def test_a_frame_over_the_limit_is_never_taken_and_the_next_ones_are(context: zmq.Context[Any]) -> None:
    pull, push, loud = Pull(context), Push(context), Push(context)
    address = pull.bind(ANYWHERE)
    push.connect(address)
    loud.connect(address)
    loud.send(b"x" * (MAX_FRAME + 1))
    push.send(b"x" * MAX_FRAME)
    push.send(b"after")
    assert [len(frame) for frame in gathered(pull, 2)] == [MAX_FRAME, 5]


def test_a_stranger_who_announces_a_terabyte_is_hung_up_on(context: zmq.Context[Any]) -> None:
    pull = Pull(context)
    port = int(pull.bind(ANYWHERE).rpartition(":")[2])
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(16) + b"\x00" + bytes(31)
    ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 4) + b"PUSH"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as stranger:
        stranger.sendall(greeting + b"\x04" + bytes([len(ready)]) + ready)
        heard = b""
        while b"READY" not in heard:
            heard += stranger.recv(4096)
        stranger.sendall(b"\x00\x05small")
        assert gathered(pull, 1) == [b"small"]
        stranger.sendall(b"\x02" + struct.pack(">Q", 2**40) + b"x" * 1000)
        with contextlib.suppress(ConnectionResetError):
            while stranger.recv(4096):
                pass
    assert pull.drain() == []


def test_a_subscriber_hears_its_kinds_alone(context: zmq.Context[Any]) -> None:
    publish, subscribe = Publish(context), Subscribe(context, ["sample", "check"])
    subscribe.connect(publish.bind(ANYWHERE))
    until(lambda: publish.send(topic("check") + b"0") and subscribe.drain(), "it is subscribed")
    for kind in ("sample", "alert", "checks", "check"):
        publish.send(topic(kind) + b"1")
    # Those that were said until it was subscribed may still be on their way.
    assert gathered(subscribe, 2, b"1") == [b"sample\x001", b"check\x001"]


def test_a_subscriber_that_does_not_listen_stops_nobody(context: zmq.Context[Any]) -> None:
    publish = Publish(context, queue=100)
    address = publish.bind(ANYWHERE)
    slow, quick = (Subscribe(context, ["sample"], queue=100) for _ in range(2))
    for one in (slow, quick):
        one.connect(address)
        until(lambda one=one: publish.send(topic("sample")) and one.drain(), "it is subscribed")  # type: ignore[misc]
    heard = 0
    for _ in range(200):
        for _ in range(20):
            assert publish.send(topic("sample") + bytes(2000))
        came = 0
        while came < 20 and quick.raw.poll(20):
            came += len(quick.drain())
        heard += came
    assert heard > 2000, "the quick one has most of it, though its own queue is short"
    missed = 200 * 20 - len(slow.drain(10_000))
    assert missed > 500, "the slow one loses what is over its queue, alone"


def test_a_question_is_answered_to_whom_asked_it(context: zmq.Context[Any]) -> None:
    answer = Answer(context)
    address = answer.bind(ANYWHERE)
    asking = [Ask(context) for _ in range(3)]
    for number, ask in enumerate(asking):
        ask.connect(address)
        until(lambda ask=ask: ask.raw.poll(0, zmq.POLLOUT), "it is connected")  # type: ignore[misc]
        ask.raw.send_multipart([b"%d" % number, b"who am I?"])
    for _ in asking:
        assert answer.raw.poll(30_000)
        who, number_of, _ = answer.raw.recv_multipart()
        answer.raw.send_multipart([who, number_of, b"you are " + number_of])
    for number, ask in enumerate(asking):
        assert ask.raw.poll(30_000)
        assert ask.raw.recv_multipart() == [b"%d" % number, b"you are %d" % number]


def test_a_question_to_nobody_fails_at_once(context: zmq.Context[Any]) -> None:
    ask = Ask(context)
    ask.connect(f"tcp://127.0.0.1:{free_port()}")
    with pytest.raises(zmq.Again):
        ask.raw.send_multipart([b"1", b"?"], zmq.NOBLOCK)


def test_letters_come_with_their_sender_and_are_answered_until_he_is_gone(context: zmq.Context[Any]) -> None:
    post, hear = Post(context), Hear(context)
    hear.connect(post.bind(ANYWHERE))
    hear.send(b"HELLO")
    assert post.raw.poll(30_000)
    who, text = (frame.bytes for frame in post.letters()[0])

    assert text == b"HELLO"
    assert post.deliver(who, b"receipt")
    assert gathered(hear, 1) == [b"receipt"]
    assert changed(hear) == [True]

    hear.close()
    until(lambda: not post.deliver(who, b"receipt"), "he is found to be gone")


def test_a_producer_notices_that_the_hub_went_and_came_back(context: zmq.Context[Any]) -> None:
    post, hear = Post(context), Hear(context)
    address = post.bind(f"tcp://127.0.0.1:{free_port()}")
    hear.connect(address)
    assert changed(hear) == [True]
    post.raw.unbind(address)
    post.close()
    assert changed(hear) == [False]
    again = Post(context)
    until(lambda: bound(again, address), "the port is free")
    assert changed(hear) == [True]


def changed(hear: Hear) -> list[bool | None]:
    """The next changes of the connection."""
    assert hear.watch.poll(30_000)
    return hear.changes()


def bound(road: Post, address: str) -> bool:
    """Whether the address could be taken."""
    try:
        road.bind(address)
    except zmq.ZMQError:
        return False
    return True


@pytest.mark.parametrize("role", [Pull, Post, Answer, Ask])
def test_the_hubs_own_ends_do_not_linger(context: zmq.Context[Any], role: Any) -> None:
    assert role(context).raw.getsockopt(zmq.LINGER) == 0


@pytest.mark.parametrize("role", [Pull, Post])
def test_the_network_reaches_no_socket_without_limits(context: zmq.Context[Any], role: Any) -> None:
    raw = role(context).raw
    assert raw.getsockopt(zmq.MAXMSGSIZE) == MAX_FRAME
    assert 0 < raw.getsockopt(zmq.RCVHWM) <= 5000
    assert 0 < raw.getsockopt(zmq.HANDSHAKE_IVL) <= 5000
    assert raw.getsockopt(zmq.TCP_KEEPALIVE) == 1


@pytest.mark.parametrize("role", [Pull, Post])
def test_a_hub_with_thousands_of_connections_has_no_timer_for_each(context: zmq.Context[Any], role: Any) -> None:
    assert role(context).raw.getsockopt(zmq.HEARTBEAT_IVL) == 0


@pytest.mark.parametrize("role", [Push, Hear, Ask, partial(Subscribe, kinds=["sample"])])
def test_who_connects_notices_within_20_seconds_that_nobody_answers(context: zmq.Context[Any], role: Any) -> None:
    raw = role(context).raw
    asked, waited = raw.getsockopt(zmq.HEARTBEAT_IVL), raw.getsockopt(zmq.HEARTBEAT_TIMEOUT)
    assert 0 < asked < asked + waited <= 20_000
