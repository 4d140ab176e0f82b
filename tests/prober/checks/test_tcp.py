"""A TCP port that connects, talks, says the wrong thing."""

from __future__ import annotations

import socket

import pytest

from prober.checks.tcp import Tcp, unescaped
from prober.outcome import DEGRADED, DOWN, UP
from tests.prober.targets import listening, silent, tried


def tcp(port: int, **more: object) -> Tcp:
    return Tcp(name="db", url=f"tcp://127.0.0.1:{port}", **more)  # type: ignore[arg-type]


def echo(connection: socket.socket) -> None:
    while heard := connection.recv(4096):
        connection.sendall(b"you said " + heard)


def slowly(connection: socket.socket) -> None:
    connection.sendall(b"220 mail.")
    connection.recv(1)  # it never comes: what is expected comes in two parts
    connection.sendall(b"example ready\r\n")


def test_a_port_that_takes_connections_is_up() -> None:
    with listening(silent) as port:
        assert tried(tcp(port)).status == UP


def test_what_is_sent_is_answered_as_expected() -> None:
    with listening(echo) as port:
        found = tried(tcp(port, send=r"PING\r\n", expect=r"said PING\r\n"))
    assert (found.status, found.reason) == (UP, "")
    assert found.phases["first_byte_ms"] >= 0
    assert found.metrics["bytes"] == 15


def test_a_wrong_answer_is_told() -> None:
    with listening(lambda connection: connection.sendall(b"-ERR no\r\n")) as port:
        found = tried(tcp(port, expect="^\\+OK"))
    assert found.status == DOWN
    assert found.reason == 'it said "-ERR no", which does not match ^\\+OK'


def test_half_an_answer_is_told() -> None:
    with listening(slowly) as port:
        found = tried(tcp(port, expect="ready"), 0.5)
    assert found.status == DOWN
    assert "220 mail." in found.reason or "no answer within" in found.reason


def test_a_slow_port_is_degraded() -> None:
    def late(connection: socket.socket) -> None:
        connection.settimeout(0.2)
        try:
            connection.recv(1)
        except TimeoutError:
            connection.sendall(b"hello")

    with listening(late) as port:
        found = tried(tcp(port, expect="hello", slow=0.1))
    assert found.status == DEGRADED
    assert "slower than 100 ms" in found.reason


def test_bytes_can_be_written() -> None:
    assert unescaped(r"a\r\n\t\x00\\é") == b"a\r\n\t\x00\\\xc3\xa9"
    with pytest.raises(ValueError, match="after a backslash"):
        unescaped(r"\q")
