"""Connections are shut when the time of their attempt has come, whatever comes in on them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing

import pytest

from bus.deadline import Deadline, Guard, within


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(30)
        yield ours, theirs


@pytest.mark.parametrize("make", [within, lambda seconds: closing(Guard().deadline(seconds))])
def test_whoever_reads_returns_at_the_deadline_though_bytes_drip_in(
    make: Callable[[float], AbstractContextManager[Deadline]], pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    theirs.send(b"a")  # before its time runs: on a busy machine that may be over at once
    with make(0.05) as deadline:
        deadline.watch(ours)
        assert (ours.recv(10), ours.recv(10)) == (b"a", b"")
        assert deadline.over
        assert deadline.cut


def test_a_connection_that_comes_too_late_is_shut_at_once(pair: tuple[socket.socket, socket.socket]) -> None:
    deadline = Deadline(0.0)
    deadline.end()
    deadline.watch(pair[0])
    assert pair[0].recv(10) == b""
    deadline.close()


def test_an_attempt_that_ended_in_time_keeps_its_connection(pair: tuple[socket.socket, socket.socket]) -> None:
    guard = Guard()
    first, second = guard.deadline(30.0), guard.deadline(0.01)
    first.watch(pair[0])
    first.close()
    second.watch(pair[1])
    assert pair[1].recv(10) == b""
    assert not first.over
    second.close()


def test_deadlines_come_after_the_system_had_no_thread_for_the_first(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    guard = Guard()
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", none_left)
        with pytest.raises(RuntimeError):
            guard.deadline(0.01)
    with closing(guard.deadline(0.01)) as deadline:
        deadline.watch(pair[0])
        assert pair[0].recv(10) == b""
