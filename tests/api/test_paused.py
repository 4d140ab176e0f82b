"""Of whom nobody is told anything now."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from alerter.config import Maintenance
from api.directory import Directory
from api.judge import AlerterAway
from api.paused import paused
from bus.messages import Silence
from bus.tables import Host, Service
from tests.api.given import MINUTE, NOON
from tests.api.house import full
from tests.api.judging import SILENCE

DIRECTORY = Directory.of(
    [Host("web-1", labels={"role": "web"}), Host("db-1")], [Service("shop", "https://shop.example")]
)


def held(*matches: str, **more: Any) -> Silence:
    given = {"starts": NOON - MINUTE, "until": NOON + MINUTE} | more
    return Silence("s1", "anna", "new disk", matches=matches, **given)


@pytest.mark.parametrize(
    ("matches", "whom"),
    [
        (("web-1",), {"web-1"}),
        (("host/web-*",), {"web-1"}),
        (("service/*",), {"shop"}),
        (("*",), {"web-1", "db-1", "shop"}),
        (("role=web",), {"web-1"}),
        (("web-1", "db-1"), {"web-1", "db-1"}),
        (("db-1", "role=web"), set[str]()),
        (("web-1", "rule=disk*"), set[str]()),
        (("severity=info",), set[str]()),
        (("web-1", "instance=/data"), set[str]()),
    ],
)
def test_who_is_held_back_as_a_whole_is_paused(matches: tuple[str, ...], whom: set[str]) -> None:
    who = paused([held(*matches)], DIRECTORY, NOON)
    found = {name for name in ("web-1", "db-1") if who.host(name) == "paused"}
    found |= {name for name in ("shop",) if who.service(name) == "paused"}
    assert found == whom


@pytest.mark.parametrize(
    "over",
    [{"revoked": True}, {"until": NOON}, {"starts": NOON + 1}],
    ids=["revoked", "over", "to come"],
)
def test_a_silence_that_does_not_hold_pauses_nobody(over: dict[str, Any]) -> None:
    assert paused([held("*", **over)], DIRECTORY, NOON).host("web-1") == "active"


def test_a_maintenance_window_pauses_whom_it_is_about_while_it_is_open() -> None:
    window = Maintenance(name="backup", start="12:00", lasts=1800.0, matches=("db-*",), zone="UTC")
    directory = Directory.of([Host("web-1"), Host("db-1")], (), [window])
    assert [paused((), directory, NOON + 29 * MINUTE).host(name) for name in ("web-1", "db-1")] == ["active", "paused"]
    assert paused((), directory, NOON + 30 * MINUTE).host("db-1") == "active"


def test_a_silence_for_each_of_many_hosts_keeps_nobody_waiting() -> None:
    who = paused([held(f"host-{number}") for number in range(2000)], DIRECTORY, NOON)
    began = time.process_time()
    assert [who.host(f"host-{number}") for number in (7, 999)] == ["paused", "paused"]
    assert {who.host(f"web-{number}") for number in range(1000)} == {"active"}
    assert time.process_time() - began < 1


def test_lists_and_a_single_host_say_so() -> None:
    found = full()
    assert {one["monitoring_status"] for one in found.get("/api/v1/servers")["servers"]} == {"active"}
    found.hub.silences = (held("web-1", "shop"),)
    servers = {one["server_id"]: one["monitoring_status"] for one in found.get("/api/v1/servers")["servers"]}
    assert servers == {"web-1": "paused", "db-1": "active"}
    assert found.get("/api/v1/servers/web-1")["monitoring_status"] == "paused"
    assert [one["monitoring_status"] for one in found.get("/api/v1/services")["services"]] == ["paused"]


def test_whoever_makes_a_silence_sees_it_at_once() -> None:
    found = full()
    made = {"matches": ["web-1"], "seconds": 1800, "reason": "new disk", "owner": "anna"}
    assert found.ask("POST", "/api/v1/silences", json=made).status_code == 201
    assert found.hub.silences == (SILENCE,)


def test_while_the_alerter_is_away_what_it_said_last_holds() -> None:
    found = full()
    asyncio.run(found.hub.hear_of_silences())
    assert found.hub.silences == (SILENCE,)

    async def away(question: Any) -> Any:
        raise AlerterAway("no answer")

    found.judge.answer = away  # type: ignore[method-assign]
    asyncio.run(found.hub.hear_of_silences())
    assert found.hub.silences == (SILENCE,)
