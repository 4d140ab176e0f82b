"""The description matches what it describes."""

from __future__ import annotations

import json
from typing import Any

from api.openapi import openapi
from api.routes import ROUTES

SPEC = openapi("0.1.0")


def references(value: Any) -> set[str]:
    """All schemas that are referred to."""
    if isinstance(value, dict):
        inner = set().union(*(references(item) for item in value.values())) if value else set()
        return inner | ({value["$ref"]} if "$ref" in value else set())
    if isinstance(value, list):
        return set().union(*(references(item) for item in value)) if value else set()
    return set()


def test_every_route_and_the_stream_are_described() -> None:
    assert SPEC["paths"].keys() == {route.path for route in ROUTES} | {"/api/v1/stream"}


def test_a_job_may_say_how_it_went_by_either_method() -> None:
    path = SPEC["paths"]["/api/v1/heartbeat/{name}"]
    for method in ("get", "post"):
        assert [one["name"] for one in path[method]["parameters"]] == ["name", "status", "text"]


def test_every_reference_leads_somewhere_and_no_schema_is_empty() -> None:
    known = {f"#/components/schemas/{name}" for name in SPEC["components"]["schemas"]}
    assert references(SPEC) <= known
    assert all(SPEC["components"]["schemas"].values())


def test_integers_words_and_nulls_are_described_as_such() -> None:
    schemas = SPEC["components"]["schemas"]
    assert schemas["Memory"]["properties"]["used"]["type"] == "integer"
    assert schemas["ServerInfo"]["properties"]["health_status"]["enum"] == ["up", "down", "stale", "unknown"]
    assert {"type": "null"} in schemas["MetricRow"]["properties"]["cpu_avg"]["anyOf"]
    assert "disks" not in schemas["ServerMetrics"]["required"]
    assert "cpus" in schemas["ServerMetrics"]["required"]


def test_path_parameters_are_described_and_required() -> None:
    parameters = SPEC["paths"]["/api/v1/servers/{server_id}/metrics"]["get"]["parameters"]
    assert [p["name"] for p in parameters] == ["server_id", "start", "end", "limit"]
    assert parameters[0]["required"]


def test_health_is_described_as_open() -> None:
    assert {} in SPEC["paths"]["/api/v1/health"]["get"]["security"]
    assert "security" not in SPEC["paths"]["/api/v1/servers"]["get"]


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for path in SPEC["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))


def test_it_is_json() -> None:
    assert json.loads(json.dumps(SPEC)) == SPEC


def test_what_writes_is_described_with_its_body() -> None:
    operation = SPEC["paths"]["/api/v1/silences"]["post"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    assert SPEC["components"]["schemas"][body.rpartition("/")[2]]["required"] == ["matches", "reason", "seconds"]
    assert "201" in operation["responses"]
    assert set(SPEC["paths"]["/api/v1/silences/{id}"]) == {"delete"}


def test_what_answers_in_msgpack_is_described_so() -> None:
    operation = SPEC["paths"]["/api/v1/questions"]["post"]
    assert operation["responses"]["200"]["content"].keys() == {"application/msgpack"}
    assert operation["responses"]["404"]["content"].keys() == {"application/json"}
