"""WebSocket against the library's own server, and against servers that do it wrong."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.client import ClientProtocol
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.sync.server import ServerConnection, serve

from bus.config import Secret
from prober import upgrade
from prober.checks.websocket import Websocket
from prober.outcome import DEGRADED, DOWN, UP, Outcome
from prober.probe import Probe
from prober.upgrade import MOST_BYTES
from tests.prober import certs
from tests.prober.targets import AMPLE, listening, probe, silent, tried

Talk = Callable[[ServerConnection], None]


@contextmanager
def serving(talk: Talk, **more: Any) -> Iterator[int]:
    """A real server; gives its port."""
    with serve(talk, "127.0.0.1", 0, **more) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.socket.getsockname()[1]
        server.shutdown()
        thread.join(AMPLE)


def look(port: int, seconds: float = AMPLE, scheme: str = "ws", path: str = "/live?a=1", **more: Any) -> Outcome:
    check = Websocket(name="live", url=f"{scheme}://127.0.0.1:{port}{path}", **more)
    assert list(check.objections()) == []
    return tried(check, seconds)


def quiet(line: ServerConnection) -> None:
    for _ in line:
        pass


def echo(line: ServerConnection) -> None:
    for message in line:
        line.send(f"you said {message!s}")


def heard(found: list[Any]) -> list[Any]:
    """What the server's thread found, once it did."""
    end = time.monotonic() + AMPLE
    while not found and time.monotonic() < end:
        time.sleep(0.005)
    return found


def test_what_takes_the_upgrade_is_up_and_hears_goodbye() -> None:
    ended: list[int | None] = []

    def talk(line: ServerConnection) -> None:
        quiet(line)
        ended.append(line.close_code)

    with serving(talk) as port:
        found = look(port)
    assert (found.status, found.reason, found.http_status) == (UP, "", 101)
    assert found.phases["first_byte_ms"] > 0
    assert heard(ended) == [1000]


def test_it_is_asked_as_the_operator_says() -> None:
    heads: list[Any] = []
    with serving(lambda line: heads.append(line.request)) as port:
        look(port, headers={"X-Team": "ops", "Host": "shop.example"}, secret_headers={"Authorization": Secret("word")})
    [asked] = heard(heads)
    assert asked.path == "/live?a=1"
    assert [asked.headers[name] for name in ("X-Team", "Host", "Authorization")] == ["ops", "shop.example", "word"]
    assert asked.headers["User-Agent"].startswith("guardia/")


def test_what_is_sent_is_answered_as_expected() -> None:
    with serving(echo) as port:
        found = look(port, send="ping", expect="said p.ng$")
    assert (found.status, found.reason, found.metrics) == (UP, "", {"bytes": 13.0})


def test_a_message_in_pieces_among_others_is_found() -> None:
    def talk(line: ServerConnection) -> None:
        line.ping()
        line.send("welcome")
        line.send(iter(["po", "", "ng"]))
        line.send(b"\xff")
        quiet(line)

    with serving(talk) as port:
        assert look(port, expect="^pong$").status == UP
        assert look(port, expect="�").status == UP, "what is no text matches as what stands for it"


def test_what_says_the_wrong_thing_and_no_more_is_down_with_what_it_said() -> None:
    with serving(echo) as port:
        found = look(port, send="ping\x07", expect="pong", seconds=1.0)
    assert found.status == DOWN
    assert found.reason == 'it said no more within 1 s; it had said "you said ping?", which does not match /pong/'


def test_what_says_nothing_is_late() -> None:
    with serving(quiet) as port:
        found = look(port, expect="pong", seconds=1.0)
    assert (found.status, found.reason.startswith("no answer within 1 s")) == (DOWN, True)


def test_what_has_said_it_may_go_without_a_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    send = upgrade._send

    def gone(line: socket.socket, speech: ClientProtocol, probe: Probe) -> None:
        if speech.state is State.CLOSING:
            raise ConnectionResetError
        send(line, speech, probe)

    monkeypatch.setattr(upgrade, "_send", gone)
    with serving(echo) as port:
        assert look(port, send="ping", expect="ping").status == UP


class Torn(socket.socket):
    """A server that has said it and is gone: what is said to it breaks, what it said is there to be read."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[bytes] = []

    def sendall(self, data: Any, flags: int = 0) -> None:
        if self.said:
            raise BrokenPipeError
        server = ServerProtocol()
        server.receive_data(bytes(data))
        (request,) = server.events_received()
        assert isinstance(request, Request)
        server.send_response(server.accept(request))
        server.send_ping(b"there?")
        server.send_text(b"pong")
        self.said = [b"".join(server.data_to_send()), b""]

    def recv(self, size: int, flags: int = 0) -> bytes:
        return self.said.pop(0) if len(self.said) > 1 else self.said[0]


def test_what_was_said_counts_though_who_said_it_is_gone_by_then() -> None:
    with Torn() as line:
        assert upgrade.talked(line, "ws://shop.example/", {}, (), "", re.compile("pong"), probe()) == 4


@pytest.mark.parametrize(
    ("close", "said"),
    [
        (lambda line: line.close(1008, "no \x1b[2Jtoken"), "it closed with 1008 (no ?[2Jtoken), expected a message"),
        (lambda line: line.close(1001), "it closed with 1001, expected a message that matches /pong/"),
        (lambda line: line.socket.shutdown(socket.SHUT_RDWR), "it closed the connection, expected a message"),
    ],
)
def test_what_closes_before_it_says_so_is_down(close: Talk, said: str) -> None:
    with serving(close) as port:
        found = look(port, expect="pong")
    assert (found.status, found.reason[: len(said)]) == (DOWN, said)


def test_what_talks_without_end_is_cut() -> None:
    def talk(line: ServerConnection) -> None:
        for _ in range(200):
            line.send("x" * (MOST_BYTES // 100))

    with serving(talk) as port:
        found = look(port, expect="pong")
    assert (found.status, found.reason) == (DOWN, f"its first {MOST_BYTES} bytes do not match /pong/")


def test_a_message_may_be_long_and_one_that_is_too_long_is_told_as_such() -> None:
    with serving(lambda line: line.send("x" * 100_000 + "pong")) as port:
        assert look(port, expect="pong").metrics == {"bytes": 100_004.0}
    with serving(lambda line: line.send("x" * (MOST_BYTES + 1))) as port:
        found = look(port, expect="pong")
    long = f"it said a message of more than {MOST_BYTES} bytes, expected a message that matches /pong/"
    assert (found.status, found.reason) == (DOWN, long)


def test_what_refuses_the_upgrade_is_down_with_its_status() -> None:
    def refused(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    with listening(refused) as port:
        found = look(port)
    assert (found.status, found.reason, found.http_status) == (DOWN, "answered 404, expected 101 and WebSocket", 404)


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
    ],
)
def test_what_does_not_shake_hands_is_told(said: bytes) -> None:
    def strange(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(said)

    with listening(strange) as port:
        found = look(port)
    assert (found.status, found.reason) == (DOWN, "its answer is no handshake of WebSocket")


def test_a_head_that_is_too_large_is_told() -> None:
    def wordy(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\n" + b"X-Word: a\r\n" * 200 + b"\r\n")

    with listening(wordy) as port:
        found = look(port)
    assert found.status == DOWN
    assert re.match("its answer is no handshake of WebSocket: .*headers", found.reason)


def test_a_subprotocol_that_is_asked_for_has_to_be_taken() -> None:
    with serving(quiet, subprotocols=["graphql-ws"]) as port:
        assert look(port, subprotocols=("graphql-ws", "other")).status == UP
    with serving(quiet, select_subprotocol=lambda *_: None) as port:
        found = look(port, subprotocols=("graphql-ws",))
    assert (found.status, found.reason) == (DOWN, "it took none of the subprotocols graphql-ws")


def test_a_frame_that_is_none_is_told() -> None:
    def broken(connection: socket.socket) -> None:
        speech = ServerProtocol()
        speech.receive_data(connection.recv(4096))
        [request] = speech.events_received()
        speech.send_response(speech.accept(request))  # type: ignore[arg-type]
        connection.sendall(b"".join(speech.data_to_send()) + b"\xff\xff")
        silent(connection)

    with listening(broken) as port:
        assert look(port, expect="pong").reason.startswith("what it said is no WebSocket")


def test_over_tls_the_certificate_has_its_say(tmp_path: Path) -> None:
    authority = certs.authority_file(tmp_path)
    with serving(echo, ssl=certs.good()) as port:
        found = look(port, scheme="wss", tls_authority=authority, send="ping", expect="ping")
        assert found.status == UP
        assert found.tls_days is not None
        assert look(port, scheme="wss", tls_authority=authority, tls_warn=400 * 86_400.0).status == DEGRADED
        assert look(port, scheme="wss").status == DOWN, "nobody knows its authority"


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"url": "http://shop.example/live"}, "url"),
        ({"url": "wss:///live"}, "url"),
        ({"url": "wss://shop.example/live#a"}, "url"),
        ({"headers": {"a b": "c"}}, "headers"),
        ({"secret_headers": {"a": Secret("b\nc")}}, "secret_headers"),
        ({"subprotocols": ("a b",)}, "subprotocols"),
        ({"expect": "("}, "expect"),
    ],
)
def test_what_cannot_work_is_told_when_it_is_read(settings: dict[str, Any], key: str) -> None:
    check = Websocket(name="live", **{"url": "wss://shop.example/live", **settings})
    assert [one.key for one in check.objections()] == [key]


def test_ports_are_those_of_the_web_where_none_is_said() -> None:
    found = tried(Websocket(name="live", url="ws://127.0.0.2/", timeout=1.0), allowed=())
    assert re.search(r"127\.0\.0\.2", found.reason)
