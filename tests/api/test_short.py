"""The short way of a host's series: the same bytes as the long way, and the long way for all that is unusual."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.auth import Keyring
from api.config import Api
from api.short import Short
from api.tokens import TokensFault
from bus.questions import pack_refusal
from tests.api.given import FakeCounter
from tests.api.house import KEYRING, House
from tests.api.served import Served, serving
from tests.api.shortly import (
    BROWSER,
    HOST,
    METRIC,
    Client,
    answered,
    both,
    house,
    request,
)


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(house()) as one:
        yield one


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
