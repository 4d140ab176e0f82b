"""Flat numbers as ``ServerMetrics``."""

from __future__ import annotations

import json
from dataclasses import replace

from api.encoding import to_json
from api.shapes import ServerMetrics
from api.views.metrics import plan
from tests.api.contract import server_metrics
from tests.api.given import FACTS, READINGS


def made(changes: dict[str, float | None] | None = None, without: tuple[str, ...] = ()) -> ServerMetrics | None:
    readings = {name: value for name, value in (READINGS | (changes or {})).items() if name not in without}
    return plan(tuple(readings)).server_metrics(tuple(readings.values()), FACTS)


def test_a_full_sample_gives_every_field() -> None:
    metrics = made()

    assert metrics is not None
    assert metrics["system"] == {
        "name": "Debian GNU/Linux",
        "kernel_version": "6.12.0",
        "os_version": "13",
        "host_name": "web-1",
    }
    assert metrics["memory"] == {
        "total": 8_000_000_000,
        "used": 2_000_000_000,
        "total_swap": 1_000_000_000,
        "used_swap": 0,
    }
    assert metrics["cpus"]["average_usage"] == 12.5
    assert metrics["cpus"]["cpus"][0] == {"name": "cpu0", "frequency": 2400, "usage": 10.0}
    assert metrics["components"]["components"] == [
        {"name": "coretemp Package id 0", "temperature": 50.0},
        {"name": "nvme Composite", "temperature": None},
    ]
    assert metrics["load"] == [0.5, 0.25, 0.125]
    server_metrics(json.loads(to_json(metrics)))


def test_numbers_that_typed_clients_have_no_room_for_are_not_told() -> None:
    odd = {"memory.used": -1.0, "swap.total": 1e300, "cpu[0].mhz": 2.0**63, "cpu.mhz": -1.0, "disk[/].free": -1.0}
    metrics = made({**odd, "memory.total": 1e20, "cpu.count": -4.0})

    assert metrics is not None
    assert metrics["memory"] == {"total": 8_000_000_000, "used": 0, "total_swap": 0, "used_swap": 0}
    assert metrics["cpus"]["total"] == 2
    assert metrics["cpus"]["cpus"][0]["frequency"] == 0
    assert metrics["disks"][0]["free"] is None
    server_metrics(json.loads(to_json(metrics)))

    names = ("cpu.percent", "cpu[0].percent")
    lying = plan(names).server_metrics((1.0, 1.0), replace(FACTS, memory_total=-1, cpu_count=2**64 - 1))
    assert lying is not None
    assert (lying["memory"]["total"], lying["cpus"]["total"]) == (0, 1)


def test_the_mean_temperature_covers_only_sensors_with_a_reading() -> None:
    metrics = made()
    assert metrics is not None
    assert metrics["components"]["average_temperature"] == 50.0

    silent = made({"temperature[coretemp/Package id 0].celsius": None})
    assert silent is not None
    assert silent["components"]["average_temperature"] is None


def test_a_first_sample_without_rates_is_left_out_rather_than_shown_as_idle() -> None:
    assert made({"cpu.percent": None}) is None
    assert made(without=("cpu.percent",)) is None


def test_cores_stand_in_the_order_of_their_numbers() -> None:
    changes: dict[str, float | None] = {f"cpu[{core}].percent": float(core) for core in (10, 9, 2, 0, 1)}
    metrics = made(changes)
    assert metrics is not None
    assert [cpu["name"] for cpu in metrics["cpus"]["cpus"]] == ["cpu0", "cpu1", "cpu2", "cpu9", "cpu10"]


def test_a_core_without_a_reading_is_left_out() -> None:
    metrics = made({"cpu[0].percent": None})
    assert metrics is not None
    assert [cpu["name"] for cpu in metrics["cpus"]["cpus"]] == ["cpu1"]


def test_a_core_without_its_own_frequency_has_that_of_all() -> None:
    metrics = made(without=("cpu[0].mhz", "cpu[1].mhz"))
    assert metrics is not None
    assert [cpu["frequency"] for cpu in metrics["cpus"]["cpus"]] == [2400, 2400]


def test_a_host_that_measures_little_still_has_every_required_key() -> None:
    metrics = plan(("cpu.percent",)).server_metrics((1.0,), None)
    assert metrics is not None
    server_metrics(json.loads(to_json(metrics)))
    assert "disks" not in metrics


def test_a_row_keeps_unknown_memory_null() -> None:
    row = plan(("cpu.percent",)).row("web-1", "Web 1", "2026-01-31T12:00:00.000Z", (1.0,), None)
    assert row is not None
    assert row["memory_used"] is None
    assert row["temp_avg"] is None
    assert row["cpu_avg"] == 1.0


def test_names_with_brackets_and_dots_inside_find_their_instance() -> None:
    metrics = made({"disk[/srv/a.b].percent": 7.0})
    assert metrics is not None
    assert metrics["disks"][1] == {"name": "/srv/a.b", "total": None, "used": None, "free": None, "percent": 7.0}


def test_a_file_system_of_which_only_its_faults_are_told_is_none_of_the_disks() -> None:
    metrics = made({"disk[/boot].errors": 0.0, "disk[/boot].read_only": 0.0, "disk[/].errors": 2.0})
    assert metrics is not None
    assert [disk["name"] for disk in metrics["disks"]] == ["/"]
