"""The stream over real sockets: who may listen, and what happens to those who do not read."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from api.auth import Keyring
from api.config import Api
from api.resources.stream import PIECE_SECONDS, piece_of
from bus.messages import Message
from tests.api import contract
from tests.api.given import FACTS, NOON, SECOND, Collector, a_record, reading
from tests.api.house import KEYRING, House
from tests.api.resources.slowly import raw_client, rest
from tests.api.served import PATIENCE, Served, serving


def guarded(**config: Any) -> House:
    return House(keyring=KEYRING, config=replace(Api(), **config)).prime()


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(guarded(), auth_seconds=PATIENCE) as one:
        yield one


@pytest.fixture
def hasty() -> Iterator[Served]:
    """Waits for a word of a stranger for no longer than a moment."""
    with serving(guarded(), auth_seconds=0.3) as one:
        yield one


@pytest.fixture
def opened() -> Iterator[Served]:
    """Without any token."""
    with serving(House().prime()) as one:
        yield one


def tell(served: Served, *messages: Message, at: int = NOON, collector: Collector | None = None) -> None:
    collector = collector or Collector()
    fanout = served.house.hub.fanout

    def take() -> None:
        for message in messages:
            fanout.take(collector.frame([a_record(message, at=at)], at))
        fanout.flush()

    served.on_loop(take)


def listening(served: Served, count: int = 1) -> None:
    served.until(lambda: served.house.hub.fanout.clients == count)


def event(client: ClientConnection) -> Any:
    message = client.recv(timeout=PATIENCE)
    assert isinstance(message, str)
    found = json.loads(message)
    contract.event(found)
    return found


def closing(client: ClientConnection) -> tuple[int, str]:
    """With which code and reason the server closed; nothing may come before."""
    with pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=PATIENCE)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


# -- four ways in ---


def test_a_header_lets_in(served: Served) -> None:
    with connect(served.url("/api/v1/stream"), additional_headers={"Authorization": "Bearer gd_reader"}) as client:
        listening(served)
        tell(served, *reading())
        assert event(client)["server_id"] == "web-1"


def test_a_token_in_the_url_lets_in(served: Served) -> None:
    with connect(served.url("/api/v1/stream?token=gd_reader")) as client:
        listening(served)
        tell(served, *reading())
        assert event(client)["type"] == "metric"


def test_the_cookie_lets_our_own_page_in(served: Served) -> None:
    headers = {"Cookie": "guardia_token=gd_reader"}
    origin: Any = f"http://127.0.0.1:{served.port}"
    with connect(served.url("/api/v1/stream"), additional_headers=headers, origin=origin) as client:
        listening(served)
        tell(served, *reading())
        assert event(client)["type"] == "metric"


def test_a_first_message_lets_in(served: Served) -> None:
    with connect(served.url("/api/v1/stream")) as client:
        client.send(json.dumps({"type": "auth", "token": "gd_reader"}))
        listening(served)
        tell(served, *reading())
        assert event(client)["type"] == "metric"


# -- and none else ---


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("?token=gd_wrong", {}),
        ("", {"Authorization": "Bearer gd_wrong"}),
        ("", {"Cookie": "guardia_token=gd_wrong"}),
    ],
)
def test_a_wrong_token_is_closed_with_4401(served: Served, query: str, headers: dict[str, str]) -> None:
    with connect(served.url(f"/api/v1/stream{query}"), additional_headers=headers) as client:
        assert closing(client) == (4401, "the token is not known here")


@pytest.mark.parametrize(
    "message",
    ['{"type": "auth", "token": "gd_wrong"}', '{"type": "auth"}', "hello", "[]", '{"type":"auth","token":1}'],
)
def test_a_wrong_first_message_is_closed_with_4401(served: Served, message: str) -> None:
    with connect(served.url("/api/v1/stream")) as client:
        client.send(message)
        assert closing(client)[0] == 4401


def test_silence_is_closed_with_4401_and_nothing_was_sent_before(hasty: Served) -> None:
    with connect(hasty.url("/api/v1/stream?kinds=*")) as client:
        tell(hasty, *reading(), FACTS)
        assert closing(client)[0] == 4401
        assert hasty.house.hub.fanout.clients == 0


def test_a_cookie_sent_by_a_page_of_another_origin_counts_for_nothing(hasty: Served) -> None:
    headers = {"Cookie": "guardia_token=gd_reader"}
    origin: Any = "http://evil.example"
    with connect(hasty.url("/api/v1/stream"), additional_headers=headers, origin=origin) as client:
        assert closing(client)[0] == 4401


def test_without_tokens_a_page_of_another_origin_may_still_not_listen(opened: Served) -> None:
    origin: Any = "http://evil.example"
    with connect(opened.url("/api/v1/stream"), origin=origin) as client:
        assert closing(client) == (4401, "pages of http://evil.example may not listen")
    with connect(opened.url("/api/v1/stream")):
        listening(opened)


def test_revoking_a_token_ends_the_streams_it_opened() -> None:
    house = guarded()
    with (
        serving(house, again_seconds=0.1) as served,
        connect(served.url("/api/v1/stream?token=gd_reader")) as client,
    ):
        listening(served)
        tell(served, *reading())
        assert event(client)["type"] == "metric"
        house.keyring = Keyring(())
        assert closing(client)[0] == 4401
        listening(served, 0)


# -- what is heard ---


def test_the_wish_is_heard(opened: Served) -> None:
    with connect(opened.url("/api/v1/stream?values=true&kinds=metric,facts&subjects=web-*,db-1")) as client:
        listening(opened)
        tell(opened, FACTS, *reading())
        assert event(client)["type"] == "facts"
        assert event(client)["values"]["cpu.percent"] == 12.5


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("kinds=metrics", "kinds: 'metrics' is none of"),
        (f"kinds={quote('東' * 40)}", f"kinds: '{'東' * 30}"),
        ("values=perhaps", "values"),
        ("after=42", "after: '42'"),
        (f"token=a&token={quote('東' * 40)}", "token: given 2 times"),
        (f"subjects={','.join(['web'] * 1001)}", "subjects: 1001 patterns, at most 1000"),
    ],
)
def test_a_wish_that_cannot_be_granted_is_refused_by_name(opened: Served, query: str, said: str) -> None:
    with connect(opened.url(f"/api/v1/stream?{query}")) as client:
        code, reason = closing(client)
        assert code == 4400
        assert said in reason


def test_a_hub_that_is_called_by_a_long_name_of_a_stranger_says_so(opened: Served) -> None:
    name = "a-long-name." * 9 + "example"
    with (
        socket.create_connection(("127.0.0.1", opened.port)) as road,
        connect(f"ws://{name}/api/v1/stream", sock=road) as client,
    ):
        code, reason = closing(client)
        assert code == 4401
        assert reason.startswith("without tokens the hub answers to addresses")


def test_a_client_may_name_many_hosts(opened: Served) -> None:
    names = ",".join(f"web-{number}" for number in range(200))
    with connect(opened.url(f"/api/v1/stream?subjects={names}&subjects=db-*")) as client:
        listening(opened)
        tell(opened, *reading())
        assert event(client)["server_id"] == "web-1"


def test_a_path_that_is_no_stream_is_closed(opened: Served) -> None:
    with pytest.raises(Exception, match="404"), connect(opened.url("/api/v1/nothing")):
        pass


def test_doubled_slashes_lead_to_the_stream_too(opened: Served) -> None:
    with connect(opened.url("//api/v1/stream")):
        listening(opened)


def test_what_clients_say_is_ignored(opened: Served) -> None:
    with connect(opened.url("/api/v1/stream")) as client:
        listening(opened)
        for _ in range(20):
            client.send("hello")
            client.send(b"\x00")
        tell(opened, *reading())
        assert event(client)["type"] == "metric"


def test_a_ping_is_answered(opened: Served) -> None:
    with connect(opened.url("/api/v1/stream")) as client:
        assert client.ping().wait(PATIENCE)


def test_a_client_that_does_not_answer_pings_is_cut_off() -> None:
    with serving(House().prime(), ws_ping_interval=0.1, ws_ping_timeout=0.1) as served, raw_client(served) as client:
        while client.recv(1000):
            pass
        served.until(lambda: served.house.hub.fanout.clients == 0)


def test_a_message_over_the_limit_is_refused() -> None:
    with serving(House().prime(), ws_max_size=1000) as served, connect(served.url("/api/v1/stream")) as client:
        client.send("x" * 1001)
        assert closing(client)[0] == 1009


def test_more_clients_than_allowed_are_told_so() -> None:
    with serving(guarded(stream_clients=1)) as served, connect(served.url("/api/v1/stream?token=gd_reader")):
        listening(served)
        with connect(served.url("/api/v1/stream?token=gd_reader")) as second:
            assert closing(second) == (4429, "1 clients listen already")


def test_a_client_that_left_is_forgotten(opened: Served) -> None:
    with connect(opened.url("/api/v1/stream")):
        listening(opened)
    listening(opened, 0)


# -- slow clients ---


def test_a_client_that_never_reads_is_dropped_with_a_reason_and_the_others_miss_nothing() -> None:
    house = House(config=replace(Api(), unread_bytes=65_536)).prime()
    with serving(house) as served, raw_client(served) as slow, connect(served.url("/api/v1/stream")) as quick:
        listening(served, 2)
        collector = Collector()
        layout, sample = reading()
        tell(served, layout, collector=collector)
        count = 0
        while house.hub.fanout.clients == 2:
            tell(served, *[sample] * 20, at=NOON + count * SECOND, collector=collector)
            count += 20
            for _ in range(20):
                assert event(quick)["type"] == "metric"
            assert count < 100_000
        assert house.hub.fanout.dropped == 1

        data = rest(slow)
        assert b"too slow: " in data[-200:]
        assert (4408).to_bytes(2, "big") in data[-200:]


def test_a_client_that_pauses_for_a_while_gets_everything_and_then_what_is_new(opened: Served) -> None:
    with connect(opened.url("/api/v1/stream")) as client:
        listening(opened)
        collector = Collector()
        layout, sample = reading()
        tell(opened, layout, collector=collector)
        for second in range(200):
            tell(opened, sample, at=NOON + second * SECOND, collector=collector)
        times = [event(client)["timestamp"] for _ in range(200)]
        assert times == sorted(times)
        began = time.monotonic()
        tell(opened, sample, at=NOON + 1000 * SECOND, collector=collector)
        assert event(client)["timestamp"] > times[-1]
        assert time.monotonic() - began < 10


def test_a_client_that_comes_back_goes_on_where_it_was(opened: Served) -> None:
    collector = Collector()
    with connect(opened.url("/api/v1/stream")) as client:
        listening(opened)
        tell(opened, *reading(), collector=collector)
        last = event(client)["id"]
    listening(opened, 0)
    tell(opened, reading()[1], at=NOON + SECOND, collector=collector)
    with connect(opened.url(f"/api/v1/stream?after={last}")) as client:
        missed = event(client)
        assert missed["timestamp"] == "2026-01-31T12:00:01.000Z"


MANY = 4000
"""Events that are more than any socket takes at once."""


def filled(served: Served) -> str:
    """Tell so many readings that nobody hears; returns the id of the first one."""
    collector = Collector()
    layout, sample = reading()
    with connect(served.url("/api/v1/stream")) as client:
        listening(served)
        tell(served, layout, sample, collector=collector)
        first = str(event(client)["id"])
    listening(served, 0)
    for second in range(1, MANY + 1):
        tell(served, sample, at=NOON + second * SECOND, collector=collector)
    return first


def test_who_missed_more_than_may_be_left_unread_gets_all_of_it_and_what_is_new() -> None:
    house = House(config=replace(Api(), unread_bytes=65_536)).prime()
    with serving(house) as served:
        first = filled(served)
        with connect(served.url(f"/api/v1/stream?values=true&after={first}"), max_size=None) as client:
            assert event(client)["timestamp"] == "2026-01-31T12:00:01.000Z"
            tell(served, FACTS, reading()[1], at=NOON + (MANY + 1) * SECOND)
            times = [event(client)["timestamp"] for _ in range(MANY)]
            assert times == sorted(set(times))
        assert house.hub.fanout.dropped == 0


def test_who_is_still_told_what_was_missed_is_a_client_too() -> None:
    house = House(config=replace(Api(), unread_bytes=65_536, stream_clients=1)).prime()
    with serving(house) as served, raw_client(served, f"?values=true&after={filled(served)}"):
        listening(served)
        with connect(served.url("/api/v1/stream")) as second:
            assert closing(second) == (4429, "1 clients listen already")


def test_who_takes_nothing_of_what_was_missed_is_sent_no_more_of_it_and_dropped() -> None:
    house = House(config=replace(Api(), unread_bytes=65_536)).prime()
    with serving(house, again_seconds=0.3) as served:
        first = filled(served)
        with raw_client(served, f"?values=true&after={first}") as slow:
            served.until(lambda: house.hub.fanout.dropped == 1)
            data = rest(slow)
            assert (4408).to_bytes(2, "big") in data[-200:]
            assert data.count(b'"metric"') < MANY


def test_what_was_missed_is_made_in_pieces_of_a_short_time() -> None:
    moments = iter(range(100))
    frames: Iterator[bytes | None] = iter([b"a", b"", b"b", b"c", None, b"d", None])
    assert piece_of(frames, lambda: next(moments) * PIECE_SECONDS / 2) == (b"ab", False)
    assert piece_of(frames, lambda: 0.0) == (b"c", True)
    assert piece_of(frames, lambda: 0.0) == (b"d", True)
