"""The hub's JSON, turned into events."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.viewer.fleet import InventedHost, rfc
from tests.viewer.given import NOON, stream_text
from viewer import parse
from viewer.events import AlertTold, CheckTold, FactsTold, Garbage, Missed, SampleTold
from viewer.wishes import AskChecks, AskSeries

WISH = AskSeries("web-1", "5m", False, ("cpu.percent",), 0, 2, 2)
CHECKS = AskChecks("shop", "5m", 0, 300)
WORDS = st.sampled_from(
    [
        *("type", "metric", "facts", "service_check", "alert", "gap", "server_id", "servers", "services", "name", "at"),
        *("timestamp", "values", "metrics", "cpus", "memory", "components", "series", "times", "mean", "step_seconds"),
        *(
            "processes",
            "pid",
            "checks",
            "service_name",
            "subject",
            "missed",
            "load",
            "disks",
            "latest_metrics",
            "1",
            "",
        ),
        rfc(NOON),
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS | st.text(max_size=5)
JSON: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=8), max_leaves=30
)


def test_a_metric_event_is_a_sample_with_all_its_numbers() -> None:
    text = stream_text(values={"cpu.percent": 12.5, "temperature[a/b].celsius": None})
    told = SampleTold("web-1", "web-1", NOON, {"cpu.percent": 12.5, "temperature[a/b].celsius": None})
    assert parse.stream_event(text) == told


def test_a_hub_that_tells_no_flat_numbers_is_understood_by_its_nested_ones() -> None:
    metrics = InventedHost("web-1").server_metrics(NOON)
    told = parse.stream_event(stream_text(metrics=metrics))
    assert isinstance(told, SampleTold)
    assert told.values["cpu.percent"] == metrics["cpus"]["average_usage"]
    assert told.values["memory.total"] == 16 * 1024**3
    assert "net[eth0].rx_bytes_per_s" in told.values


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (stream_text("facts", facts={"os_name": "Debian"}), FactsTold),
        (stream_text("service_check", service_name="shop", status="up"), CheckTold),
        (stream_text("alert", subject="web-1", rule="cpu", state="firing"), AlertTold),
        (stream_text("gap", missed=3), Missed),
        ("{", Garbage),
        ("[]", Garbage),
        ("[" * 5000, Garbage),
        (stream_text(timestamp="at noon"), Garbage),
        (b"\xff\xfe", Garbage),
    ],
)
def test_each_type_becomes_its_event_and_nonsense_garbage(text: str | bytes, kind: type) -> None:
    assert type(parse.stream_event(text)) is kind


def test_types_that_are_not_ours_are_passed_over() -> None:
    assert parse.stream_event('{"type": "weather"}') is None


def test_the_id_to_resume_from_is_found_without_decoding() -> None:
    assert parse.event_id('{"type":"metric","id":"3f.1.7","x":1}') == "3f.1.7"
    assert parse.event_id('{"type": "facts", "facts": {"id": "x"}' + " " * 200 + ', "id": "3f.1.8"}') == "3f.1.8"
    assert parse.event_id('{"type":"metric"}') is None


def test_a_host_without_a_name_is_left_out_of_the_list() -> None:
    body = json.dumps({"servers": [{"server_id": 7}, {"server_id": "web-1"}, 3], "count": 3})
    assert [entry.name for entry in parse.hosts(body)] == ["web-1"]


def test_a_list_that_ends_too_early_is_no_list() -> None:
    with pytest.raises(ValueError, match="ends too early"):
        list(parse.hosts('{"servers": [{"server_id": "web-1"}'))


def test_a_past_has_gaps_where_there_is_no_mean() -> None:
    body = json.dumps(
        {
            "step_seconds": 1.0,
            "times": [0, 1000],
            "series": [{"metric": "cpu.percent", "mean": [5.0, None], "min": [4.0], "max": [6.0], "count": [3]}],
        }
    )
    told = parse.series(body, WISH)
    assert told is not None
    assert told.columns == {"cpu.percent": [(5.0, 4.0, 6.0, 3), None]}


def test_infinities_are_no_readings() -> None:
    assert parse.numbers({"a": float("inf"), "b": True, "c": 1, "d": "2"}) == {
        "a": None,
        "b": None,
        "c": 1.0,
        "d": None,
    }


def test_numbers_of_hundreds_of_digits_are_no_facts() -> None:
    facts = {"memory_total": 10**400, "cpu_count": 8, "os_name": "Debian"}
    told = parse.stream_event(json.dumps({"type": "facts", "server_id": "web-1", "facts": facts}))
    assert told == FactsTold("web-1", {"cpu_count": 8, "os_name": "Debian"})
    described = parse.host(json.dumps({"server_id": "web-1", "facts": facts}))
    assert described is not None
    assert described.facts == {"cpu_count": 8, "os_name": "Debian"}


@given(found=JSON)
def test_whatever_json_comes_is_an_event_or_garbage_or_no_answer(found: Any) -> None:
    body = json.dumps(found)
    parse.stream_event(body)
    for read in (
        lambda: list(parse.hosts(body)),
        lambda: parse.host(body),
        lambda: parse.series(body, WISH),
        lambda: parse.services(body),
        lambda: parse.checks(body, body, CHECKS),
    ):
        with suppress(ValueError):  # said to be no answer
            read()


@given(kind=st.sampled_from(["metric", "facts", "service_check", "alert", "gap"]), more=st.dictionaries(WORDS, JSON))
def test_a_stream_message_with_any_fields_is_survived(kind: str, more: dict[str, Any]) -> None:
    parse.stream_event(json.dumps({**more, "type": kind}))
