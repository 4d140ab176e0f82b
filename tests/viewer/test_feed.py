"""Everything between the hub and the model, against a hub that listens."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bus.reasons import reason
from bus.secret import Secret
from tests.viewer import burning
from tests.viewer.fleet import fleet
from tests.viewer.given import NOON, session
from tests.viewer.hub import Hub
from tests.viewer.snapshots import hub_of
from tests.viewer.strange import answer, strange
from viewer.asking import Asker, ahead
from viewer.events import (
    BeforeTold,
    ChecksTold,
    Event,
    Failed,
    HostsTold,
    HostTold,
    HubTold,
    LinkTold,
    Missed,
    SampleTold,
    SeriesTold,
    ServicesTold,
)
from viewer.feed import MAX_WAITING, Feed
from viewer.stream import stream_url
from viewer.wishes import AskBefore, AskChecks, AskHost, AskHosts, AskHub, AskSeries, AskServices


@pytest.fixture
def hub() -> Iterator[Hub]:
    found = Hub(fleet(2), clock=lambda: NOON)
    found.services = {"shop": "up"}
    yield found
    found.close()


class Listening:
    """A feed, and all that came out of it."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.feed = Feed(url, Secret(token) if token else None)
        self.heard: list[Event] = []
        self.feed.start()

    def __enter__(self) -> Listening:
        return self

    def __exit__(self, *_: object) -> None:
        self.feed.close()

    def until(self, seen: Callable[[Event], bool]) -> Event:
        """Listen until something comes."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for event in self.feed.take():
                self.heard.append(event)
                if seen(event):
                    return event
            time.sleep(0.005)
        raise AssertionError(f"never heard; but {self.heard}")

    def until_link(self, state: str) -> LinkTold:
        """Listen until the link is so."""
        found = self.until(lambda event: isinstance(event, LinkTold) and event.state == state)
        assert isinstance(found, LinkTold)
        return found


def is_sample(event: Event) -> bool:
    return isinstance(event, SampleTold)


def test_what_the_hub_tells_comes_out_in_order(hub: Hub) -> None:
    with Listening(hub.url) as listening:
        listening.until_link("live")
        hub.sample(NOON)
        hub.sample(NOON + 1)
        listening.until(lambda event: isinstance(event, SampleTold) and event.at == NOON + 1)
        heard = [(event.name, event.at) for event in listening.heard if isinstance(event, SampleTold)]
        assert heard[:3] == [("web-1", NOON), ("db-1", NOON), ("web-1", NOON + 1)]


def test_a_lost_stream_is_taken_up_where_it_ended(hub: Hub) -> None:
    with Listening(hub.url) as listening:
        listening.until_link("live")
        hub.sample(NOON)
        listening.until(is_sample)
        hub.close()
        told = listening.until_link("reconnecting")
        assert told.retry_at is not None
        again = Hub(fleet(1), port=hub.port)
        try:
            listening.feed.hurry()
            listening.until_link("live")
            asked = [urlsplit(path) for path in again.asked if "/stream" in path]
            assert parse_qs(asked[-1].query)["after"] == [f"{int(NOON * 1000):x}.1.1"]
        finally:
            again.close()


def test_a_refused_token_is_told_at_once_and_not_hammered(hub: Hub) -> None:
    hub.token = "right"
    began = time.time()
    with Listening(hub.url, "wrong") as listening:
        told = listening.until_link("offline")
        assert told.reason == f"127.0.0.1:{hub.port} refuses this token"
        assert told.retry_at is not None
        assert told.retry_at - began > 2


def test_every_wish_has_its_answer(hub: Hub) -> None:
    asker = Asker(hub.url, None, lambda: NOON)
    start = int(NOON)
    answers = [
        asker.ask(AskHosts()),
        asker.ask(AskHost("web-1")),
        asker.ask(AskSeries("web-1", "5m", False, ("cpu.percent", "disk[*].percent"), start - 300, start, 300)),
        asker.ask(AskServices()),
        asker.ask(AskChecks("shop", "5m", start - 300, start)),
    ]
    asker.close()
    assert [type(answer) for answer in answers] == [HostsTold, HostTold, SeriesTold, ServicesTold, ChecksTold]
    past = answers[2]
    assert isinstance(past, SeriesTold)
    assert set(past.columns) == {"cpu.percent", "disk[/].percent", "disk[/var].percent", "disk[/srv/backup].percent"}
    assert len(past.times) == 300


def test_the_incident_before_is_looked_for_through_pages_that_have_no_rows(hub: Hub) -> None:
    pages: list[burning.Json] = [{"incidents": [], "next": cursor} for cursor in ("a", "b", None)]
    (row, *_) = burning.incidents(hub.hosts, NOON)
    told = [*pages[:2], {"incidents": [row], "next": "c"}, *pages]
    hub.instead["/incidents"] = lambda query: told.pop(0)
    asker = Asker(hub.url, None, lambda: NOON)
    wish = AskBefore(1_767_268_800, "host/web-1")
    found = asker.ask(wish)
    assert isinstance(found, BeforeTold)
    assert found.incident is not None
    assert found.incident.id == row["id"]
    queries = [path.partition("?")[2] for path in hub.asked]
    first = "since=0&until=1767268800&limit=1&subject=host%2Fweb-1"
    assert queries == [first, f"{first}&cursor=a", f"{first}&cursor=b"]
    assert asker.ask(wish) == BeforeTold(wish, None)
    asker.close()


def test_what_cannot_be_answered_has_a_reason(hub: Hub) -> None:
    asker = Asker(hub.url, None)
    told = asker.ask(AskHost("nobody/../x"))
    asker.close()
    assert isinstance(told, Failed)
    assert told.status == 404
    assert told.reason.startswith(f"127.0.0.1:{hub.port} answered 404: there is nothing at")
    assert "nobody%2F..%2Fx" in hub.asked[-1], "a name stays inside its place in the path"


def test_a_slow_hub_keeps_nobody_waiting_who_takes(hub: Hub) -> None:
    gate, opened = threading.Event(), list[bool]()

    def late(query: dict[str, list[str]]) -> dict[str, Any]:
        opened.append(gate.wait(60))
        return {"servers": [], "count": 0}

    hub.instead["/servers"] = late
    with Listening(hub.url) as listening:
        for _ in range(20):
            listening.feed.ask(AskHosts())
            listening.feed.take()
        gate.set()
        listening.until(lambda event: isinstance(event, HostsTold))
        assert opened[0], "who asked and took did not wait for the answer"


def test_events_that_nobody_takes_are_given_up_and_counted() -> None:
    feed = Feed("http://127.0.0.1:1", None)
    for second in range(MAX_WAITING + 7):
        feed._heard(SampleTold("web-1", "web-1", float(second), {}))
    told = feed.take(most=MAX_WAITING + 10)
    assert told[-1] == Missed(7)
    assert told[0] == SampleTold("web-1", "web-1", 7.0, {})


def test_a_bug_in_a_thread_is_not_hidden() -> None:
    feed = Feed("http://127.0.0.1:1", None)
    feed._broke(KeyError("a bug"))
    with pytest.raises(KeyError, match="a bug"):
        feed.take()


@pytest.mark.parametrize(
    ("date", "began", "told"),
    [
        ("Thu, 01 Jan 2026 12:00:00 GMT", NOON + 0.4, 0.0),
        ("Thu, 01 Jan 2026 13:00:00 GMT", NOON, 3600.25),
        ("at noon", NOON, 0.0),
        (None, NOON, 0.0),
    ],
)
def test_the_hubs_clock_is_compared_with_ours(date: str | None, began: float, told: float) -> None:
    assert ahead(date, began, began + 0.5) == pytest.approx(told, abs=0.3)


def test_the_stream_is_asked_for_beside_the_api() -> None:
    kinds = "values=true&kinds=metric,facts,service_check,alert,gap"
    assert stream_url("https://hub/guardia/", None) == f"wss://hub/guardia/api/v1/stream?{kinds}"
    assert stream_url("http://hub:8080", "3f.1.7").endswith("&after=3f.1.7")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "cannot reach hub: connection refused"),
        (socket.gaierror(-2, "Name or service not known"), "hub is not known by this name"),
        (TimeoutError(), "hub does not answer in time"),
        (ssl.SSLError(1, "wrong version"), "hub does not speak TLS as expected; is it http:// rather than https://?"),
        (RuntimeError(), "hub: RuntimeError"),
        (RuntimeError("said \x1b]0;owned\x07"), "hub: said \\x1b]0;owned\\x07"),
    ],
)
def test_a_failure_is_told_in_words(error: Exception, words: str) -> None:
    assert reason(error, "hub") == words
    wrapped = OSError("it went wrong")
    wrapped.__cause__ = error
    if not isinstance(error, RuntimeError):
        assert reason(wrapped, "hub") == words


def test_a_hub_whose_store_cannot_answer_is_told_with_what_it_says_of_itself(hub: Hub) -> None:
    hub.lacking = dict.fromkeys(("/gaps", "/rooms", "/stats"), "the store's reader did not answer within 2 s")
    told = Asker(hub.url, None).ask(AskHub())
    assert isinstance(told, HubTold), told
    assert {part.name for part in told.hub.parts} == set(burning.health()["checks"])
    assert told.hub.refused.endswith(" answered 503: the store's reader did not answer within 2 s")

    seat = session(hub_of("1"), screen="guardia")
    seat.model.take(told, NOON)
    text = seat.draw(120, 40).text()
    assert "the store's reader did not answer within 2 s" in text
    assert "0 lost" not in text
    assert "0 of the hub" not in text


def test_what_a_hub_says_of_an_error_acts_on_no_terminal() -> None:
    body = json.dumps({"error": "no \x1b]0;owned\x07", "code": "internal"}).encode()
    with strange(answer(body, "500 Internal Server Error")) as url:
        failed = Asker(url, None).ask(AskHosts())
    assert isinstance(failed, Failed)
    assert failed.reason.endswith(" answered 500: no \\x1b]0;owned\\x07")


def test_a_proxy_that_takes_a_package_which_is_not_there_is_told_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("socks_proxy", "socks5://127.0.0.1:9")
    with Listening("http://192.0.2.1:8080") as found:
        told = found.until(lambda event: isinstance(event, LinkTold))
    assert isinstance(told, LinkTold)
    assert "SOCKS proxy" in told.reason
