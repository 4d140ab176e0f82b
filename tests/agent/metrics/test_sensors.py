"""Temperatures, fans and clocks as readings."""

from __future__ import annotations

from pathlib import Path

from agent.metrics.fan import Fan
from agent.metrics.frequency import Frequency
from agent.metrics.frequency import told as clocks
from agent.metrics.temperature import Temperature, labelled, told
from agent.readings import Ground


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
    assert clocks({0: 2000.0, 1: 3000.0}) == {"cpu.mhz": 2500.0, "cpu[0].mhz": 2000.0, "cpu[1].mhz": 3000.0}


def test_a_clock_of_zero_is_not_known() -> None:
    assert clocks({0: 0.0, 1: 0.0}) == {}
    assert clocks({0: 0.0, 1: 3000.0})["cpu[0].mhz"] is None


def test_clocks_come_from_the_governor_in_the_order_of_the_cores(tmp_path: Path) -> None:
    for core, khz in ((0, "2000000"), (2, "<unknown>"), (10, "3000000")):
        folder = tmp_path / f"devices/system/cpu/cpu{core}/cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_cur_freq").write_text(f"{khz}\n")

    read = Frequency(Ground(sys=str(tmp_path))).read()

    assert read == {"cpu.mhz": 2500.0, "cpu[0].mhz": 2000.0, "cpu[2].mhz": None, "cpu[10].mhz": 3000.0}


def test_without_a_governor_clocks_come_from_the_processors_table(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\ncpu MHz\t\t: 2400.5\n\nprocessor\t: 1\ncpu MHz\t\t: 2399.5\n")

    read = Frequency(Ground(proc=str(tmp_path), sys=str(tmp_path / "none"))).read()

    assert read == {"cpu.mhz": 2400.0, "cpu[0].mhz": 2400.5, "cpu[1].mhz": 2399.5}


def test_a_core_that_was_taken_offline_has_no_clock_and_the_others_theirs(tmp_path: Path) -> None:
    for core in (0, 1):
        (tmp_path / f"devices/system/cpu/cpu{core}/cpufreq").mkdir(parents=True)
    (tmp_path / "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq").write_text("2000000\n")
    # Reading a folder fails, as reading the file of a core that is offline does.
    (tmp_path / "devices/system/cpu/cpu1/cpufreq/scaling_cur_freq").mkdir()

    assert Frequency(Ground(sys=str(tmp_path))).read() == {"cpu.mhz": 2000.0, "cpu[0].mhz": 2000.0, "cpu[1].mhz": None}

    (tmp_path / "cpuinfo").write_text("processor\t: 0\ncpu MHz\t\t: 2400.5\n\nprocessor\t: 3\ncpu MHz\t\t: 2399.5\n")
    read = Frequency(Ground(proc=str(tmp_path), sys=str(tmp_path / "none"))).read()
    assert read == {"cpu.mhz": 2400.0, "cpu[0].mhz": 2400.5, "cpu[3].mhz": 2399.5}


def test_a_host_without_the_folders_of_sensors_has_none(tmp_path: Path) -> None:
    ground = Ground(sys=str(tmp_path))
    assert Temperature(ground).read() == {}
    assert Fan(ground).read() == {}
