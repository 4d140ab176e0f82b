"""What every member of the drawer keeps to."""

from __future__ import annotations

import re

import pytest

from agent.config import Agent
from agent.metrics import METRICS, found
from agent.readings import Count, Ground, Mean, Reading, Share
from bus.messages import is_metric
from bus.units import units

COUNTS = frozenset(
    {"1m", "5m", "15m", "count", "processes", "processes_running", "threads", "users"}
    | {"connections", "missing", "open_files", "errors", "corrected_errors", "uncorrected_errors"}
    | {"read_only", "discharging", "running", "restarting", "healthy", "exit_code", "synchronised"}
)
"""Fields whose values are plain counts."""


def pattern(field: str) -> str:
    return re.escape(field).replace(r"\*", r"[^\[\]]+")


def read(name: str, ground: Ground) -> dict[str, Reading]:
    return dict(found(name)(ground).read())


@pytest.mark.parametrize("name", METRICS)
def test_its_fields_are_names_of_metrics_and_say_what_they_mean(name: str) -> None:
    for field, meaning in found(name).fields.items():
        assert is_metric(field)
        assert meaning
        assert "|" not in meaning


@pytest.mark.parametrize("name", METRICS)
def test_the_unit_of_each_field_is_known_from_its_name(name: str) -> None:
    fields = tuple(found(name).fields)
    for field, unit in zip(fields, units(fields), strict=True):
        assert unit or field.rpartition(".")[2] in COUNTS, field


@pytest.mark.parametrize("name", METRICS)
def test_it_can_be_read_here_and_tells_only_the_fields_it_names(name: str) -> None:
    patterns = [re.compile(pattern(field)) for field in found(name).fields]
    for told, reading in read(name, Ground()).items():
        assert is_metric(told)
        assert any(one.fullmatch(told) for one in patterns), told
        assert reading is None or isinstance(reading, float | Count | Share | Mean)


@pytest.mark.parametrize("name", METRICS)
def test_two_readings_have_the_same_names_in_the_same_order(name: str) -> None:
    metric = found(name)(Ground())
    assert list(metric.read()) == list(metric.read())


@pytest.mark.parametrize("name", METRICS)
def test_it_can_be_left_out_by_its_name(name: str) -> None:
    assert Agent(skip_metrics=(name,)).skip_metrics == (name,)


def test_no_field_belongs_to_two_metrics() -> None:
    fields = [field for name in METRICS for field in found(name).fields]
    assert len(fields) == len(set(fields))


def test_what_everybody_relies_on_is_measured_here() -> None:
    told = {one for name in METRICS for one in read(name, Ground())}
    assert {"cpu.percent", "cpu[0].percent", "load.1m", "memory.total", "memory.percent", "swap.total"} <= told
    assert {"system.uptime_seconds", "system.processes", "agent.cpu_percent", "agent.rss_bytes"} <= told
    assert any(name.startswith("disk[") for name in told)
