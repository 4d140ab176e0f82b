"""Names, addresses and deadlines: a name that hangs, one that lies, a connection that drips."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from bus.deadline import Guard
from prober.names import Address, Names, scoped
from prober.outcome import DOWN, UNKNOWN, Failed
from prober.reach import Reach
from tests.ports import free_port
from tests.prober.targets import LOOPBACK, dripping, listening, speechless

GUARD = Guard()


def says(*addresses: str) -> Names:
    def ask(host: str, port: int) -> Sequence[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return Names(ask)


def test_a_number_is_asked_of_nobody() -> None:
    def ask(host: str, port: int) -> Sequence[tuple[Any, ...]]:
        raise AssertionError("asked")

    names = Names(ask)
    assert names.lookup("127.0.0.1", 80, 1.0)[0].place == ("127.0.0.1", 80)
    assert names.lookup("::1", 80, 1.0)[0].place == ("::1", 80, 0, 0)


def test_a_name_server_that_is_silent_is_not_waited_for() -> None:
    go, begun_to_ask, asked = threading.Event(), threading.Event(), []

    def ask(host: str, port: int) -> Sequence[tuple[Any, ...]]:
        asked.append(host)
        begun_to_ask.set()
        go.wait(30)
        return []

    names = Names(ask)
    begun = time.monotonic()
    for _ in range(3):
        with pytest.raises(Failed, match=r"the name servers do not answer for shop\.example"):
            names.lookup("shop.example", 80, 0.1)
    assert time.monotonic() - begun < 25
    assert begun_to_ask.wait(30)
    assert asked == ["shop.example"], "the same question is asked once"
    go.set()


def test_a_name_that_nobody_asked_for_since_others_hang_is_unknown() -> None:
    go, hanging = threading.Event(), threading.Semaphore(0)

    def ask(host: str, port: int) -> Sequence[tuple[Any, ...]]:
        if host.endswith(".gone.example"):
            hanging.release()
            go.wait(30)
            raise socket.gaierror(socket.EAI_AGAIN, "?")
        return [(socket.AF_INET, 1, 6, "", ("192.0.2.1", port))]

    names = Names(ask, threads=2)

    def look(host: str) -> None:
        with suppress(Failed):
            names.lookup(host, 80, 30.0)

    for host in ("a.gone.example", "b.gone.example"):
        threading.Thread(target=look, args=(host,), daemon=True).start()
        assert hanging.acquire(timeout=30)
    with pytest.raises(Failed) as caught:
        names.lookup("a.gone.example", 80, 0.05)
    assert caught.value.status == DOWN
    with pytest.raises(Failed) as caught:
        names.lookup("shop.example", 80, 0.05)
    assert (caught.value.status, str(caught.value)) == (
        UNKNOWN,
        "shop.example was not looked up: 2 other names hang, for which no name server answers",
    )
    go.set()
    assert names.lookup("shop.example", 80, 30.0)[0].number == "192.0.2.1"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "?"), "the name shop.example has no address"),
        (socket.gaierror(socket.EAI_AGAIN, "?"), "the name servers do not answer for shop.example"),
        (UnicodeError("label too long"), "the name shop.example cannot be looked up"),
        (socket.gaierror(socket.EAI_FAIL, "?"), "the name servers refuse to answer for shop.example"),
    ],
)
def test_what_the_resolver_says_is_put_into_words(error: Exception, words: str) -> None:
    def ask(host: str, port: int) -> Sequence[tuple[Any, ...]]:
        raise error

    with pytest.raises(Failed, match=words) as told:
        Names(ask).lookup("shop.example", 80, 30.0)
    assert told.value.status == DOWN


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_MEMORY, "?"), "no memory on this machine"),
        (OSError(errno.EMFILE, "Too many open files"), "too many open files on this machine"),
    ],
)
def test_what_this_machine_lacks_to_look_a_name_up_says_nothing_of_it(error: Exception, words: str) -> None:
    def ask(host: str, port: int) -> Sequence[tuple[Any, ...]]:
        raise error

    with pytest.raises(Failed, match=f"the name shop.example cannot be looked up: {words}") as told:
        Names(ask).lookup("shop.example", 80, 30.0)
    assert told.value.status == UNKNOWN


def test_name_servers_that_answer_for_no_name_are_told_apart_from_those_of_one() -> None:
    dead = {"shop.example", "blog.example"}

    def ask(host: str, port: int) -> Sequence[tuple[Any, ...]]:
        if host in dead:
            raise socket.gaierror(socket.EAI_AGAIN, "?")
        return [(socket.AF_INET, 1, 6, "", ("192.0.2.1", port))]

    names = Names(ask)
    for host, other, more in (
        ("shop.example", "", False),
        ("shop.example", "", False),
        ("blog.example", "", True),
        ("shop.example", "", True),
        ("shop.example", "mail.example", False),
    ):
        if other:
            assert names.lookup(other, 80, 30.0)
        with pytest.raises(Failed) as caught:
            names.lookup(host, 80, 30.0)
        assert str(caught.value) == (
            f"the name servers do not answer for {host}{', nor for other names' if more else ''}"
        )


def test_answers_are_not_kept_and_threads_are_used_again() -> None:
    answers = iter(["192.0.2.1", "192.0.2.2"])

    def ask(host: str, port: int) -> Sequence[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    names = Names(ask)
    assert [names.lookup("shop.example", 80, 30.0)[0].number for _ in range(2)] == ["192.0.2.1", "192.0.2.2"]


def test_threads_that_nobody_needs_end_and_others_begin() -> None:
    def ask(host: str, port: int) -> Sequence[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", port))]

    names = Names(ask, idle_seconds=0.01)
    for _ in range(2):
        assert names.lookup("shop.example", 80, 30.0)
        end = time.monotonic() + 30
        while names.threads:
            assert time.monotonic() < end
            time.sleep(0.005)


def test_a_name_is_asked_for_again_after_the_system_had_no_thread_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    names = says("192.0.2.1")
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", none_left)
        with pytest.raises(Failed, match="do not answer"):
            names.lookup("shop.example", 80, 0.01)
    assert names.lookup("shop.example", 80, 30.0)[0].number == "192.0.2.1"
    assert names.lookup("mail.example", 80, 30.0)[0].number == "192.0.2.1"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "0.0.0.0"])
def test_a_name_that_points_inside_is_refused_as_unknown(address: str) -> None:
    with pytest.raises(Failed) as told:
        Reach((), says("192.88.99.1", address)).addresses("shop.example", 80, GUARD.deadline(30.0))
    assert told.value.status == UNKNOWN
    assert "private_networks" in str(told.value)


def test_the_connection_goes_to_an_address_that_was_looked_at() -> None:
    with listening(lambda connection: connection.sendall(b"hello")) as port:
        reach = Reach(LOOPBACK, says("127.0.0.1"))
        deadline = GUARD.deadline(30.0)
        with reach.dial(reach.addresses("shop.example", port, deadline), deadline) as connection:
            assert connection.recv(5) == b"hello"
        deadline.close()


def test_an_address_that_is_silent_leaves_time_for_the_next() -> None:
    with speechless() as silent, listening(lambda connection: connection.sendall(b"hello")) as port:
        reach, deadline = Reach(LOOPBACK), GUARD.deadline(4.0)
        addresses = [*reach.addresses("127.0.0.1", silent, deadline), *reach.addresses("127.0.0.1", port, deadline)]
        with reach.dial(addresses, deadline) as connection:
            assert connection.recv(5) == b"hello"
        deadline.close()


def test_who_refuses_was_reached_and_who_is_silent_was_not() -> None:
    with speechless() as silent:
        reach, deadline = Reach(LOOPBACK), GUARD.deadline(0.3)
        with pytest.raises(Failed) as told:
            reach.dial(reach.addresses("127.0.0.1", silent, deadline), deadline)
    assert (told.value.status, told.value.reached) == (DOWN, False)
    port = free_port()
    with pytest.raises(Failed) as told:
        reach.dial(reach.addresses("127.0.0.1", port, GUARD.deadline(30.0)), GUARD.deadline(30.0))
    assert (told.value.status, told.value.reached) == (DOWN, True)


NOWHERE = Address(socket.AF_INET, ("224.0.0.1", 80))
"""No route for TCP leads there, as none leads to IPv6 from most machines."""
UNSPOKEN = Address(255, ("::1", 80, 0, 0))
"""Of a family that the kernel does not know, as IPv6 is where it was left out."""


@pytest.mark.parametrize("lost", [NOWHERE, UNSPOKEN])
def test_who_refuses_is_down_though_this_machine_has_no_way_to_another_address(lost: Address) -> None:
    port = free_port()
    refusing = Address(socket.AF_INET, ("127.0.0.1", port))
    for addresses in ([refusing, lost], [lost, refusing]):
        with pytest.raises(Failed, match=f"connection refused by 127.0.0.1:{port}") as told:
            Reach(LOOPBACK).dial(addresses, GUARD.deadline(30.0))
        assert (told.value.status, told.value.reached) == (DOWN, True)
    with pytest.raises(Failed) as told:
        Reach(LOOPBACK).dial([lost], GUARD.deadline(30.0))
    assert (told.value.status, told.value.reached) == (UNKNOWN, False)


def test_who_is_silent_is_down_though_this_machine_has_no_way_to_another_address() -> None:
    with speechless() as silent, pytest.raises(Failed, match="in time") as told:
        Reach(LOOPBACK).dial([Address(socket.AF_INET, ("127.0.0.1", silent)), NOWHERE], GUARD.deadline(0.3))
    assert (told.value.status, told.value.reached) == (DOWN, False)


def test_a_drip_ends_at_the_deadline_though_each_read_is_quick() -> None:
    with listening(dripping) as port:
        reach, deadline = Reach(LOOPBACK), GUARD.deadline(1.0)
        begun = time.monotonic()
        with reach.dial(reach.addresses("127.0.0.1", port, deadline), deadline) as connection:
            connection.settimeout(10)
            # A byte that comes after the deadline shut it is answered with a reset.
            with suppress(ConnectionResetError):
                while connection.recv(100):
                    pass
    assert deadline.over
    assert time.monotonic() - begun < 25


def test_a_connection_that_comes_after_the_deadline_is_shut_at_once() -> None:
    deadline = GUARD.deadline(0.0)
    end = time.monotonic() + 30
    while not deadline.over:
        assert time.monotonic() < end
        time.sleep(0.01)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        deadline.watch(ours)
        assert theirs.recv(1) == b""


def test_many_deadlines_come_in_their_order() -> None:
    guard = Guard()
    made = [guard.deadline(seconds) for seconds in (0.3, 30.0, 0.1, 0.2)]
    made[0].close()
    end = time.monotonic() + 30
    while not (made[2].over and made[3].over):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert [one.over for one in made] == [False, False, True, True]


@pytest.mark.parametrize("url", ["fe80::1%eth0", "fe80::1%25eth0"])
def test_the_interface_of_an_address_may_be_written_as_in_addresses_of_the_web(url: str) -> None:
    def ask(host: str, port: int) -> Sequence[tuple[Any, ...]]:
        assert host == "fe80::1%eth0"
        return [(socket.AF_INET6, 1, 6, "", (host, port, 0, 2))]

    assert Names(ask).lookup(url, 80, 30.0) == [Address(socket.AF_INET6, ("fe80::1%eth0", 80, 0, 2))]


def test_an_interface_by_its_number_is_no_escape() -> None:
    assert [scoped(host) for host in ("fe80::1%25", "shop.example", "a%25b")] == ["fe80::1%25", "shop.example", "a%25b"]
