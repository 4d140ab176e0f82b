"""A worker's sockets: the stair it drains and the counter it asks, over real ZeroMQ."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import zmq
from websockets.sync.client import connect

from api.counter import Asker
from api.fanout import Wish
from api.lines import DeskLine
from api.stair import KINDS, Stair
from api.worker import Lifespan
from bus.desk import Desk
from bus.loop import Loop
from bus.messages import Check
from bus.producer import Producer
from bus.questions import (
    Latest,
    LayoutNames,
    Layouts,
    Range,
    Records,
    Statistics,
    Stored,
    StoreStatistics,
    SubjectList,
    Subjects,
    pack_answer,
    pack_refusal,
    read_question,
)
from bus.sockets import Publish, Pull, Push, Subscribe
from bus.wire import read
from tests.api import contract
from tests.api.given import FACTS, NOON, SECOND, UP, Collector, a_record, reading, stored
from tests.api.house import House
from tests.api.resources.test_stream import event, listening
from tests.api.served import Served, serving

PATIENCE = 30.0


class Sunk:
    """A client that takes everything."""

    def write(self, frames: bytes) -> None:
        pass

    def unread(self) -> int:
        return 0

    def drop(self, code: int, reason: str) -> None:
        raise AssertionError(reason)


class Dead(Exception):
    """The reader was killed."""


class Roads:
    """The hub's other rooms: a stair, a store's reader that may be struck dumb, a door."""

    def __init__(self, directory: Path) -> None:
        self.context: zmq.Context[Any] = zmq.Context()
        self.stair = Publish(self.context)
        self.stair_address = self.stair.bind(f"ipc://{directory}/stair")
        self.desk = directory / "reader"
        self.door = Pull(self.context)
        self.door_address = self.door.bind(f"ipc://{directory}/door")
        self.collector = Collector()
        self.dumb = False
        self._pause = threading.Event()
        self.asked: list[str] = []
        self.checks: tuple[Stored, ...] = ()
        """The newest check of each service, as the store has it."""
        self._stopped = False
        self._reader: threading.Thread | None = None

    def start_reader(self) -> None:
        self._stopped, came = False, threading.Event()
        self._reader = threading.Thread(target=self._answer, args=(came,), daemon=True)
        self._reader.start()
        assert came.wait(PATIENCE)

    def stop_reader(self) -> None:
        self._stopped = True
        if self._reader is not None:
            self._reader.join(PATIENCE)

    def _answer(self, came: threading.Event) -> None:
        loop = Loop()
        desk = Desk(loop, self.desk, self._answered)
        came.set()
        try:
            while not self._stopped:
                loop.pass_once(0.02)
        except Dead:
            pass
        finally:
            desk.close()

    def _answered(self, data: bytes) -> bytes:
        question = read_question(data)
        self.asked.append(type(question).__name__)
        while self.dumb and not self._stopped:
            self._pause.wait(0.005)
        if self.dumb:
            raise Dead  # it dies with the question in its hands
        return self._answer_to(question)

    def _answer_to(self, question: Any) -> bytes:
        layout, sample = reading()
        match question:
            case Subjects():
                return pack_answer(SubjectList(()))
            case Latest(kind="sample"):
                return pack_answer(Records((stored(sample, at=NOON),)))
            case Latest(kind="facts"):
                return pack_answer(Records((stored(FACTS, at=NOON),)))
            case Latest(kind="check"):
                return pack_answer(Records(self.checks))
            case Latest():
                return pack_answer(Records(()))
            case Range(kind="check"):
                return pack_answer(Records(self.checks))
            case Layouts():
                return pack_answer(LayoutNames({layout.id: layout.names}))
            case Statistics():
                return pack_answer(StoreStatistics(records={"sample": 1}))
        return pack_refusal("not in this test")

    def stop(self) -> None:
        self.stop_reader()
        self.context.destroy(linger=0)


@pytest.fixture
def roads(tmp_path: Path) -> Iterator[Roads]:
    found = Roads(tmp_path)
    yield found
    found.stop()


@pytest.fixture
def serve(roads: Roads) -> Iterator[Callable[..., Served]]:
    """Serve a worker wired to ``roads``."""
    opened = []

    def wired(*, timeout: float = 0.3) -> Served:
        house = House()
        context: zmq.Context[Any] = zmq.Context()
        house.hub.counter = asker = Asker(roads.desk, timeout=timeout)
        patient = DeskLine(roads.desk, timeout=PATIENCE)
        house.store = patient.asked
        stair = Stair(lambda: connected(Subscribe(context, KINDS), roads.stair_address), house.hub.fanout)
        lifespan = Lifespan(
            house.hub,
            asker,
            stair,
            context=context,
            lines=(patient,),
            producer=lambda: Producer(connected(Push(context), roads.door_address), "guardia.api-1"),
        )
        block = serving(house, lifespan=lifespan)
        served = block.__enter__()
        opened.append(block)
        return served

    yield wired
    for block in opened:
        block.__exit__(None, None, None)


def connected(socket: Any, address: str) -> Any:
    socket.connect(address)
    return socket


def get(served: Served, path: str) -> requests.Response:
    return requests.get(f"http://127.0.0.1:{served.port}{path}", timeout=PATIENCE)


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
    served.until(lambda: roads.asked.count("Latest") == 7 and not served.house.hub.fanout.lacking)
    roads.collector = Collector(incarnation=8)
    down = Check("down", url="https://shop.example", error="refused")
    roads.checks = (stored(down, subject="shop", at=NOON + SECOND),)
    roads.collector.frame([a_record(down, subject="shop")])  # the worker's connection was not there yet
    roads.stair.send(roads.collector.frame([a_record(reading()[1])], NOON + SECOND))
    served.until(lambda: live.checks["shop"].check.status == "down")
    assert get(served, "/api/v1/services").json()["services"][0]["health_status"] == "down"


def test_without_a_reader_questions_fail_at_once_and_heal_when_it_comes(
    roads: Roads, serve: Callable[..., Served]
) -> None:
    served = serve()
    refused = get(served, "/api/v1/servers/web-1/metrics")
    assert refused.status_code == 503
    assert "its reader is not there" in refused.json()["error"]
    assert get(served, "/api/v1/health").json()["status"] == "down"

    roads.start_reader()
    served.until(lambda: served.house.hub.primed)
    assert get(served, "/api/v1/stats").json()["storage"]["total_metrics"] == 1


def test_a_reader_that_does_not_answer_is_given_up_after_the_time_allowed(
    roads: Roads, serve: Callable[..., Served]
) -> None:
    roads.start_reader()
    served = serve()
    served.until(lambda: served.house.hub.primed)
    roads.dumb = True
    refused = get(served, "/api/v1/stats")
    assert refused.status_code == 503
    assert "did not answer within 0.3 s" in refused.json()["error"]
    roads.dumb = False
    assert get(served, "/api/v1/stats").status_code == 200


def test_a_reader_that_goes_while_it_is_asked_is_said_to_have_gone_and_the_next_one_answers(
    roads: Roads, serve: Callable[..., Served]
) -> None:
    roads.start_reader()
    served = serve(timeout=PATIENCE)
    served.until(lambda: served.house.hub.primed)
    roads.dumb = True
    refused: list[requests.Response] = []
    asking = threading.Thread(target=lambda: refused.append(get(served, "/api/v1/stats")))
    already = len(roads.asked)
    asking.start()
    while len(roads.asked) == already:
        assert asking.is_alive()
    roads.stop_reader()
    asking.join(PATIENCE)
    assert refused[0].status_code == 503
    assert "its reader has gone" in refused[0].json()["error"]

    roads.dumb = False
    roads.start_reader()
    assert get(served, "/api/v1/stats").status_code == 200


def test_a_refusal_of_the_store_is_passed_on_as_503(roads: Roads, serve: Callable[..., Served]) -> None:
    roads.start_reader()
    served = serve()
    refused = get(served, "/api/v1/servers/web-1/metrics")
    assert refused.status_code == 503
    assert "not in this test" in refused.json()["error"]


def test_many_questions_at_once_get_their_own_answers(roads: Roads, serve: Callable[..., Served]) -> None:
    roads.start_reader()
    served = serve()
    served.until(lambda: served.house.hub.primed)
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(get(served, "/api/v1/stats").status_code)) for _ in range(30)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert answers == [200] * 30


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


def test_a_clock_that_is_set_back_is_noticed(roads: Roads, serve: Callable[..., Served]) -> None:
    roads.start_reader()
    served = serve()
    served.until(lambda: served.house.hub.primed)
    house = served.house
    assert house.hub.live.hosts["web-1"].heard >= NOON
    house.now -= 3600 * SECOND
    served.until(lambda: house.hub.live.hosts["web-1"].heard == NOON - 3600 * SECOND)


def test_a_store_that_is_too_slow_for_a_page_answers_a_command_all_the_same(
    roads: Roads, serve: Callable[..., Served]
) -> None:
    roads.start_reader()
    served = serve()
    served.until(lambda: served.house.hub.primed)
    roads.dumb = True
    url = f"http://127.0.0.1:{served.port}/api/v1/questions"
    with ThreadPoolExecutor(1) as pool:
        command = pool.submit(requests.post, url, json={"ask": "Subjects", "kind": "check"}, timeout=PATIENCE)
        assert get(served, "/api/v1/servers/web-1/metrics").status_code == 503
        assert not command.done()
        roads.dumb = False
        assert command.result(PATIENCE).status_code == 200
    assert requests.post(url, json={"ask": "Gaps"}, timeout=PATIENCE).json()["code"] == "unanswered"
