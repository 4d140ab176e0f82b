"""What opens no stream is told so in the one shape of errors, and keeps no place among the connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from uvicorn.protocols.utils import ClientDisconnected

from api.frames import Frames
from tests.api import contract
from tests.api.house import House
from tests.api.served import Served, dialled, rest, serving

KEY, VERSION = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b"Sec-WebSocket-Version: 13\r\n"


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(House().prime()) as one:
        yield one


def refused(served: Served, line: bytes, more: bytes) -> tuple[bytes, str, str]:
    """The head of the answer, and code and text of its body."""
    with dialled(served) as client:
        client.sendall(line + b"\r\nHost: hub\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + more + b"\r\n")
        head, _, body = rest(client).partition(b"\r\n\r\n")
    served.until(lambda: not served.connections)
    assert b"content-type: application/json" in head
    found = json.loads(body)
    contract.error(found)
    return head, found["code"], found["error"]


@pytest.mark.parametrize("more", [b"Content-Length: 3\r\n", b"a:b\r\n" * 200, b"X-A: " + b"a" * 9000 + b"\r\n"])
def test_a_stream_whose_beginning_cannot_be_read_is_400(served: Served, more: bytes) -> None:
    head, code, _ = refused(served, b"GET /api/v1/stream HTTP/1.1", KEY + VERSION + more)
    assert head.startswith(b"HTTP/1.1 400 Bad Request")
    assert code == "bad_request"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (VERSION, "missing Sec-WebSocket-Key header"),
        (KEY + KEY + VERSION, "invalid Sec-WebSocket-Key header: multiple values"),
        (KEY, "missing Sec-WebSocket-Version header"),
        (KEY + b"Sec-WebSocket-Version: 8\r\n", "invalid Sec-WebSocket-Version header: 8"),
        (KEY + b"Sec-WebSocket-Version: \xff\r\n", "invalid Sec-WebSocket-Version header: "),
    ],
)
def test_a_stream_that_is_asked_for_wrongly_is_400_with_what_is_wrong(served: Served, more: bytes, told: str) -> None:
    head, code, text = refused(served, b"GET /api/v1/stream HTTP/1.1", more)
    assert head.startswith(b"HTTP/1.1 400 Bad Request")
    assert code == "bad_request"
    assert text.startswith(f"this opens no stream: {told}")


def test_a_stream_is_asked_for_by_get(served: Served) -> None:
    head, code, _ = refused(served, b"POST /api/v1/stream HTTP/1.1", KEY + VERSION)
    assert head.startswith(b"HTTP/1.1 405 Method Not Allowed\r\nallow: GET\r\n")
    assert code == "method_not_allowed"


@pytest.mark.parametrize("path", [b"/api/v1/nothing", b"/nothing", b"/api/v1/servers", b"/"])
def test_where_there_is_no_stream_is_404(served: Served, path: bytes) -> None:
    head, code, _ = refused(served, b"GET " + path + b" HTTP/1.1", KEY + VERSION)
    assert head.startswith(b"HTTP/1.1 404 Not Found")
    assert code == "not_found"


@pytest.mark.parametrize("path", [b"/api/v1/nothing", b"/api/v1/stream"])
def test_who_is_refused_a_stream_is_told_the_id_of_his_request(served: Served, path: bytes) -> None:
    key = KEY if b"nothing" in path else b""
    told, _, _ = refused(served, b"GET " + path + b" HTTP/1.1", key + VERSION + b"X-Request-ID: mine-1\r\n")
    assert b"\r\nx-request-id: mine-1\r\n" in told
    made, _, _ = refused(served, b"GET " + path + b" HTTP/1.1", key + VERSION)
    assert len(made.partition(b"x-request-id: ")[2].partition(b"\r\n")[0]) == 16


class Written:
    """A transport that remembers what was written to it."""

    def __init__(self) -> None:
        self.told = b""

    def write(self, data: bytes) -> None:
        self.told += data

    def close(self) -> None:
        """Nothing more is to be written."""

    abort = close


def test_a_stream_that_is_about_to_be_accepted_as_the_worker_stops_is_no_error_of_ours() -> None:
    settings = {"root_path": "", "asgi_version": "3.0", "ws_max_size": 1000, "ws_ping_interval": None}
    config = SimpleNamespace(
        loaded=True, loaded_app=None, ws_per_message_deflate=False, ws_ping_timeout=None, **settings
    )
    state = SimpleNamespace(connections=set(), tasks=set(), default_headers=[])

    async def stopped() -> bytes:
        frames, transport = Frames(config, state, {}, asyncio.get_running_loop()), Written()
        frames.transport = transport  # type: ignore[assignment]
        frames.shutdown()
        with pytest.raises(ClientDisconnected):
            await frames.send({"type": "websocket.accept"})
        return transport.told

    head, _, body = asyncio.run(stopped()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 500 ")
    contract.error(json.loads(body))
