"""One worker's hub over a fake store, for the tests."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import falcon.testing

from api.app import create_app
from api.auth import Keyring, Token, digest_of
from api.bodies import Trial
from api.config import Api, StatusPage
from api.directory import Directory
from api.fanout import Fanout
from api.health import VITALS_SECONDS
from api.hub import Hub
from api.leaving import App
from api.live import HostNow, Live
from api.prime import prime
from bus.messages import Check, Message, Process, Processes
from bus.producer import Producer
from bus.questions import SubjectList, Subjects, pack_answer, read_question
from bus.tables import Host, Service
from bus.versions import Seen
from bus.vitals import Vitals
from tests.api.given import FACTS, MINUTE, NOON, UP, FakeCounter
from tests.api.judging import FakeJudge

READ = {"Authorization": "Bearer gd_reader"}
KEYRING = Keyring((Token("viewer", digest_of("gd_reader"), "read"),))
EXPECTED = {"store": ("guardia.store-writer",), "collector": ("guardia.collector",)}


class Staying:
    """An application whose clients stay: Falcon's test client says that it has gone as soon as it has asked."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve, as ASGI says."""

        async def patiently() -> Any:
            event = await receive()
            if event["type"] == "http.disconnect":
                await asyncio.Event().wait()
            return event

        await self._app(scope, patiently if scope["type"] == "http" else receive, send)


class FakeVoice(Producer):
    """Tells by keeping, as a hub does whose store is quick; ``deaf``: nobody takes it."""

    def __init__(self, counter: FakeCounter) -> None:
        self.source, self.deaf = "guardia.api-1", False
        self._counter = counter

    def tell(self, message: Message, *, at: int, subject: str | None = None) -> bool:
        if not self.deaf:
            self._counter.keep(message, subject=subject or self.source, at=at)
        return not self.deaf


async def _tried(trial: Trial) -> list[str]:
    """A back-test of a past in which little happened."""
    return ["these rules  3 incidents"]


class House:
    """A hub, its fake store and a client; ``now`` is its clock, noon at first."""

    def __init__(
        self,
        *,
        config: Api | None = None,
        status_page: StatusPage | None = None,
        directory: Directory | None = None,
        keyring: Keyring | None = None,
        counter: FakeCounter | None = None,
    ) -> None:
        self.now = NOON
        self.counter = counter or FakeCounter()
        self.judge = FakeJudge()
        self.store: Callable[[bytes], Awaitable[bytes]] = self._subjects
        self.keyring = keyring or Keyring(None)
        live, directory, config = Live(), directory or Directory(), config or Api()
        for names in EXPECTED.values():
            live.rooms.update((name, HostNow(heard=NOON)) for name in names)
        self.hub = Hub(
            config=config,
            status_page=status_page or StatusPage(),
            directory=directory,
            live=live,
            fanout=Fanout(
                live,
                directory.display,
                now=NOON - 1,
                unread_bytes=config.unread_bytes,
                replay_bytes=config.replay_bytes,
            ),
            counter=self.counter,
            ask_store=lambda question: self.store(question),
            tries=_tried,
            keyring=lambda: self.keyring,
            clock=lambda: self.now,
            vitals=Vitals(0.0),
            expected=EXPECTED,
            judge=self.judge,
            versions=Seen(Path(os.devnull)),
            vitals_seconds=VITALS_SECONDS,
            voice=FakeVoice(self.counter),
        )
        self.client = falcon.testing.TestClient(Staying(create_app(self.hub, version="0.1.0")))

    async def _subjects(self, question: bytes) -> bytes:
        """The one question that is answered where no store is behind."""
        asked = read_question(question)
        assert isinstance(asked, Subjects)
        return pack_answer(SubjectList(await self.counter.subjects(asked.kind)))

    def prime(self) -> House:
        """Read the newest of everything from the fake store, as a worker does at its start."""
        asyncio.run(prime(self.hub))
        return self

    def get(self, path: str, headers: Mapping[str, str] | None = None, **options: Any) -> Any:
        """The answer's JSON; it must be a 200."""
        result = self.ask("GET", path, headers, **options)
        assert result.status_code == 200, result.text
        return result.json

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **options: Any
    ) -> falcon.testing.Result:
        """The whole answer; what stands behind ``?`` is sent as it is."""
        path, _, query = path.partition("?")
        options.setdefault("host", "127.0.0.1")
        return self.client.simulate_request(
            method, path, query_string=query or None, headers=dict(headers or {}), **options
        )


def full() -> House:
    """A hub that watches ``web-1``, of which ten samples are stored, and ``shop``, checked twice."""
    counter = FakeCounter()
    for minute in range(9, -1, -1):
        counter.keep_reading(at=NOON - minute * MINUTE)
    counter.keep_reading(subject="guardia.collector")
    counter.keep(FACTS, at=NOON)
    counter.keep(Processes((Process(1, "init", "root", 0.5, 1000),)), at=NOON)
    counter.keep(Check("down", url="https://shop.example", error="refused"), subject="shop", at=NOON - MINUTE)
    counter.keep(UP, subject="shop", at=NOON)
    return House(
        counter=counter,
        directory=Directory.of(
            [Host("web-1", "Web 1", labels={"role": "web"}), Host("db-1")], [Service("shop", "https://shop.example")]
        ),
    ).prime()
