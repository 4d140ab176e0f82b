"""Series of several hosts in pages, and the highest of many."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import cursor
from api.filters import BadParameter
from api.leaving import App, while_here
from api.views.top import Candidate, Highest, of_range
from bus.questions import Column, Series, SeriesAnswer, TooMuch
from tests.api import contract
from tests.api.given import MINUTE, NOON, SECOND, FakeCounter, heard, reading
from tests.api.house import House

NAMES = ("db-1", "web-1", "web-2", "web-3")


class Fleet(FakeCounter):
    """Answers a series of two steps whose values are told by the host's place among all."""

    async def series(self, question: Series) -> SeriesAnswer:
        await super().series(question)
        value = float(NAMES.index(question.subject))
        if question.subject not in self.records["sample"]:
            return SeriesAnswer((), MINUTE, "rows", 0.0, ())
        column = Column("cpu.percent", (value, None), (value - 1, None), (value + 1, None), (value, None), (2, 0))
        return SeriesAnswer((NOON - MINUTE, NOON), MINUTE, "rows", 0.25, (column,))


def house() -> House:
    """A hub with four hosts, the later ones busier."""
    counter = Fleet()
    for place, name in enumerate(NAMES):
        counter.keep_reading({"cpu.percent": 10.0 * place}, subject=name)
    return House(counter=counter).prime()


def test_hosts_come_in_pages_that_have_the_times_of_the_first() -> None:
    given_house = house()
    path = "/api/v1/series?host=web-*&metric=cpu.percent&limit=2&agg=max"
    first = given_house.get(path)
    contract.fleet_series(first)
    given_house.now += 5 * MINUTE
    second = given_house.get(f"{path}&cursor={first['next']}")

    assert [one["server_id"] for one in first["servers"] + second["servers"]] == ["web-1", "web-2", "web-3"]
    assert (second["start"], second["end"]) == (first["start"], first["end"])
    assert second["next"] is None
    assert first["servers"][0]["series"] == [{"metric": "cpu.percent", "unit": "percent", "max": [2.0, None]}]


def test_a_step_and_the_aggregates_are_asked_of_the_store() -> None:
    given_house = house()
    given_house.get("/api/v1/servers/web-1/series?metric=cpu.*&metric=disk[*].percent&step=5m&agg=count,min")
    question = given_house.counter.asked[-1][1]
    assert question.step == 5 * MINUTE
    assert question.metrics == ("cpu.*", "disk[*].percent")
    assert question.aggregates == ("min", "count")


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/api/v1/servers/web-1/series?metric=a.b&step=0", "step"),
        ("/api/v1/servers/web-1/series?metric=a.b&step=soon", "step"),
        ("/api/v1/servers/web-1/series?metric=a.b&step=5m&points=7", "step"),
        ("/api/v1/servers/web-1/series?metric=*&points=10000&agg=*&start=1970-01-02", ""),
        ("/api/v1/series", "metric"),
        ("/api/v1/series?metric=a.b&limit=0", "limit"),
        ("/api/v1/series?metric=a.b&cursor=rubbish", "cursor"),
        ("/api/v1/series?metric=a.b&cursor=WyJhIl0", "cursor"),
        (f"/api/v1/series?metric=a.b&cursor={cursor.written(10**30, 5, 'a')}", "cursor"),
        (f"/api/v1/series?metric=a.b&cursor={cursor.written(-5, 5, 'a')}", "cursor"),
        ("/api/v1/top", "metric"),
        ("/api/v1/top?metric=a.b&n=-1", "n"),
        ("/api/v1/top?metric=a.b&order=best", "order"),
        ("/api/v1/top?metric=a.b&end=2026-01-31", "start"),
        ("/api/v1/top?metric=a.b&agg=max", "agg"),
        ("/api/v1/top?metric=a.b&start=0&agg=count", "agg"),
    ],
)
def test_what_cannot_be_obeyed_is_named(path: str, parameter: str) -> None:
    result = house().ask("GET", path)
    if not parameter:
        assert result.status_code == 200  # 23 metrics in 10,000 steps are many and still few enough
        return
    assert result.status_code == 400
    assert result.json["parameter"] == parameter


def test_an_answer_without_end_is_refused_before_the_store_is_asked() -> None:
    given_house = house()
    many = {f"disk[d{n}].percent": 1.0 for n in range(100)}
    given_house.counter.keep_reading(many, subject="web-1", at=NOON + 1)
    given_house.prime()
    result = given_house.ask("GET", "/api/v1/servers/web-1/series?metric=*&points=10000&agg=*&start=1970-01-02")
    assert result.status_code == 400
    assert "2,000,000" in result.json["error"]
    assert not [asked for asked in given_house.counter.asked if asked[0] == "series"]


class Sparing(FakeCounter):
    """Gives no answer so large: what a host told earlier are more metrics than it tells now."""

    async def series(self, question: Series) -> SeriesAnswer:
        raise TooMuch("900 metrics match, which makes 5,400,000 numbers")


@pytest.mark.parametrize("path", ["servers/web-1/series?metric=*", "series?metric=*", "top?metric=*&start=7d"])
def test_what_is_too_much_for_the_store_is_400_and_is_not_to_be_asked_again(path: str) -> None:
    counter = Sparing()
    counter.keep_reading({"cpu.percent": 1.0}, subject="web-1")
    result = House(counter=counter).prime().ask("GET", f"/api/v1/{path}")
    assert (result.status_code, result.json["code"]) == (400, "too_much")
    assert "Retry-After" not in result.headers


def test_the_highest_now_come_from_the_newest_samples() -> None:
    answer = house().get("/api/v1/top?metric=cpu.percent&n=2")
    contract.top(answer)
    assert [(row["server_id"], row["value"]) for row in answer["top"]] == [("web-3", 30.0), ("web-2", 20.0)]
    assert answer["hosts"] == 4
    lowest = house().get("/api/v1/top?metric=cpu.percent&n=1&order=asc&host=web-*")
    assert [(row["server_id"], row["value"]) for row in lowest["top"]] == [("web-1", 10.0)]


def test_a_silent_host_is_not_among_the_highest_now() -> None:
    given_house = house()
    given_house.now += 60 * MINUTE
    assert given_house.get("/api/v1/top?metric=cpu.percent")["top"] == []


@pytest.mark.parametrize(("aggregate", "value"), [("mean", 3.0), ("min", 2.0), ("max", 4.0), ("last", 3.0)])
def test_the_highest_over_a_range_have_its_coverage(aggregate: str, value: float) -> None:
    answer = house().get(f"/api/v1/top?metric=cpu.percent&n=1&start=2026-01-31T11:00:00Z&agg={aggregate}")
    contract.top(answer)
    assert answer["top"][0] == {
        "server_id": "web-3",
        "display_name": "web-3",
        "metric": "cpu.percent",
        "unit": "percent",
        "value": value,
        "coverage": 0.25,
    }


def test_others_get_a_turn_while_the_highest_of_many_hosts_are_looked_for() -> None:
    given_house = House().prime()
    for number in range(300):
        for message in reading({f"disk[d{place}].percent": 1.0 for place in range(300)}):
            given_house.hub.live.hear(heard(message, subject=f"web-{number}"))

    async def turns(path: str) -> int:
        found = 0

        async def others() -> None:
            nonlocal found
            while True:
                found += 1
                await asyncio.sleep(0)

        async with given_house.client as client:
            task = asyncio.create_task(others())
            result = await client.simulate_get(path, host="127.0.0.1")
            task.cancel()
        assert result.json["count"] == 10
        return found

    assert asyncio.run(turns("/api/v1/top?metric=*")) >= asyncio.run(turns("/api/v1/top?metric=load.1m")) + 5


def test_without_the_store_the_highest_now_are_told_and_those_of_a_range_are_not() -> None:
    given_house = house()
    given_house.counter.failure = "its reader is not there"
    assert len(given_house.get("/api/v1/top?metric=cpu.percent")["top"]) == 4
    assert given_house.ask("GET", "/api/v1/top?metric=cpu.percent&start=2026-01-31").status_code == 503


def test_the_mean_of_steps_weighs_them_by_their_readings() -> None:
    column = Column("a.b", (1.0, None, 4.0), (), (), (), (30, 0, 10))
    answer = SeriesAnswer((0, 1, 2), 1, "rows", 1.0, (column,))
    assert [one.value for one in of_range("web-1", answer, "mean")] == [1.75]


@given(
    st.lists(st.lists(st.tuples(st.floats(-9, 9), st.sampled_from("abcd"), st.sampled_from("xy")))),
    st.integers(0, 5),
    st.booleans(),
)
def test_the_highest_are_those_that_sorting_all_would_give(
    offers: list[list[tuple[float, str, str]]], count: int, lowest: bool
) -> None:
    highest = Highest(count, lowest=lowest)
    for offer in offers:
        highest.offer(Candidate(*one) for one in offer)
    everything = [one for offer in offers for one in offer]
    expected = sorted(everything, key=lambda one: (one[0] if lowest else -one[0], one[1], one[2]))[:count]
    assert [(one.value, one.host, one.metric) for one in highest.found()] == expected


@given(st.text(max_size=60), st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_a_cursor_gives_back_what_was_written(name: str, start: int, end: int) -> None:
    text = cursor.written(start, end, name)
    if len(text) <= cursor.MOST:
        assert cursor.read(text, (int, int, str)) == (start, end, name)


@given(st.text())
def test_any_other_text_is_a_bad_cursor_and_no_crash(text: str) -> None:
    with contextlib.suppress(BadParameter):
        cursor.read(text, (int, int, str))


def test_work_ends_when_the_client_goes() -> None:
    ended = asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    class Resource:
        async def on_get(self, req: Any, resp: Any) -> None:
            await while_here(req, endless())

    async def run() -> list[Any]:
        app = App()
        app.add_route("/", Resource())
        sent: list[Any] = []
        events = iter([{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}])

        async def receive() -> Any:
            return next(events)

        async def send(event: Any) -> None:
            sent.append(event)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "path": "/",
            "query_string": b"",
            "headers": [],
            "scheme": "http",
            "server": ("127.0.0.1", 8080),
            "client": ("127.0.0.1", 1),
        }
        try:
            await asyncio.wait_for(app(scope, receive, send), 30)
        except Exception as fault:
            sent.append(fault)
        return sent

    assert asyncio.run(run())
    assert ended.is_set()


def test_work_of_a_client_that_stays_gives_its_result_and_its_faults() -> None:
    answer = house().get("/api/v1/series?metric=cpu.percent&start=2026-01-31T11:59:00Z&step=30")
    assert answer["count"] == 4
    assert answer["servers"][0]["step_seconds"] == MINUTE / SECOND
