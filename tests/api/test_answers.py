"""Hosts with their rows and series, and services with their checks, against the contract."""

from __future__ import annotations

import pytest

from api.directory import Directory
from bus.messages import Check
from bus.tables import Host, Service
from tests.api import contract
from tests.api.given import DISK_SERIES, MINUTE, NOON, SECOND, FakeCounter, heard, reading
from tests.api.house import House, full

# -- hosts ---


def test_hosts_are_listed_with_their_newest_reading() -> None:
    answer = full().get("/api/v1/servers")

    contract.servers(answer)
    web, db = answer["servers"]
    assert (web["server_id"], web["display_name"], web["health_status"]) == ("web-1", "Web 1", "up")
    assert web["latest_metrics"]["cpus"]["average_usage"] == 12.5
    assert web["latest_metrics"]["system"]["host_name"] == "web-1"
    assert web["last_seen"] == "2026-01-31T12:00:00.002Z"
    assert db["health_status"] == "unknown"
    assert db["last_seen"] is None
    assert db["latest_metrics"] is None


def test_configured_hosts_come_first_and_then_the_others_by_name() -> None:
    counter = FakeCounter()
    for name in ("zeta", "alpha", "web-1"):
        counter.keep_reading(subject=name)
    counter.keep_reading(subject="guardia.collector")
    house = House(counter=counter, directory=Directory.of([Host("web-1"), Host("db-1")])).prime()

    listed = [server["server_id"] for server in house.get("/api/v1/servers")["servers"]]
    assert listed == ["web-1", "db-1", "alpha", "zeta"]


def test_a_silent_host_is_down_and_says_so() -> None:
    house = full()
    house.now = NOON + 10 * MINUTE
    answer = house.get("/api/v1/servers")
    contract.servers(answer)
    assert answer["servers"][0]["health_status"] == "down"
    assert answer["servers"][0]["last_poll_error"] == "nothing received for 10 min"


def test_a_display_name_cannot_break_the_answer() -> None:
    evil = '"latest_metrics":null,"x":"<script>\u2028'
    house = House(directory=Directory.of([Host("web-1", evil)])).prime()
    assert house.get("/api/v1/servers")["servers"][0]["display_name"] == evil


def test_before_the_store_was_read_the_list_is_refused_rather_than_incomplete() -> None:
    house = House()
    result = house.ask("GET", "/api/v1/servers")
    assert result.status_code == 503
    contract.error(result.json)
    assert result.json["code"] == "store_unavailable"


def test_once_read_the_list_goes_on_without_the_store() -> None:
    house = full()
    house.counter.failure = "its reader is not there"
    contract.servers(house.get("/api/v1/servers"))


def test_one_host_is_shown_with_all_that_is_known() -> None:
    answer = full().get("/api/v1/servers/web-1")
    contract.detail(answer)
    assert answer["facts"]["kernel"] == "6.12.0"
    assert answer["values"]["disk[/].percent"] == 40.0
    assert answer["values"]["temperature[nvme/Composite].celsius"] is None
    assert answer["processes"][0]["name"] == "init"
    assert answer["latest_metrics"]["memory"]["used"] == 2_000_000_000


def test_a_configured_host_that_never_reported_is_shown_empty() -> None:
    answer = full().get("/api/v1/servers/db-1")
    contract.detail(answer)
    assert answer["facts"] is None
    assert answer["values"] == {}
    assert answer["processes"] is None


def test_an_unknown_host_is_404_in_part_b_and_empty_in_part_a() -> None:
    house = full()
    for path in ("/api/v1/servers/nobody", "/api/v1/servers/nobody/series?metric=cpu.percent"):
        result = house.ask("GET", path)
        assert result.status_code == 404
        contract.error(result.json)
    for path in ("/api/v1/servers/nobody/metrics", "/api/v1/servers/no%20body/metrics"):
        answer = house.get(path)
        contract.metrics(answer)
        assert answer["metrics"] == []
    contract.latest(house.get("/api/v1/servers/nobody/metrics/latest"))


# -- rows ---


def test_rows_come_oldest_first_between_the_times_both_included() -> None:
    answer = full().get("/api/v1/servers/web-1/metrics?start=2026-01-31T11:56:00Z&end=2026-01-31T11:59:00Z")
    contract.metrics(answer)
    assert [row["timestamp"][11:16] for row in answer["metrics"]] == ["11:56", "11:57", "11:58", "11:59"]
    assert answer["start"] == "2026-01-31T11:56:00.000Z"
    row = answer["metrics"][0]
    assert (row["cpu_avg"], row["memory_used"], row["temp_avg"]) == (12.5, 2_000_000_000, 50.0)
    assert row["metric_type"] == "resource"
    assert row["display_name"] == "Web 1"


def test_without_times_it_is_the_last_hour() -> None:
    house = full()
    answer = house.get("/api/v1/servers/web-1/metrics")
    assert answer["count"] == 10
    assert (answer["start"], answer["end"]) == ("2026-01-31T11:00:00.000Z", "2026-01-31T12:00:00.000Z")
    assert house.counter.asked[-1] == ("range", "sample", "web-1", NOON - 60 * MINUTE, NOON, 1000)


def test_an_end_alone_has_its_own_hour_before_it() -> None:
    answer = full().get("/api/v1/servers/web-1/metrics?end=2026-01-31T10:00:00Z")
    assert answer["start"] == "2026-01-31T09:00:00.000Z"


def test_with_more_rows_than_the_limit_the_newest_are_kept() -> None:
    answer = full().get("/api/v1/servers/web-1/metrics?limit=3")
    assert [row["timestamp"][11:16] for row in answer["metrics"]] == ["11:58", "11:59", "12:00"]


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/metrics?limit=99999", 10_000),
        ("/metrics", 1000),
        ("/metrics/latest?limit=5000", 1000),
        ("/metrics/latest", 100),
    ],
)
def test_limits_have_their_defaults_and_are_cut_to_their_most(path: str, asked: int) -> None:
    house = full()
    house.get(f"/api/v1/servers/web-1{path}")
    assert house.counter.asked[-1][-1] == asked


def test_a_limit_of_nothing_gives_nothing() -> None:
    house = full()
    contract.metrics(house.get("/api/v1/servers/web-1/metrics?limit=0"))
    answer = house.get("/api/v1/servers/web-1/metrics/latest?limit=0")
    contract.latest(answer)
    assert answer["count"] == 0


def test_a_start_after_the_end_gives_nothing() -> None:
    answer = full().get("/api/v1/servers/web-1/metrics?start=2026-01-31T13:00:00Z&end=2026-01-31T12:00:00Z")
    contract.metrics(answer)
    assert answer["count"] == 0


def test_the_latest_rows_are_the_newest_oldest_first() -> None:
    answer = full().get("/api/v1/servers/web-1/metrics/latest?limit=2")
    contract.latest(answer)
    assert [row["timestamp"][11:16] for row in answer["metrics"]] == ["11:59", "12:00"]


def test_a_first_sample_without_rates_is_no_row() -> None:
    counter = FakeCounter()
    layout, first = reading({"cpu.percent": None})
    counter.keep(layout)
    counter.keep(first, at=NOON - MINUTE)
    counter.keep_reading(at=NOON)
    answer = House(counter=counter).prime().get("/api/v1/servers/web-1/metrics")
    contract.metrics(answer)
    assert answer["count"] == 1


def test_old_layouts_are_asked_for_once() -> None:
    house = full()
    house.hub.live.layouts.clear()
    house.get("/api/v1/servers/web-1/metrics")
    house.get("/api/v1/servers/web-1/metrics")
    assert [question[0] for question in house.counter.asked].count("layouts") == 2  # one of them by priming


def test_the_answers_own_times_can_be_put_back_into_a_query() -> None:
    house = full()
    end = house.get("/api/v1/servers/web-1/metrics")["end"]
    assert house.get(f"/api/v1/servers/web-1/metrics?end={end}")["end"] == end


# -- services ---


def test_services_are_listed_with_their_last_check() -> None:
    answer = full().get("/api/v1/services")
    contract.services(answer)
    (shop,) = answer["services"]
    assert (shop["name"], shop["health_status"], shop["last_status"]) == ("shop", "up", "up")
    assert shop["response_time_ms"] == 125


def test_a_service_never_checked_is_unknown() -> None:
    answer = House(directory=Directory.of([], [Service("shop", "https://shop.example")])).prime()
    contract.services(answer.get("/api/v1/services"))
    assert answer.get("/api/v1/services")["services"][0]["health_status"] == "unknown"


def test_checks_come_oldest_first() -> None:
    answer = full().get("/api/v1/services/shop/checks")
    contract.checks(answer)
    assert [check["status"] for check in answer["checks"]] == ["down", "up"]
    assert answer["checks"][0]["error_message"] == "refused"
    assert answer["start"] == "2026-01-30T12:00:00.000Z"


def test_uptime_is_the_share_of_good_checks() -> None:
    counter = FakeCounter()
    for minute in range(10):
        status = "up" if minute < 8 else "down"
        counter.keep(
            Check(status, response_ms=100.0 + minute if status == "up" else None),
            subject="shop",
            at=NOON - (10 - minute) * MINUTE,
        )
    counter.keep(Check("unknown"), subject="shop", at=NOON)
    answer = House(counter=counter).get("/api/v1/services/shop/uptime")
    contract.uptime(answer)
    assert answer["uptime_percentage"] == 80.0
    assert (answer["total_checks"], answer["successful_checks"]) == (10, 8)
    assert answer["avg_response_time_ms"] == 103.5


def test_an_unknown_service_has_no_checks_and_no_uptime() -> None:
    house = full()
    contract.checks(house.get("/api/v1/services/nothing/checks"))
    answer = house.get("/api/v1/services/nothing/uptime?since=2026-01-30T00:00:00Z")
    contract.uptime(answer)
    assert answer["total_checks"] == 0
    assert answer["avg_response_time_ms"] is None
    assert answer["since"] == answer["start"] == "2026-01-30T00:00:00.000Z"


def test_uptime_counts_more_checks_than_one_answer_holds() -> None:
    counter = FakeCounter()
    for second in range(10_500):
        counter.keep(Check("up"), subject="shop", at=NOON - second * SECOND)
    counter.records["check"]["shop"].reverse()
    answer = House(counter=counter).get("/api/v1/services/shop/uptime")
    assert answer["total_checks"] == 10_500


# -- series ---


def test_series_have_the_columns_asked_for() -> None:
    house = full()
    house.counter.answer = DISK_SERIES
    answer = house.get("/api/v1/servers/web-1/series?metric=disk[*].percent&points=2&start=2026-01-31T11:58:00Z")
    contract.series(answer)
    assert answer["times"] == [NOON // 1_000_000 - 60_000, NOON // 1_000_000]
    assert answer["step_seconds"] == 60.0
    assert answer["series"] == [
        {
            "metric": "disk[/].percent",
            "unit": "percent",
            "mean": [1.0, None],
            "min": [0.5, None],
            "max": [1.5, None],
        }
    ]
    only = house.get("/api/v1/servers/web-1/series?metric=disk[*].percent&agg=last,count")
    assert only["series"][0].keys() == {"metric", "unit", "last", "count"}


def test_a_series_without_points_has_empty_arrays() -> None:
    answer = full().get("/api/v1/servers/web-1/series?metric=nothing.here")
    contract.series(answer)
    assert answer["times"] == []
    assert answer["series"] == []


def test_the_latest_rows_are_none_of_a_time_to_come_unless_the_host_is_there_already() -> None:
    house = full()
    house.counter.keep_reading(at=NOON + 3600 * SECOND)  # a clock was ahead for a moment
    house.hub.live.hear(heard(reading()[1], at=NOON))
    rows = house.get("/api/v1/servers/web-1/metrics/latest?limit=2")["metrics"]
    assert [row["timestamp"][11:16] for row in rows] == ["11:59", "12:00"]

    house.hub.live.hear(heard(reading()[1], at=NOON + 3600 * SECOND))
    rows = house.get("/api/v1/servers/web-1/metrics/latest?limit=2")["metrics"]
    assert [row["timestamp"][11:16] for row in rows] == ["12:00", "13:00"]
