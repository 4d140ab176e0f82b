"""Connections that hold on: limits of head, time and number."""

from __future__ import annotations

import contextlib
import gc
import json
import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import requests
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from websockets.sync.client import connect

from api.config import Api
from api.connections import Answer, acknowledged
from tests.api import contract
from tests.api.house import House
from tests.api.served import PATIENCE, Served, dialled, rest, serving


def honest(served: Served) -> int:
    return requests.get(f"http://127.0.0.1:{served.port}/api/v1/health", timeout=PATIENCE).status_code


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(House().prime(), read_seconds=PATIENCE) as one:
        yield one


@pytest.fixture
def hasty() -> Iterator[Served]:
    """Waits for the end of a request for no longer than a moment."""
    with serving(House().prime(), read_seconds=0.3) as one:
        yield one


@pytest.mark.parametrize("start", [b"", b"GET /api/v1/health HTTP/1.1\r\nHost: hub\r\nX-A: "])
def test_a_request_that_never_ends_is_cut_off(hasty: Served, start: bytes) -> None:
    with dialled(hasty) as client, contextlib.suppress(ConnectionError):
        client.sendall(start)
        assert rest(client) == b""


def test_a_body_that_never_ends_is_cut_off(hasty: Served) -> None:
    with dialled(hasty) as client, contextlib.suppress(ConnectionError):
        client.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: hub\r\nContent-Length: 10\r\n\r\nabc")
        rest(client)


def test_a_second_request_on_a_connection_has_the_same_deadline() -> None:
    with serving(House().prime(), read_seconds=3.0) as served, dialled(served) as client:
        client.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: hub\r\n\r\n")
        assert client.recv(65_536).startswith(b"HTTP/1.1 200")
        client.sendall(b"GET /api/v1/health HTTP/1.1\r\nX-A: ")
        assert rest(client) == b""


@pytest.mark.parametrize("nothing", [b"\r\n", b"\n\r\n\r"])
def test_empty_lines_keep_no_idle_connection_open(nothing: bytes) -> None:
    with serving(House().prime(), timeout_keep_alive=1) as served, dialled(served) as client:
        client.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: hub\r\n\r\n")
        assert client.recv(65_536).startswith(b"HTTP/1.1 200")
        with contextlib.suppress(ConnectionError):
            client.sendall(nothing)
            assert rest(client) == b""


def test_an_empty_line_before_a_request_is_passed_over(served: Served) -> None:
    with dialled(served) as client:
        for _ in range(2):
            client.sendall(b"\r\nGET /api/v1/health HTTP/1.1\r\nHost: hub\r\n\r\n")
            assert client.recv(65_536).startswith(b"HTTP/1.1 200")
        client.sendall(b"\r")
        client.sendall(b"\nGET /api/v1/health HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n")
        assert rest(client).startswith(b"HTTP/1.1 200")


def test_a_body_in_chunks_is_read_no_further_than_one_may_be_long() -> None:
    with serving(House(config=Api(body_bytes=1000)).prime()) as served, dialled(served) as client:
        client.sendall(
            b"POST /api/v1/silences HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001 + b"\r\n"
        )
        head, _, body = client.recv(65_536).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 413 ")
        assert json.loads(body)["code"] == "too_large"


def test_forty_dripping_connections_keep_nobody_out(served: Served) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(dialled(served)) for _ in range(40)]
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\n")
        served.until(lambda: len(served.connections) == 40)
        began = time.monotonic()
        assert honest(served) == 200
        assert time.monotonic() - began < PATIENCE, "they are there for longer"


def test_a_head_over_the_limit_is_400_in_the_one_shape(served: Served) -> None:
    with dialled(served) as client:
        client.sendall(b"GET / HTTP/1.1\r\n" + b"X-A: " + b"a" * 40_000 + b"\r\n\r\n")
        head, _, body = rest(client).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400")
        contract.error(json.loads(body))


def test_what_is_no_http_is_400_in_the_one_shape(served: Served) -> None:
    with dialled(served) as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
        head, _, body = rest(client).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400")
        contract.error(json.loads(body))


@pytest.mark.parametrize("version", [b"HTTP/0.9", b"HTTP/2.0", b"HTTP/9.9"])
def test_another_version_is_505_in_the_one_shape(served: Served, version: bytes) -> None:
    with dialled(served) as client:
        client.sendall(b"GET /api/v1/health " + version + b"\r\nHost: hub\r\n\r\n")
        head, _, body = rest(client).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 505") or version == b"HTTP/9.9"
        contract.error(json.loads(body))
    with dialled(served) as client:
        client.sendall(b"GET /api/v1/health HTTP/1.0\r\nHost: hub\r\n\r\n")
        assert rest(client).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("name", [b"Transfer-Encoding: chunked\r\nContent-Length: 5", b"X-A: a\x00b"])
def test_ambiguous_heads_are_refused(served: Served, name: bytes) -> None:
    with dialled(served) as client:
        client.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: hub\r\n" + name + b"\r\n\r\n")
        assert rest(client).startswith(b"HTTP/1.1 400")


def test_connections_over_the_limit_are_told_so_and_the_next_is_welcome_again() -> None:
    with serving(House().prime(), most=2) as served:
        with connect(served.url("/api/v1/stream")), connect(served.url("/api/v1/stream")):
            served.until(lambda: served.house.hub.fanout.clients == 2)
            with dialled(served) as third:
                head, _, body = rest(third).partition(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 503")
                contract.error(json.loads(body))
        served.until(lambda: not served.connections)
        assert honest(served) == 200


class Written:
    """A transport that remembers what was written to it."""

    def __init__(self) -> None:
        self.told: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.told.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def test_the_head_of_an_answer_goes_with_the_first_of_its_body() -> None:
    cycle, transport = SimpleNamespace(response_started=False), Written()
    answer = Answer(cycle, transport, list)  # type: ignore[arg-type]
    answer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    cycle.response_started = True
    for part in (b"head ", b"body", b"more"):
        answer.write(part)
    answer.flush()
    assert transport.told == [b"HTTP/1.1 100 Continue\r\n\r\n", b"head body", b"more"]


def test_the_head_of_an_answer_without_a_body_goes_when_it_is_over() -> None:
    cycle = SimpleNamespace(response_started=True)
    for over in (Answer.flush, Answer.end, Answer.close):
        transport = Written()
        answer = Answer(cycle, transport, list)  # type: ignore[arg-type]
        answer.write(b"head")
        assert transport.told == []
        over(answer)
        assert (b"".join(transport.told), answer.is_closing()) == (b"head", over is Answer.close)


def test_of_what_was_answered_nothing_waits_for_the_collector_of_cycles() -> None:
    def kept() -> int:
        return sum(isinstance(one, RequestResponseCycle) for one in gc.get_objects())

    with serving(House()) as served, requests.Session() as client:
        gc.collect()
        before = kept()
        gc.disable()
        try:
            for _ in range(10):
                assert client.get(f"http://127.0.0.1:{served.port}/api/v1/health", timeout=PATIENCE).ok
                assert client.get(f"http://127.0.0.1:{served.port}/api/v1/nothing", timeout=PATIENCE).status_code == 404
            served.until(lambda: kept() <= before + 1)  # a connection has the last of its own
        finally:
            gc.enable()


def test_answers_to_requests_that_came_together_come_one_after_the_other() -> None:
    ask = b"%s /api/v1/health HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
    with serving(House()) as served, dialled(served) as client:
        client.sendall(ask % (b"HEAD", b"") + ask % (b"GET", b"") + ask % (b"HEAD", b"Connection: close\r\n"))
        told = rest(client)
    assert told.count(b"HTTP/1.1 200 OK") == 3
    heads = [part.partition(b"\r\n\r\n") for part in told.split(b"HTTP/1.1 200 OK\r\n")[1:]]
    assert [bool(body) for _, _, body in heads] == [False, True, False]
    assert json.loads(heads[1][2])["status"]


def test_heads_alone_and_bodies_that_are_awaited_come_whole() -> None:
    with serving(House()) as served, socket.create_connection(("127.0.0.1", served.port)) as client:
        client.settimeout(PATIENCE)
        reading = client.makefile("rb")
        for request, status in (
            (b"HEAD /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n", b"200"),
            (b"OPTIONS /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n", b"200"),
            (
                b"POST /api/v1/alerts/x/ack HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
                b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n",
                b"100",
            ),
        ):
            client.sendall(request)
            assert reading.readline().split()[1] == status
            while reading.readline().strip():
                pass


def stuck(served: Served, last: bytes = b"") -> socket.socket:
    """A client that asks for more than fits between the two and takes nothing of it."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.settimeout(PATIENCE)
    client.connect(("127.0.0.1", served.port))
    ask = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
    client.sendall(ask % b"" * 100 + ask % last)
    return client


@pytest.mark.parametrize("last", [b"", b"Connection: close\r\n"])
def test_who_takes_nothing_of_an_answer_loses_his_place(last: bytes) -> None:
    with serving(House(), unread_seconds=0.2) as served, stuck(served, last) as client:
        assert client.recv(1, socket.MSG_PEEK), "an answer is under way"
        served.until(lambda: not served.connections)


def test_who_takes_an_answer_slowly_keeps_his_place() -> None:
    with serving(House(), unread_seconds=2 * PATIENCE) as served, stuck(served) as client:
        assert client.recv(1, socket.MSG_PEEK), "an answer is under way"
        (connection,) = served.connections
        line = connection.transport
        for _ in range(5):
            served.until(lambda: line.get_write_buffer_size() > 0)
            taken = acknowledged(line)
            while acknowledged(line) == taken:
                assert client.recv(65_536)
            served.on_loop(lambda: connection._watch(taken))  # noqa: B023, as when its time has come
            assert served.connections == {connection}
        served.until(lambda: line.get_write_buffer_size() > 0)
        served.on_loop(lambda: connection._watch(acknowledged(line)))
        served.until(lambda: not served.connections)


def test_many_who_take_nothing_fill_no_memory_and_who_began_last_keeps_his_place() -> None:
    with serving(House(), unread_bytes=400_000) as served, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(stuck(served))]
        for _ in range(15):
            served.until(lambda: any(one.flow.write_paused for one in served.connections))
            clients.append(stack.enter_context(stuck(served)))
            assert clients[-1].recv(1, socket.MSG_PEEK), "an answer is under way"
        served.until(lambda: unread(served) <= 400_000)
        there = {one.client[1] for one in served.connections}
        assert clients[-1].getsockname()[1] in there
        assert clients[0].getsockname()[1] not in there


def unread(served: Served) -> int:
    """What the clients have left."""
    return sum(one.transport.get_write_buffer_size() for one in served.connections)


def test_an_answer_to_a_client_that_is_gone_is_dropped_without_a_word() -> None:
    transport = Written()
    answer = Answer(SimpleNamespace(response_started=True), transport, list)  # type: ignore[arg-type]
    answer.close()
    answer.write(b"head")
    answer.write(b"body")
    assert transport.told == []
