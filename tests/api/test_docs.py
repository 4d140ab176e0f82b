"""The examples in docs/api.md are what the API answers."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import msgpack
import pytest

from api.config import Api, StatusPage
from api.daily import Daily
from api.fanout import Fanout, Wish
from api.live import Live
from api.public import learn_day
from api.routes import ROUTES
from api.views.events import WORDS
from bus.messages import Alert, Loss, Message, Process, Processes
from bus.open_questions import MEDIA
from bus.questions import Accounted, GapEntry
from bus.tables import Service
from tests.api import contract
from tests.api.given import DISK_SERIES, FACTS, NOON, UP, Collector, a_record, reading
from tests.api.house import full
from tests.api.test_fanout import Listener

TEXT = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
CALLS = re.findall(r"```http\n(GET|POST|DELETE) (\S+)\n(\{.*?\}\n)?(\d+)\n```\n```json\n(.*?)```", TEXT, re.DOTALL)
EVENTS = re.findall(r"```event\n(\w+)\n```\n```json\n(.*?)```", TEXT, re.DOTALL)
MESSAGES: dict[str, Message] = {
    "sample": reading()[1],
    "check": UP,
    "facts": FACTS,
    "processes": Processes((Process(1, "init", "root", 0.5, 1000),)),
    "loss": Loss("web-1", 7, 2, 4, "dropped"),
    "alert": Alert("cpu", "firing", value=99.0, threshold=90.0, reason="above 90 for 5 min"),
}


def like(shown: Any, real: Any) -> bool:
    """Whether ``real`` is what is shown; ``…`` stands for anything but null."""
    if shown == "…":
        return real is not None
    if isinstance(shown, dict) and isinstance(real, dict):
        return shown.keys() == real.keys() and all(like(shown[key], real[key]) for key in shown)
    if isinstance(shown, list) and isinstance(real, list):
        return len(shown) == len(real) and all(like(*pair) for pair in zip(shown, real, strict=True))
    return type(shown) is type(real) and bool(shown == real)


@pytest.mark.parametrize(("method", "path", "body", "status", "shown"), CALLS, ids=[call[1] for call in CALLS])
def test_a_call_answers_as_shown(method: str, path: str, body: str, status: str, shown: str) -> None:
    house = full()
    house.counter.answer = DISK_SERIES
    entry = GapEntry(NOON, 7, 2, 4, "dropped")
    house.counter.accounts = (Accounted("web-1", NOON, NOON, 10, 7, 1, 0, 3, 0, {"dropped": 3}, (entry,)),)
    if "/heartbeat/" in path:
        house.hub.directory.services["backup"] = Service("backup", "heartbeat:")
    if path == "/api/v1/status":
        house.hub.status_page = StatusPage(("shop",), days=1)
        house.hub.daily = Daily(1, "UTC")
        asyncio.run(learn_day(house.hub))
    result = house.ask(method, path, {"Content-Type": "application/json"} if body else None, body=body)
    assert result.status_code == int(status)
    told = msgpack.unpackb(result.content) if result.headers["Content-Type"] == MEDIA else result.json
    assert like(json.loads(shown), told), json.dumps(told, indent=1)


def test_every_path_has_an_example() -> None:
    for route in ROUTES:
        if route.path == "/metrics":
            continue
        pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/?]+", re.escape(route.path)) + r"(\?.*)?\Z")
        shown = {method for method, path, _, status, _ in CALLS if pattern.match(path) and status in ("200", "201")}
        methods = {write.method for write in route.writes} | ({"GET"} if route.reads else set())
        assert shown == methods, route.path


@pytest.mark.parametrize(("kind", "shown"), EVENTS, ids=[event[0] for event in EVENTS])
def test_an_event_looks_as_shown(kind: str, shown: str) -> None:
    contract_event = json.loads(shown)
    live, listener, collector = Live(), Listener(), Collector()
    fanout = Fanout(live, lambda name: "Web 1", now=NOON - 1)
    fanout.take(collector.frame([a_record(reading()[0])]))
    fanout.join(Wish(WORDS, values=True), listener)
    if kind == "gap":
        fanout.take(collector.frame([a_record(reading()[1])]))
        collector.frame([a_record(reading()[1])])
        fanout.take(collector.frame([a_record(reading()[1])]))
    else:
        subject = "shop" if kind == "check" else "web-1"
        fanout.take(collector.frame([a_record(MESSAGES[kind], subject=subject)]))
    fanout.flush()
    found = next(event for event in listener.events() if event["type"] == contract_event["type"])
    assert like(contract_event, found), json.dumps(found, indent=1)


def test_every_event_of_the_contract_has_an_example() -> None:
    assert {json.loads(shown)["type"] for _, shown in EVENTS} == set(contract.EVENTS)


def test_the_lines_for_prometheus_are_real() -> None:
    text = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)[0]
    real = full().ask("GET", "/metrics").text.splitlines()
    assert set(text.splitlines()) <= set(real)


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"\[api\] (\w+)", TEXT))
    assert named
    assert all(hasattr(Api(), name) for name in named)
