"""Whoever asks the api again and again is told all that is acknowledged, also where answers are kept."""

from __future__ import annotations

import json
import logging
import socket
import time
import tomllib
from collections.abc import Iterator
from http.client import HTTPResponse

import pytest
import requests
import zmq

from bus.delivering import Deliverer
from bus.delivery.window import Limits
from bus.loop import Loop
from bus.sockets import Hear, Push
from bus.spool import Spool
from tests.pipeline.programs import Programs, until
from tests.ports import free_port

BEGIN = 1_769_860_800
"""2026-01-31T12:00:00Z"""
ROUNDS = 100


class Told(Programs):
    """A hub with an api, and a host here that knows what is acknowledged."""

    def __init__(self) -> None:
        self.api = free_port()
        super().__init__(
            "[store]\nkeep_samples_seconds = '5000w'\ncommit_seconds = 0.001\nreceipt_seconds = 0.01\n"
            f"[api]\nport = {self.api}\nworkers = 1\n"
        )
        bus = tomllib.loads(self.config.read_text())["bus"]
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._loop = Loop()
        push = Push(self._context)
        push.raw.setsockopt(zmq.LINGER, 0)
        self._host = Deliverer(
            self._loop,
            push,
            Hear(self._context),
            Spool(self.folder / "spool", source="web-1", now=time.monotonic(), wall=time.time_ns()),
            "web-1",
            door=bus["door"],
            receipts=bus["receipts"],
            log=logging.getLogger("test"),
            limits=Limits(timeout=0.3, answer_timeout=0.1, pause=0.1),
        )
        self._host.start()

    def acknowledged(self, second: int) -> None:
        """Tell the sample of a second, and wait until the store has said that it is on the disk."""
        self._host.sample(("cpu.percent",), (float(second),), at=(BEGIN + second) * 10**9)
        end = time.monotonic() + 60
        while self._host.courier.pending or self._host.courier.sender.unacknowledged:
            assert time.monotonic() < end, "no receipt came"
            self._loop.pass_once(0.01)

    def close(self) -> None:
        self._context.destroy(linger=0)
        super().close()


@pytest.fixture
def hub() -> Iterator[Told]:
    made = Told()
    try:
        made.start_all("collector", "store-writer", "store-reader", "api")
        yield made
    finally:
        made.close()


def test_a_question_put_twice_is_answered_from_memory_and_never_lacks_what_is_acknowledged(hub: Told) -> None:
    path = f"/api/v1/servers/web-1/series?metric=cpu.percent&agg=last&start={BEGIN}&end={BEGIN + 1000}&step=1"

    def ready() -> bool:
        hub.acknowledged(0)  # once more: what was told before the api listened it may have missed
        try:
            return bool(requests.get(f"http://127.0.0.1:{hub.api}{path}", timeout=5).ok)
        except requests.RequestException:
            return False

    until(ready, 30, "the api answers", hub)
    with socket.create_connection(("127.0.0.1", hub.api), timeout=30) as line:

        def newest() -> float | None:
            """The newest value in the answer; None where the store did not answer."""
            line.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            answer = HTTPResponse(line)
            answer.begin()
            found = json.loads(answer.read())
            if answer.status != requests.codes.ok:
                return None
            return next(value for value in reversed(found["series"][0]["last"]) if value is not None)  # type: ignore[no-any-return]

        def answered() -> float:
            """The same; a reader that a busy machine keeps from answering is asked again."""
            end = time.monotonic() + 60
            while (found := newest()) is None:
                assert time.monotonic() < end, "the store does not answer"
            return found

        for second in range(1, ROUNDS):
            hub.acknowledged(second)
            assert [answered(), answered(), answered()] == [float(second)] * 3
            if second == ROUNDS // 2:
                hub.kill("store-writer")
                hub.start("store-writer")

        def is_kept() -> bool:
            """Whether the answer is told again though nobody is there to be asked, within a second."""
            until(ready, 30, "the reader answers", hub)
            newest()
            hub.kill("store-reader")
            found = newest()
            hub.start("store-reader")
            return bool(found == ROUNDS - 1)

        until(is_kept, 60, "an answer is told from memory", hub)
