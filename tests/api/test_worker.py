"""A worker's life over real ZeroMQ: what the store knows, what the stair tells, what it tells itself."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import zmq
from websockets.sync.client import connect

from api.config import StatusPage
from api.fanout import Wish
from api.stair import KINDS, Stair
from bus.messages import Check
from bus.sockets import Subscribe
from bus.wire import read
from tests.api import contract
from tests.api.given import FACTS, NOON, SECOND, UP, Collector, a_record, reading, stored
from tests.api.house import House
from tests.api.resources.test_stream import event, listening
from tests.api.roads import Roads, connected, get
from tests.api.served import PATIENCE, Served


class Sunk:
    """A client that takes everything."""

    def write(self, frames: bytes) -> None:
        pass

    def unread(self) -> int:
        return 0

    def drop(self, code: int, reason: str) -> None:
        raise AssertionError(reason)


def test_the_list_is_filled_from_the_store_and_kept_fresh_from_the_stair(
    roads: Roads, serve: Callable[..., Served]
) -> None:
    roads.start_reader()
    served = serve()
    served.until(lambda: served.house.hub.primed)
    answer = get(served, "/api/v1/servers").json()
    contract.servers(answer)
    assert answer["servers"][0]["latest_metrics"]["system"]["host_name"] == "web-1"

    live = served.house.hub.live
    told = 0
    while "db-1" not in served.on_loop(lambda: dict(live.hosts)):
        told += 1  # what is published before the subscription arrives is missed
        for message in reading():
            roads.stair.send(roads.collector.frame([a_record(message, subject="db-1")], NOON + told))
        assert told < 100_000
    assert get(served, "/api/v1/servers").json()["count"] == 2


def test_a_sample_whose_layout_nobody_announced_is_told_after_the_store_was_asked(
    roads: Roads, serve: Callable[..., Served]
) -> None:
    roads.start_reader()
    served = serve()
    served.until(lambda: served.house.hub.primed)
    served.on_loop(served.house.hub.live.layouts.clear)
    with connect(served.url("/api/v1/stream")) as client:
        listening(served)
        stair = served.house.hub.fanout
        while not served.on_loop(lambda: stair.waiting or bool(served.house.hub.live.layouts)):
            roads.stair.send(roads.collector.frame([a_record(reading()[1])], NOON))
        assert event(client)["server_id"] == "web-1"


def test_a_layout_that_was_announced_before_the_worker_listened_is_asked_for_though_nobody_follows_the_stream(
    roads: Roads, serve: Callable[..., Served]
) -> None:
    roads.start_reader()
    served = serve()
    live = served.house.hub.live
    served.until(lambda: served.house.hub.primed)
    served.on_loop(live.layouts.clear)
    served.on_loop(live.hosts.clear)
    told = 0
    while not served.on_loop(lambda: live.latest_text("web-1")):
        told += 1
        assert told < 100_000
        roads.stair.send(roads.collector.frame([a_record(reading()[1])], NOON))
    assert get(served, "/api/v1/servers").json()["servers"][0]["latest_metrics"] is not None


def test_a_check_that_was_told_while_the_collector_was_found_anew_is_read_from_the_store(
    roads: Roads, serve: Callable[..., Served]
) -> None:
    roads.checks = (stored(UP, subject="shop", at=NOON),)
    roads.start_reader()
    served = serve()
    live = served.house.hub.live
    served.until(lambda: served.house.hub.primed)
    told = 0
    while "db-1" not in served.on_loop(lambda: dict(live.hosts)):
        told += 1
        assert told < 100_000
        roads.stair.send(roads.collector.frame([a_record(reading()[1], subject="db-1")], NOON))
    served.until(lambda: roads.asked.count("Latest") >= 7 and not served.house.hub.fanout.lacking)
    roads.collector = Collector(incarnation=8)
    down = Check("down", url="https://shop.example", error="refused")
    roads.checks = (stored(down, subject="shop", at=NOON + SECOND),)
    roads.collector.frame([a_record(down, subject="shop")])  # the worker's connection was not there yet
    roads.stair.send(roads.collector.frame([a_record(reading()[1])], NOON + SECOND))
    served.until(lambda: live.checks["shop"].check.status == "down")
    assert get(served, "/api/v1/services").json()["services"][0]["health_status"] == "down"


def test_the_stair_rests_while_nobody_listens_and_loses_nothing(roads: Roads) -> None:
    context: zmq.Context[Any] = zmq.Context()
    fanout = House().hub.fanout
    stair = Stair(lambda: connected(Subscribe(context, KINDS), roads.stair_address), fanout)

    async def until(told: Callable[[], bool], send: bool = False) -> None:
        async with asyncio.timeout(PATIENCE):
            while not told():
                if send:
                    roads.stair.send(roads.collector.frame([a_record(FACTS)]))
                await asyncio.sleep(0.001)

    async def told() -> None:
        stair.open()
        await until(lambda: stair.frames > 0, send=True)  # it takes a moment until it is subscribed
        await until(lambda: not stair.watched, send=True)
        for number in range(5):
            before = stair.frames
            for _ in range(100):
                roads.stair.send(roads.collector.frame([a_record(FACTS)]))
            await until(lambda before=before: stair.frames >= before + 100)  # type: ignore[misc]
            if number % 2:
                await until(lambda: stair.watched)
        fanout.join(Wish(frozenset({"facts"})), Sunk())
        await until(lambda: stair.watched)
        before = stair.frames
        roads.stair.send(roads.collector.frame([a_record(FACTS)]))
        await until(lambda: stair.frames > before)
        assert stair.watched
        stair.close()

    asyncio.run(told())
    context.destroy(linger=0)


def test_whoever_asks_waits_for_a_tenth_of_a_millisecond_of_the_stair_at_most(roads: Roads) -> None:
    context: zmq.Context[Any] = zmq.Context()
    clock = itertools.count(0.0, 0.00004)  # looked at before a slice and after each frame of it
    made = partial(connected, Subscribe(context, KINDS), roads.stair_address)
    stair = Stair(made, House().hub.fanout, clock=clock.__next__)

    async def told() -> None:
        stair.open()
        async with asyncio.timeout(PATIENCE):
            while stair.frames < 200:
                for _ in range(20):
                    roads.stair.send(roads.collector.frame([a_record(FACTS)]))
                before = stair.frames
                await asyncio.sleep(0)  # a turn of the loop, in which others have theirs
                assert stair.frames - before <= 3
        stair.close()

    asyncio.run(told())
    context.destroy(linger=0)


def test_rubbish_on_the_stair_is_counted_and_harms_nobody(roads: Roads, serve: Callable[..., Served]) -> None:
    roads.start_reader()
    served = serve()
    live = served.house.hub.live
    frame = roads.collector.frame([a_record(reading()[1])], NOON + SECOND)
    while "web-1" not in served.on_loop(lambda: dict(live.hosts)) or not served.house.hub.primed:
        roads.stair.send(b"sample\0rubbish")
        roads.stair.send(frame[:-3])
        roads.stair.send(frame)
    assert get(served, "/api/v1/servers").status_code == 200


def test_the_workers_vitals_go_to_the_door(roads: Roads, serve: Callable[..., Served]) -> None:
    serve()
    kinds = set()
    while "sample" not in kinds:
        assert roads.door.raw.poll(int(PATIENCE * 1000))
        for frame in roads.door.drain():
            for record in read(frame):
                kinds.add(record.kind)
                assert record.subject == "guardia.api-1"
                if record.kind == "layout":
                    assert "stream.clients" in record.message().names


def test_what_public_services_kept_of_each_day_is_asked_for(roads: Roads, serve: Callable[..., Served]) -> None:
    roads.checks = (stored(UP, subject="shop"),)
    roads.start_reader()
    served = serve(status_page=StatusPage(("shop",), days=3))
    daily = served.house.hub.daily
    served.until(lambda: None not in dict(daily.of("shop", NOON)).values())
    row = get(served, "/api/v1/status").json()["services"][0]
    assert [day["availability"] for day in row["days"]] == [100.0] * 3


def test_a_clock_that_is_set_back_is_noticed(roads: Roads, serve: Callable[..., Served]) -> None:
    roads.start_reader()
    served = serve()
    served.until(lambda: served.house.hub.primed)
    house = served.house
    assert house.hub.live.hosts["web-1"].heard >= NOON
    house.now -= 3600 * SECOND
    served.until(lambda: house.hub.live.hosts["web-1"].heard == NOON - 3600 * SECOND)
