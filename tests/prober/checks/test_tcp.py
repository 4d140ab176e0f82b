"""A TCP port that connects, talks, says the wrong thing."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from prober.checks.tcp import Tcp, unescaped
from prober.outcome import DEGRADED, DOWN, UP
from tests.prober import certs
from tests.prober.targets import closing, listening, silent, tried


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
    assert found.reason == 'it said "-ERR no", which does not match /^\\+OK/'


def test_half_an_answer_is_told() -> None:
    with listening(slowly) as port:
        found = tried(tcp(port, expect="ready"), 1.0)
    assert found.status == DOWN
    assert found.reason == 'it said "220 mail." within 1 s, which does not match /ready/'


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


def test_what_closes_without_a_word_is_told() -> None:
    with listening(closing) as port:
        assert tried(tcp(port, expect="hello")).reason == "it closed the connection without a word"


def test_tls_is_spoken_at_once_or_when_it_is_asked_for(tmp_path: Path) -> None:
    def hello(connection: socket.socket) -> None:
        connection.sendall(b"hello " + connection.recv(100))

    trusted = {"send": "Anna", "expect": "hello Anna", "tls_authority": certs.authority_file(tmp_path)}
    with certs.listening_tls(certs.good(days=30.5), hello) as port:
        found = tried(tcp(port, tls=True, **trusted))
    assert (found.status, found.tls_days) == (UP, 30)

    def mail(connection: socket.socket) -> bool:
        connection.sendall(b"220 ready\r\n")
        connection.recv(100)
        connection.sendall(b"250 mail.example\r\n")
        connection.recv(100)
        connection.sendall(b"220 go ahead\r\n")
        return True

    with listening(certs.asked(mail, certs.good(days=2.5), hello)) as port:
        found = tried(tcp(port, starttls="smtp", **trusted))
        wrong = tried(tcp(port, starttls="smtp", **{**trusted, "expect": "bye"}))
    assert (found.status, found.reason) == (DEGRADED, "certificate expires in 2 days")
    assert (wrong.status, wrong.reason) == (DOWN, 'it said "hello Anna", which does not match /bye/')


@pytest.mark.parametrize(
    ("settings", "key"),
    [({"url": "tcp://db"}, "url"), ({"expect": "("}, "expect"), ({"send": r"\q"}, "send"),
     ({"tls": True, "starttls": "imap"}, "starttls")],
)  # fmt: skip
def test_what_cannot_work_is_told_when_it_is_read(settings: dict[str, Any], key: str) -> None:
    assert [one.key for one in Tcp(name="db", **{"url": "tcp://db:1", **settings}).objections()] == [key]
