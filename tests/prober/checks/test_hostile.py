"""Servers that mean harm, or say anything at all: no check does more than call them down."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prober.checks.common import Check
from prober.checks.dns import Dns
from prober.checks.grpc import Grpc
from prober.checks.http import Http
from prober.checks.tcp import Tcp
from prober.checks.tls import Tls
from prober.checks.websocket import Websocket
from prober.outcome import DOWN, STATUSES, UNKNOWN
from prober.starttls import PROTOCOLS
from tests.prober.site import Site, to
from tests.prober.targets import listening, tried

# Ways to write this machine's own address, and its neighbours'.
DRESSES = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0",
    "0.0.0.0",
    "localhost",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "[fe80::1]",
    "[fd00::1]",
    "[ff02::1]",
    "224.0.0.1",
    "255.255.255.255",
    "198.18.0.1",
]


@pytest.mark.parametrize("host", DRESSES)
def test_no_dress_of_an_address_gets_in(host: str) -> None:
    inside = Site()
    with listening(inside) as port:
        found = tried(Http(name="shop", url=f"http://{host}:{port}/"), 2.0, allowed=())
    assert found.status in (UNKNOWN, DOWN)
    assert found.status == UNKNOWN or "has no address" in found.reason, found.reason
    assert inside.asked == []


@pytest.mark.parametrize("host", [one for one in DRESSES if one != "127.0.0.1"])
def test_no_redirect_in_such_a_dress_gets_in(host: str) -> None:
    inside, outside = Site(), Site()
    with listening(inside, host="127.0.0.2") as port, listening(outside) as front:
        place = host
        for one, other in (("127.0.0.1", "127.0.0.2"), ("2130706433", "2130706434"), ("7f00:1", "7f00:2")):
            place = place.replace(one, other)  # since 127.0.0.1 is allowed here, in whatever dress
        place = place.replace("7f000001", "7f000002").replace("0177.0.0.1", "0177.0.0.2").replace("127.1", "127.2")
        outside.pages[""] = to(f"http://user:word@{place}:{port}/")
        found = tried(Http(name="shop", url=f"http://127.0.0.1:{front}/"), 2.0, allowed=("127.0.0.1",))
    assert found.status in (UNKNOWN, DOWN)
    assert "word" not in found.reason
    assert inside.asked == []


class Anything:
    """Says what it was given last to whoever comes, once something was said to it."""

    def __init__(self) -> None:
        self.data = b""
        self.port = 0

    def __call__(self, connection: socket.socket) -> None:
        """One connection."""
        connection.settimeout(0.02)
        with suppress(TimeoutError):  # some protocols wait for the server's first word
            connection.recv(65_536)
        connection.sendall(self.data)


@pytest.fixture(scope="module")
def anything() -> Iterator[Anything]:
    server = Anything()
    with listening(server) as server.port:
        yield server


def asking(protocol: str, port: int) -> Check:
    """A check that asks for TLS in this protocol."""
    return Tls(name="x", url=f"tls://127.0.0.1:{port}", starttls=protocol)


CHECKS: dict[str, Callable[[int], Check]] = {
    "http": lambda port: Http(name="x", url=f"http://127.0.0.1:{port}/a", body_pattern="nothing", json=("$.a",)),
    "https": lambda port: Http(name="x", url=f"https://127.0.0.1:{port}/a"),
    "grpc": lambda port: Grpc(name="x", url=f"grpc://127.0.0.1:{port}/a"),
    "dns": lambda port: Dns(name="x", url=f"dns://127.0.0.1:{port}/shop.example", transport="tcp"),
    "tcp": lambda port: Tcp(name="x", url=f"tcp://127.0.0.1:{port}", send="x", expect="nothing like this"),
    "websocket": lambda port: Websocket(name="x", url=f"ws://127.0.0.1:{port}/a", send="x", expect="nothing like this"),
    **{protocol: partial(asking, protocol) for protocol in PROTOCOLS},
}
HEADS = st.sampled_from(
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: ",
        b"HTTP/1.0 200\r\nContent-Type: text/plain; charset=",
    ]
)
PARTS = st.sampled_from(
    [
        *(b"\r\n", b"\r\n\r\n", b"Content-Length: ", b"Transfer-Encoding: chunked\r\n", b"Content-Encoding: gzip\r\n"),
        *(
            b"Location: http://",
            b"http://[",
            b"Set-Cookie: a=b; domain=\xe9",
            b"-1",
            b"ffff",
            b"\xff\xfe",
            b"\0",
            b": ",
        ),
        *(b"220 ", b"+OK\r\n", b"* OK\r\n", b"\0\0\x04\x08\0\0\0\0\0", b"x" * 300),
    ]
)
SAID = st.builds(
    lambda head, parts: head + b"".join(parts), HEADS, st.lists(PARTS | st.binary(max_size=12), max_size=8)
)


@pytest.mark.parametrize("kind", sorted(CHECKS))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=SAID)
def test_whatever_is_said_is_judged_and_no_more(anything: Anything, kind: str, data: bytes) -> None:
    anything.data = data
    found = tried(CHECKS[kind](anything.port))
    assert found.status in STATUSES
    assert found.status != "up"
    assert found.reason
    assert found.reason.isprintable(), repr(found.reason)
