"""Answers of the short way that are told again: while nothing of the host is new, for a second, to whoever may ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.auth import Keyring
from bus.versions import Seen, Versions
from tests.api.house import KEYRING
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
