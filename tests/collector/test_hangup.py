"""A connection that libzmq holds can be ended from outside, and nothing else that has a descriptor."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator

import pytest
import zmq

from bus.sockets import Pull, Push
from collector.hangup import address_of, descriptor_of, hang_up, received_bytes


@pytest.fixture
def pull() -> Iterator[Pull]:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    made = Pull(context)
    made.port = int(made.bind("tcp://127.0.0.1:*").rpartition(":")[2])  # type: ignore[attr-defined]
    yield made
    context.destroy(linger=0)


def pushed(pull: Pull, push: Push, data: bytes) -> zmq.Frame:
    push.raw.send(data)
    assert pull.raw.poll(30_000)
    return pull.raw.recv(copy=False)


def test_a_producer_that_was_hung_up_on_comes_back_by_itself(pull: Pull) -> None:
    port: int = pull.port  # type: ignore[attr-defined]
    push = Push(pull.raw.context)
    push.connect(f"tcp://127.0.0.1:{port}")
    fd = descriptor_of(pushed(pull, push, b"one"))
    assert fd is not None
    assert address_of(fd, port) == "127.0.0.1"
    assert received_bytes(fd, port) > 3

    # libzmq closes its own as soon as it sees the end.
    twin = os.dup(fd)
    assert hang_up(fd, port)

    with socket.socket(fileno=twin) as ended:
        assert ended.recv(1) == b""
    # What is said before the producer sees the end goes down with the connection.
    end = time.monotonic() + 30
    while not (push.raw.send(b"two") or pull.raw.poll(50)):
        assert time.monotonic() < end, "it did not come back"
    assert pull.raw.recv() == b"two"


def test_what_is_no_connection_to_the_port_is_left_alone(pull: Pull) -> None:
    port: int = pull.port  # type: ignore[attr-defined]
    ours, theirs = socket.socketpair()
    read, write = os.pipe()
    with ours, theirs:
        for fd in (ours.fileno(), read, 99_999):
            assert not hang_up(fd, port)
            assert address_of(fd, port) == ""
            assert received_bytes(fd, port) == 0
        ours.send(b"still there")
        assert theirs.recv(20) == b"still there"
    os.close(read)
    os.close(write)


def test_a_message_that_came_by_no_network_has_no_descriptor() -> None:
    assert descriptor_of(zmq.Frame(b"one")) is None
