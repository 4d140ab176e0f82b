"""Temperatures, fans and clocks as readings."""

from __future__ import annotations

from agent.metrics.frequency import told as clocks
from agent.metrics.temperature import labelled, told


def test_a_sensor_is_chip_and_label() -> None:
    assert told({"coretemp": [("Package id 0", 48.0), ("Core 0", 45.0)]}) == {
        "temperature[coretemp/Package id 0].celsius": 48.0,
        "temperature[coretemp/Core 0].celsius": 45.0,
    }


def test_sensors_without_a_label_or_with_one_twice_are_numbered() -> None:
    names = [name for name, _ in labelled({"nvme": [("", 1.0), ("Composite", 2.0), ("Composite", 3.0)]})]
    assert names == ["nvme/1", "nvme/Composite", "nvme/Composite 3"]


def test_a_sensor_that_is_not_connected_has_no_value_and_never_a_zero() -> None:
    assert told({"chip": [("a", -128.0), ("b", 65_261.0), ("c", None)]}) == {
        "temperature[chip/a].celsius": None,
        "temperature[chip/b].celsius": None,
        "temperature[chip/c].celsius": None,
    }


def test_a_machine_without_sensors_tells_none() -> None:
    assert told({}) == {}


def test_clocks_of_cores_and_their_mean() -> None:
    assert clocks([2000.0, 3000.0]) == {"cpu.mhz": 2500.0, "cpu[0].mhz": 2000.0, "cpu[1].mhz": 3000.0}


def test_a_clock_of_zero_is_not_known() -> None:
    assert clocks([0.0, 0.0]) == {}
    assert clocks([0.0, 3000.0])["cpu[0].mhz"] is None
