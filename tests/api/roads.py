"""The hub's other rooms for a worker: the stair it drains, the store's reader it asks, the door it tells."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import requests
import zmq

from bus.desk import Desk
from bus.loop import Loop
from bus.questions import (
    Availability,
    AvailabilityAnswer,
    Held,
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
from bus.sockets import Publish, Pull
from tests.api.given import FACTS, NOON, Collector, reading, stored
from tests.api.served import PATIENCE, Served


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
            case Availability(start=start, end=end):
                return pack_answer(AvailabilityAnswer(1, Held(up=end - start), (), ()))
            case Statistics():
                return pack_answer(StoreStatistics(records={"sample": 1}))
        return pack_refusal("not in this test")

    def stop(self) -> None:
        self.stop_reader()
        self.context.destroy(linger=0)


def connected(socket: Any, address: str) -> Any:
    socket.connect(address)
    return socket


def get(served: Served, path: str) -> requests.Response:
    return requests.get(f"http://127.0.0.1:{served.port}{path}", timeout=PATIENCE)


def until_answered(served: Served, path: str) -> None:
    """Ask until there is an answer."""
    end = time.monotonic() + PATIENCE
    while get(served, path).status_code != 200:
        assert time.monotonic() < end
