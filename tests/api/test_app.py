"""What the hub tells of itself, against the contract; every route answers any client."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from api.prime import prime
from api.resources.hosts import Metrics
from api.shapes import Part
from bus.messages import Alert
from bus.questions import Accounted, GapsAnswer, Stored, StoreStatistics
from tests.api import contract
from tests.api.given import FACTS, MINUTE, NOON, SECOND, FakeCounter
from tests.api.house import House, full
from tests.api.judging import NoJudge


def test_health_is_ok_when_everything_is() -> None:
    answer = full().get("/api/v1/health")
    contract.health(answer)
    assert answer["status"] == "ok"


def test_without_the_store_health_is_503_and_says_which_part() -> None:
    house = full()
    house.counter.failure = "its reader is not there"
    result = house.ask("GET", "/api/v1/health")
    assert result.status_code == 503
    contract.health(result.json)
    assert result.json["checks"]["store"] == {"status": "down", "reason": "its reader is not there"}


def test_a_silent_collector_degrades_the_hub() -> None:
    house = full()
    house.now = NOON + MINUTE
    answer = house.get("/api/v1/health")
    assert answer["status"] == "degraded"
    assert answer["checks"]["collector"]["reason"] == "guardia.collector has not been heard for 60 s"


def test_the_store_is_asked_for_its_health_once_a_second_at_most() -> None:
    house = full()
    for _ in range(5):
        house.get("/api/v1/health")
    assert [question[0] for question in house.counter.asked].count("statistics") == 1


def test_stats_are_integers_under_both_clients_names() -> None:
    house = full()
    house.counter.counts = StoreStatistics(
        {"sample": 10, "check": 2}, {"sample": 4, "check": 1}, commits=7, last_cleanup=NOON
    )
    answer = house.get("/api/v1/stats")
    contract.stats(answer)
    assert answer["storage"]["total_metrics"] == answer["storage_metrics"]["total_metrics"] == 10
    assert answer["storage"]["flush_count"] == 7
    assert answer["storage"]["last_cleanup"] == "2026-01-31T12:00:00.000Z"
    assert (answer["collectors"], answer["service_monitors"], answer["active_alerts"]) == (2, 1, 1)


def test_a_restored_store_counts_the_commits_that_were_made() -> None:
    house = full()
    house.counter.counts = StoreStatistics(commits=2 * (1 << 32) + 7)
    assert house.get("/api/v1/stats")["storage"]["flush_count"] == 7


def test_while_there_is_no_alerter_stats_count_what_was_heard_of() -> None:
    house = full()
    house.hub.judge = NoJudge()
    assert house.get("/api/v1/stats")["active_alerts"] == 0
    house.hub.live.burning |= {"a", "b"}
    assert house.get("/api/v1/stats")["active_alerts"] == 2


def test_an_end_that_was_not_heard_of_burns_no_longer_once_the_alerter_was_asked() -> None:
    house = full()
    house.hub.live.burning |= {"a", "b"}
    assert house.get("/api/v1/stats")["active_alerts"] == 1
    house.hub.judge = NoJudge()
    assert house.get("/api/v1/stats")["active_alerts"] == 1


def test_others_get_a_turn_while_the_newest_of_many_hosts_is_read() -> None:
    house = full()
    for number in range(1000):
        house.counter.keep(FACTS, subject=f"web-{number}")
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def meanwhile() -> None:
        task = asyncio.create_task(others())
        await prime(house.hub)
        task.cancel()

    asyncio.run(meanwhile())
    assert turns >= 10
    assert len(house.hub.live.hosts) >= 1000


class Crowded(FakeCounter):
    """Takes its time for a question, and remembers how many were under way at once at most."""

    now = most = 0

    async def range(self, kind: str, subject: str, start: int, end: int, limit: int) -> tuple[Stored, ...]:
        self.now += 1
        self.most = max(self.most, self.now)
        for _ in range(3):
            await asyncio.sleep(0)
        self.now -= 1
        return await super().range(kind, subject, start, end, limit)


@pytest.mark.parametrize(("limit", "at_once"), [(1000, 5), (10_000, 1)])
def test_those_who_ask_for_very_many_rows_are_served_one_after_the_other(limit: int, at_once: int) -> None:
    counter = Crowded()
    counter.keep_reading(subject="web-1")
    hub = House(counter=counter).prime().hub

    async def ask() -> list[list[str]]:
        return await asyncio.gather(*(Metrics(hub).rows("web-1", 0, NOON, limit) for _ in range(5)))

    assert [len(rows) for rows in asyncio.run(ask())] == [1] * 5
    assert counter.most == at_once


def test_what_the_store_still_calls_firing_when_it_is_read_again_burns_no_more() -> None:
    house = full()
    house.counter.keep(Alert("disk", "firing", incident="a"), at=NOON)
    house.prime()
    assert house.hub.live.firing() == 0
    started = House(counter=house.counter).prime()
    assert started.hub.live.firing() == 1, "a worker that starts knows no better"


def test_stats_before_the_first_cleanup_leave_its_time_out() -> None:
    answer = full().get("/api/v1/stats")
    contract.stats(answer)
    assert "last_cleanup" not in answer["storage"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/stats",
        "/api/v1/servers/web-1/metrics",
        "/api/v1/servers/web-1/metrics/latest",
        "/api/v1/servers/web-1/series?metric=cpu.percent",
        "/api/v1/services/shop/checks",
        "/api/v1/services/shop/uptime",
    ],
)
def test_what_needs_the_store_is_503_without_it(path: str) -> None:
    house = full()
    house.counter.failure = "its reader did not answer within 2 s"
    result = house.ask("GET", path)
    assert result.status_code == 503
    contract.error(result.json)
    assert "did not answer within 2 s" in result.json["error"]
    assert result.headers["Retry-After"] == "2"


def test_gaps_ask_for_one_producer_since_a_time() -> None:
    house = full()
    house.counter.accounts = (Accounted("web-1", NOON, NOON, 10, 7, 1, 1, 2, 0),)

    assert house.ask("GET", "/api/v1/gaps?start=2026-01-31T12:00:00Z").json["lost"] == 3
    assert ("gaps", None, NOON) in house.counter.asked
    assert house.ask("GET", "/api/v1/gaps?host=web-1").json["producers"][0]["lost"] == 2
    assert ("gaps", "web-1", None) in house.counter.asked


def test_the_metrics_page_stands_without_the_store_and_asks_it_seldom() -> None:
    house = full()
    house.ask("GET", "/metrics")
    house.ask("GET", "/metrics")
    assert house.counter.asked.count(("gaps", None, None)) == 1
    house.counter.failure = "its reader is not there"
    house.now += 60 * SECOND
    assert "guardia_up" in house.ask("GET", "/metrics").text


def test_a_store_that_is_away_is_waited_for_by_one_look_at_the_metrics_and_not_by_each() -> None:
    house = full()
    house.counter.failure = "its reader did not answer within 2 s"
    for _ in range(3):
        assert "guardia_up" in house.ask("GET", "/metrics").text
    assert house.counter.asked.count(("gaps", None, None)) == 1
    house.counter.failure = None
    house.now += 10 * SECOND
    house.counter.accounts = (Accounted("web-1", NOON, NOON, 10, 7, 1, 1, 2, 0),)
    assert 'guardia_messages_sent_total{source="web-1"} 10' in house.ask("GET", "/metrics").text


def test_health_waits_for_no_account() -> None:
    house = full()

    async def never(source: str | None, start: int | None) -> GapsAnswer:
        await asyncio.Event().wait()
        raise AssertionError

    async def asked() -> dict[str, Part]:
        house.hub.counter.gaps = never  # type: ignore[method-assign]
        looking = asyncio.ensure_future(house.hub.accounts())
        await asyncio.sleep(0)
        found = await asyncio.wait_for(house.hub.health(), 30.0)
        looking.cancel()
        return found

    assert asyncio.run(asked())["store"]["status"] == "ok"


def test_prometheus_gets_its_text() -> None:
    result = full().ask("GET", "/metrics")
    assert result.status_code == 200
    assert result.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'guardia_up{host="web-1"} 1' in result.text


def test_every_route_answers_any_json_client(any_path: str) -> None:
    result: Any = full().ask("GET", any_path)
    assert result.status_code in (200, 404), result.text


@pytest.fixture(params=["/api/v1/openapi.json", "/api/docs", "/", "/api/static/hosts.js", "/api/static/nothing.js"])
def any_path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_what_the_page_is_filled_by_is_on_it() -> None:
    script, page = full().ask("GET", "/api/static/hosts.js").text, full().ask("GET", "/").text
    wanted = set(re.findall(r'byId\("([^"]+)"\)', script)) | set(re.findall(r'chip\("([^"]+)"', script))
    assert wanted == set(re.findall(r' id="([^"]+)"', page))


def test_the_page_says_in_plain_words_who_took_an_alarm_or_what_holds_it_back() -> None:
    assert "<th>Acknowledged or held back by</th>" in full().ask("GET", "/").text
