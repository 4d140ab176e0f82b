"""The short way of a host's series: the same bytes as the long way, and the long way for all that is unusual."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.auth import Keyring
from api.config import Api
from api.short import Short
from api.tokens import TokensFault
from bus.questions import SeriesText, SeriesTextAnswer, pack_answer, pack_refusal
from bus.versions import Seen, Versions
from tests.api.given import DISK_SERIES, FakeCounter
from tests.api.house import KEYRING, House
from tests.api.served import Served, serving

PATIENCE = 30.0
LONG = b"TE: trailers\r\n"
"""A header that changes nothing but the way."""
METRIC = b"metric=disk[*].percent"
MASKED = re.compile(rb"(date|x-request-id): [^\r]*")


class Counter(FakeCounter):
    """A store that answers a host's series, or holds its answers back until they are ``let``."""

    def __init__(self) -> None:
        super().__init__()
        self.keep_reading()
        self.answer = DISK_SERIES
        self.held = False
        self.refusal: bytes | None = None
        self.waiting: list[asyncio.Future[bytes]] = []

    def series_begun(self, question: SeriesText) -> asyncio.Future[bytes]:
        if self.held or self.refusal is not None:
            answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
            self.waiting.append(answer)
            if self.refusal is not None:
                answer.set_result(self.refusal)
            return answer
        return super().series_begun(question)


def house(**more: Any) -> House:
    return House(counter=Counter(), **more).prime()


def request(query: bytes = METRIC, lines: bytes = b"Host: localhost\r\n", path: bytes = b"web-1/series") -> bytes:
    return b"GET /api/v1/servers/%s?%s HTTP/1.1\r\n%s\r\n" % (path, query, lines)


class Client:
    """A connection that asks one thing after the other."""

    def __init__(self, served: Served) -> None:
        self._road = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)
        self._file = self._road.makefile("rb")

    def send(self, data: bytes) -> None:
        self._road.sendall(data)

    def answer(self) -> bytes:
        """The next answer, without the time and its number; nothing when the server has hung up."""
        head = b""
        while (line := self._file.readline()) not in (b"\r\n", b""):
            head += line
        length = re.search(rb"content-length: (\d+)", head)
        return MASKED.sub(rb"\1: ...", head) + self._file.read(int(length[1]) if length else 0)

    def told(self, data: bytes) -> bytes:
        self.send(data)
        return self.answer()

    def close(self) -> None:
        self._file.close()
        self._road.close()


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(house()) as one:
        yield one


def both(served: Served, data: bytes) -> tuple[bytes, bytes, bool]:
    """What the short and the long way answer, and whether the first was the short one."""
    with closing(Client(served)) as client:
        short = client.told(data)
        connections = served.on_loop(lambda: served.connections)
        taken = bool(connections) and all(one.cycle is None for one in connections)
    with closing(Client(served)) as client:
        long = client.told(data.removesuffix(b"\r\n") + LONG + b"\r\n")
    served.until(lambda: not served.connections)
    return short, long, taken


HOST = b"Host: localhost\r\n"
BROWSER = (
    b'Host: 127.0.0.1:8080\r\nConnection: keep-alive\r\nsec-ch-ua: "Chromium";v="140"\r\nUser-Agent: Mozilla/5.0\r\n'
    b"Accept: */*\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nReferer: http://127.0.0.1:8080/\r\n"
    b"Accept-Encoding: gzip, deflate\r\nAccept-Language: en\r\nCookie: a=b; theme=dark\r\n"
)


@pytest.mark.parametrize(
    "lines", [b"", HOST, b"host:localhost:8080  \r\n", BROWSER, HOST + b"Origin: http://localhost\r\n"]
)
@pytest.mark.parametrize(
    "query",
    [
        METRIC,
        b"metric=disk[*].percent&metric=cpu.*&points=7&agg=max,count",
        b"metric=disk%5B*%5D.percent&step=5m&start=1769860000&end=2026-01-31T14:00:00%2B01:00",
        b"metric=a.b&start=1769860000000&end=1769860800000&agg=*&unknown=1",
    ],
)
def test_both_ways_give_the_same_bytes(served: Served, query: bytes, lines: bytes) -> None:
    short, long, taken = both(served, request(query, lines))
    assert taken
    assert short == long
    assert short.startswith(b"HTTP/1.1 200 OK\r\n")
    [one, other] = served.house.counter.asked[-2:]
    assert one == other


@pytest.mark.parametrize(
    "settings", [{"cors": True}, {"cors": True, "cors_origins": ("https://a.example",)}, {"names": ("hub.example",)}]
)
@pytest.mark.parametrize(
    "lines", [b"Host: hub.example\r\n", HOST, HOST + b"Origin: https://a.example\r\n", HOST + b"Origin: https://b\r\n"]
)
def test_pages_of_other_origins_and_names_get_the_same_from_both(settings: dict[str, Any], lines: bytes) -> None:
    with serving(house(config=replace(Api(), **settings))) as served:
        short, long, taken = both(served, request(METRIC, lines))
    assert short == long
    assert taken == short.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (b"", b"401"),
        (b"Authorization: Bearer gd_reader\r\n", b"200"),
        (b"authorization:bearer gd_reader\r\n", b"200"),
        (b"Cookie: guardia_token=gd_reader\r\n", b"200"),
        (b"Cookie: guardia_token=gd_other\r\n", b"403"),
        (b"Authorization: Bearer gd_other\r\nCookie: guardia_token=gd_reader\r\n", b"403"),
        (b"Authorization: Basic gd_reader\r\n", b"401"),
        (b"Authorization: Bearer gd_reader\r\nAuthorization: Bearer gd_other\r\n", b""),
    ],
)
def test_who_may_not_is_refused_on_both(lines: bytes, status: bytes) -> None:
    with serving(house(keyring=KEYRING)) as served:
        short, long, taken = both(served, request(METRIC, HOST + lines))
    assert short == long
    assert taken == (status == b"200")
    assert short.split()[1] == status or not status


def test_a_token_that_is_revoked_is_refused_at_once() -> None:
    with serving(house(keyring=KEYRING)) as served:
        client = Client(served)
        data = request(METRIC, HOST + b"Authorization: Bearer gd_reader\r\n")
        assert client.told(data).startswith(b"HTTP/1.1 200")
        served.house.keyring = Keyring(())
        assert client.told(data).startswith(b"HTTP/1.1 403")
        client.close()


@pytest.mark.parametrize(
    "data",
    [
        request(b"metric=a.b&step=0"),
        request(b"points=3"),
        request(b"metric=a.b&start=later"),
        request(b"metric=a.b&start=2026-01-31T13:00:00Z"),
        request(METRIC + b"&x=" + b"a" * 4096),
        request(path=b"web-9/series"),
        request(path=b"web%2D1/series"),
        request(path=b"web-1/metrics"),
        request(path=b"web-1//series"),
        request().replace(b"GET", b"OPTIONS"),
        request(METRIC, b"Host: evil.example\r\n"),
        request(METRIC, HOST + b"Origin: a\r\nOrigin: b\r\n"),
        request(METRIC + b"#there"),
        request(METRIC).replace(b"HTTP/1.1", b"HTTP/1.0"),
        request(METRIC, HOST + b"X-Request-ID: mine\r\n"),
        request(METRIC, HOST + b"Connection: close\r\n"),
        request(METRIC, HOST + b"Content-Length: 0\r\n"),
        request(METRIC, HOST + b"X-A: \xc3\xa4\r\n"),
        b"\r\n" + request(),
    ],
)
def test_what_is_unusual_or_wrong_goes_the_long_way(served: Served, data: bytes) -> None:
    short, long, taken = both(served, data)
    assert short.startswith(b"HTTP/1.")
    assert not taken
    assert short == long


def test_a_host_that_is_not_known_yet_is_asked_for_as_long_as_hosts_are_read(served: Served) -> None:
    served.house.hub.primed = False
    short, long, taken = both(served, request())
    assert short == long
    assert not taken
    assert short.startswith(b"HTTP/1.1 503")


def test_tokens_that_cannot_be_read_let_nobody_in(served: Served) -> None:
    def unreadable() -> Keyring:
        raise TokensFault("damaged")

    served.house.hub.keyring = unreadable
    short, long, taken = both(served, request())
    assert short == long
    assert not taken
    assert short.startswith(b"HTTP/1.1 500")


@pytest.mark.parametrize("failure", ["its reader has gone", "its reader did not answer within 2 s"])
def test_a_store_that_does_not_answer_is_told_in_the_same_bytes_and_asked_once(served: Served, failure: str) -> None:
    served.house.counter.failure = failure
    before = len(served.house.counter.asked)
    short, long, taken = both(served, request())
    assert taken
    assert short == long
    assert short.startswith(b"HTTP/1.1 503")
    assert b"\r\nretry-after: 2\r\n" in short
    assert len(served.house.counter.asked) == before + 2


def test_what_the_store_refuses_is_told(served: Served) -> None:
    served.house.counter.refusal = pack_refusal("too much")  # type: ignore[attr-defined]
    client = Client(served)
    assert b"too much" in client.told(request())
    client.close()


def test_an_answer_that_makes_no_sense_is_500_with_its_number_in_the_log(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    served.house.counter.refusal = b"\xc1"  # type: ignore[attr-defined]
    client = Client(served)
    assert client.told(request()).startswith(b"HTTP/1.1 500")
    assert client.told(b"GET /api/v1/labels HTTP/1.1\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 200")
    client.close()
    assert "request " in caplog.text


def test_a_log_of_requests_has_every_one() -> None:
    with serving(house(config=replace(Api(), access_log=True))) as served:
        short, long, taken = both(served, request())
    assert short == long
    assert not taken


# -- answers that are kept ---

RANGED = METRIC + b"&start=1769860000&end=1769860800&step=60"


@pytest.fixture
def versions(served: Served, tmp_path: Path) -> Iterator[Versions]:
    """A writer's, which the served hub looks at; its clock stands still."""
    made = Versions(tmp_path / "store.versions")
    served.house.hub.versions = Seen(tmp_path / "store.versions")
    served.house.hub.versions.look()
    served.house.hub.monotonic = lambda: 1000.0
    yield made
    made.close()


def test_an_answer_is_kept_while_nothing_of_its_host_is_new_and_for_a_second(
    served: Served, versions: Versions
) -> None:
    asked, client = served.house.counter.asked, Client(served)
    before = len(asked)
    found = [client.told(request(RANGED)) for _ in range(3)]
    assert len(asked) == before + 1
    assert len(set(found)) == 1
    assert found[0].startswith(b"HTTP/1.1 200")

    versions.changed([b"web-2"])
    client.told(request(RANGED))
    assert len(asked) == before + 1
    versions.changed([b"web-1"])
    client.told(request(RANGED))
    assert len(asked) == before + 2
    served.house.hub.monotonic = lambda: 1000.9
    client.told(request(RANGED))
    assert len(asked) == before + 2
    served.house.hub.monotonic = lambda: 1001.0
    client.told(request(RANGED))
    assert len(asked) == before + 3
    client.close()


def test_a_kept_answer_has_the_bytes_of_the_long_way_whoever_asks(served: Served, versions: Versions) -> None:
    client = Client(served)
    client.told(request(RANGED))
    client.close()
    before = len(served.house.counter.asked)
    for lines in (HOST, BROWSER, b"Host: 127.0.0.1\r\nOrigin: http://localhost\r\n"):
        short, long, taken = both(served, request(RANGED, lines))
        assert taken
        assert short == long
        before += 1  # the long way asks
        assert len(served.house.counter.asked) == before


@pytest.mark.parametrize(
    "query",
    [
        METRIC,
        METRIC + b"&start=1769860000",
        METRIC + b"&end=now",
        METRIC + b"&start=7d&end=1769860800",
        METRIC + b"&xend=1",
    ],
)
def test_a_range_that_goes_with_the_clock_is_asked_for_each_time(
    served: Served, versions: Versions, query: bytes
) -> None:
    before, client = len(served.house.counter.asked), Client(served)
    for _ in range(3):
        assert client.told(request(query)).startswith(b"HTTP/1.1 200")
    assert len(served.house.counter.asked) == before + 3
    client.close()


def test_what_came_while_the_store_was_asked_makes_its_answer_an_old_one(served: Served, versions: Versions) -> None:
    counter: Any = served.house.counter
    counter.held = True
    client = Client(served)
    client.send(request(RANGED))
    served.until(lambda: bool(counter.waiting))
    versions.changed([b"web-1"])
    served.on_loop(lambda: counter.waiting[0].set_result(answered()))
    assert client.answer().startswith(b"HTTP/1.1 200")
    client.send(request(RANGED))
    served.until(lambda: len(counter.waiting) == 2)
    served.on_loop(lambda: counter.waiting[1].set_result(answered()))
    assert client.answer().startswith(b"HTTP/1.1 200")
    client.close()


def test_an_error_is_not_kept(served: Served, versions: Versions) -> None:
    client = Client(served)
    served.house.counter.failure = "its reader has gone"
    assert client.told(request(RANGED)).startswith(b"HTTP/1.1 503")
    served.house.counter.failure = None
    assert client.told(request(RANGED)).startswith(b"HTTP/1.1 200")
    client.close()


def test_a_kept_answer_is_no_way_in_and_no_host(served: Served, versions: Versions) -> None:
    served.house.keyring = KEYRING
    client = Client(served)
    data = request(RANGED, HOST + b"Authorization: Bearer gd_reader\r\n")
    assert client.told(data) == client.told(data)
    assert client.told(request(RANGED)).startswith(b"HTTP/1.1 401")
    assert client.told(request(RANGED, path=b"web-9/series")).startswith(b"HTTP/1.1 401")
    served.house.keyring = Keyring(())
    assert client.told(data).startswith(b"HTTP/1.1 403")
    served.house.keyring = KEYRING
    served.house.hub.live.hosts.clear()
    assert client.told(data).startswith(b"HTTP/1.1 404")
    client.close()


def test_a_worker_that_ends_hangs_up_behind_a_kept_answer_too(served: Served, versions: Versions) -> None:
    client = Client(served)
    client.told(request(RANGED))
    [connection] = served.connections
    served.on_loop(connection.shutdown)
    assert client.answer() == b""


# -- one connection ---


def test_requests_that_come_together_or_in_pieces_are_answered_in_their_order(served: Served) -> None:
    health = b"GET /api/v1/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"
    pieces = request(b"metric=a.b")
    client = Client(served)
    client.send(request() + health + request() + pieces[:30])
    found = [client.answer() for _ in range(3)]
    client.send(pieces[30:])
    found.append(client.answer())
    found.append(client.told(request()))
    assert [one.split()[1] for one in found] == [b"200", b"404", b"200", b"200", b"200"]
    client.close()


def test_what_comes_while_an_answer_is_under_way_waits_for_it(served: Served) -> None:
    counter: Any = served.house.counter
    counter.held = True
    client = Client(served)
    client.send(request())
    served.until(lambda: bool(counter.waiting))
    [connection] = served.connections
    client.send(b"GET /api/v1/nothing HTTP/1.1\r\nHost: localhost\r\n\r\nGET /api/v1/la")
    served.until(lambda: bool(connection._later))
    served.on_loop(lambda: counter.waiting[0].set_result(answered()))
    assert client.answer().startswith(b"HTTP/1.1 200")
    assert client.answer().startswith(b"HTTP/1.1 404")
    client.send(b"bels HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert client.answer().startswith(b"HTTP/1.1 200")
    client.close()


def answered() -> bytes:
    """An answer that the store packed."""
    return pack_answer(SeriesTextAnswer(10**9, "rows", 0.0, 0, 0, b'{"times":[],"series":[]}'))


def test_a_client_that_goes_before_its_answer_leaves_nothing(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    counter: Any = served.house.counter
    counter.held = True
    client = Client(served)
    client.send(request())
    served.until(lambda: bool(counter.waiting))
    client.close()
    served.until(lambda: not served.connections)
    served.on_loop(lambda: counter.waiting[0].set_result(answered()))
    served.on_loop(list)
    assert caplog.text == ""


def test_a_worker_that_ends_gives_the_answer_under_way_and_hangs_up() -> None:
    with serving(house()) as served:
        counter: Any = served.house.counter
        counter.held = True
        client = Client(served)
        client.send(request())
        served.until(lambda: bool(counter.waiting))
        [connection] = served.connections
        served.on_loop(connection.shutdown)
        served.on_loop(lambda: counter.waiting[0].set_result(answered()))
        found = client.answer()
        assert found.startswith(b"HTTP/1.1 200")
        assert b"\r\nconnection: close\r\n" in found
        assert client.answer() == b""
        client.close()


def test_a_connection_that_asks_no_more_is_hung_up_on() -> None:
    with serving(house(), timeout_keep_alive=0) as served:
        client = Client(served)
        assert client.told(request()).startswith(b"HTTP/1.1 200")
        assert client.answer() == b""
        client.close()


# -- bytes of any kind ---


@given(st.binary(max_size=300), st.integers(0, 300), st.integers(0, 300))
def test_bytes_of_any_kind_are_no_fault(some: bytes, at: int, cut: int) -> None:
    data = request()
    short = Short(House(counter=FakeCounter()).hub)
    for one in (some, data[:at] + some + data[at:], data[:at] + some + data[at + cut :]):
        short.begun(one)  # of a hub that knows no host nothing is asked


def test_a_head_of_very_many_lines_goes_the_long_way(served: Served) -> None:
    lines = b"a: b\r\n" * 1300
    short, long, taken = both(served, request(METRIC, HOST + lines))
    assert short == long
    assert not taken
