"""Whom a worker waits for makes room, and never a request that came whole."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import pytest

from api.waiting import Waiting, holder
from bus.questions import SeriesText, SeriesTextAnswer
from tests.api.house import KEYRING, House
from tests.api.served import PATIENCE, Served, rest, serving
from tests.api.shortly import HOST, LONG, METRIC, Client, Counter, request
from tests.api.test_connections import stuck

HALF = b"GET /api/v1/health HTTP/1.1\r\nHost: hub\r\nX-A: "
WHOLE = b"GET /api/v1/health HTTP/1.1\r\nHost: hub\r\n\r\n"
OPENING = (
    b"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
MOST = 10


@pytest.mark.parametrize(
    ("address", "another", "same"),
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_addresses_of_one_customer_count_together(address: str, another: str, same: bool) -> None:
    assert (holder(address) == holder(another)) == same


def test_who_holds_the_most_makes_room_with_what_is_waited_for_longest() -> None:
    waiting = Waiting[str]()
    assert waiting.first() is None
    for one, of in (("a1", "a"), ("b1", "b"), ("b2", "b"), ("c1", "c"), ("c2", "c")):
        waiting.add(one, of)
    waiting.add("b1", "b")
    assert waiting.first() == "b1", "it is waited for as before"
    waiting.leave("b1")
    assert waiting.first() == "c1"
    waiting.leave("c1")
    assert waiting.first() == "a1", "of holders of as many the longest of all"
    waiting.leave("a1")
    waiting.add("b3", "b")
    waiting.leave("b2")
    assert waiting.first() == "c2", "not of the one who came first, and holds another now"
    for one in ("b3", "c2", "c2"):
        waiting.leave(one)
    assert waiting.first() is None
    assert len(waiting) == 0


@contextlib.contextmanager
def held(served: Served, said: bytes, *, by: str, many: int = 1) -> Iterator[list[socket.socket]]:
    """Connections from the address ``by`` on which that was said and nothing more."""
    with contextlib.ExitStack() as stack:
        found = []
        for _ in range(many):
            one = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE, source_address=(by, 0))
            found.append(stack.enter_context(one))
            one.sendall(said)
        yield found


def ask(client: socket.socket) -> bytes:
    """The first line of the answer to a request on this connection."""
    client.sendall(WHOLE)
    return client.recv(65_536).partition(b"\r\n")[0]


@pytest.mark.parametrize("said", [b"", HALF, WHOLE, OPENING])
@pytest.mark.parametrize("by", ["127.0.0.1", "127.0.0.2"])
def test_one_address_that_holds_all_connections_keeps_nobody_out(said: bytes, by: str) -> None:
    house = House(keyring=KEYRING).prime()
    limits = {"most": MOST, "read_seconds": PATIENCE, "auth_seconds": PATIENCE}
    with serving(house, **limits) as served, held(served, said, by=by, many=3 * MOST):
        served.until(lambda: len(served.connections) == MOST)
        for _ in range(3):
            with held(served, b"", by="127.0.0.1") as (client,):
                assert ask(client) == b"HTTP/1.1 200 OK"


def test_who_holds_few_is_waited_for_while_others_hold_many() -> None:
    with serving(House().prime(), most=MOST, read_seconds=PATIENCE) as served, contextlib.ExitStack() as stack:
        (slow,) = stack.enter_context(held(served, HALF, by="127.0.0.1"))
        (idle,) = stack.enter_context(held(served, b"", by="127.0.0.1"))
        assert ask(idle) == b"HTTP/1.1 200 OK"
        stack.enter_context(held(served, HALF, by="127.0.0.2", many=3 * MOST))
        served.until(lambda: len(served.connections) == MOST)
        slow.sendall(b"b\r\n\r\n")
        assert slow.recv(65_536).startswith(b"HTTP/1.1 200 OK")
        assert ask(idle) == b"HTTP/1.1 200 OK"


class Patient(Counter):
    """A store that answers no question about a series before it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may, self.begun = asyncio.Event(), 0

    async def series_text(self, question: SeriesText) -> SeriesTextAnswer:
        self.begun += 1
        await self.may.wait()
        return await super().series_text(question)


@pytest.mark.parametrize("way", [b"", LONG], ids=["short", "long"])
def test_a_request_that_came_whole_makes_no_room_until_it_is_answered(way: bytes) -> None:
    store = Patient()
    with serving(House(counter=store).prime(), most=2) as served, contextlib.ExitStack() as stack:
        asking = [stack.enter_context(contextlib.closing(Client(served))) for _ in range(2)]
        for one in asking:
            one.send(request(METRIC, HOST + way))
        served.until(lambda: store.begun == 2)
        with held(served, b"", by="127.0.0.2") as (client,):
            assert rest(client).startswith(b"HTTP/1.1 503")
        served.on_loop(store.may.set)
        for one in asking:
            assert one.answer().startswith(b"HTTP/1.1 200")
        with held(served, b"", by="127.0.0.2") as (client,):
            assert ask(client) == b"HTTP/1.1 200 OK"


def test_who_takes_nothing_of_an_answer_makes_room() -> None:
    with serving(House().prime(), most=1) as served, stuck(served):
        served.until(lambda: any(one.flow.write_paused for one in served.connections))
        with held(served, b"", by="127.0.0.2") as (client,):
            assert ask(client) == b"HTTP/1.1 200 OK"


def test_streams_of_those_who_are_known_make_no_room_and_one_that_is_dropped_does() -> None:
    with serving(House().prime(), most=2) as served, held(served, OPENING, by="127.0.0.1", many=2):
        served.until(lambda: served.house.hub.fanout.clients == 2)
        with held(served, HALF, by="127.0.0.2") as (client,):
            assert rest(client).startswith(b"HTTP/1.1 503")
        served.until(lambda: len(served.connections) == 2)
        one, _ = served.connections
        served.on_loop(lambda: one.drop(4408, "too slow"))
        with held(served, b"", by="127.0.0.2") as (client,):
            assert ask(client) == b"HTTP/1.1 200 OK"


def test_nobody_is_waited_for_who_has_gone() -> None:
    with serving(House().prime()) as served:
        for said in (b"", HALF, WHOLE, OPENING, WHOLE * 5 + HALF, WHOLE + OPENING):
            with held(served, said, by="127.0.0.1"):
                served.until(lambda: len(served.connections) == 1)
            served.until(lambda: not served.connections)
        waiting = served.on_loop(lambda: len(served.waiting))
        assert waiting == 0
