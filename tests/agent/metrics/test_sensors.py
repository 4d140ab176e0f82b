"""Temperatures, fans and clocks as readings."""

from __future__ import annotations

import shutil
from pathlib import Path

from agent.metrics.fan import Fan
from agent.metrics.frequency import Frequency
from agent.metrics.frequency import told as clocks
from agent.metrics.temperature import Temperature, told
from agent.readings import Ground


def chip(root: Path, number: int, name: str, device: str, **files: str) -> Path:
    """A chip as /sys has it: a folder of the device, with such files, and a link to it in the class."""
    folder = root / "devices" / device / "hwmon" / f"hwmon{number}"
    folder.mkdir(parents=True)
    for file, text in {"name": name, **files}.items():
        (folder / file).write_text(f"{text}\n")
    link = root / "class/hwmon" / f"hwmon{number}"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(folder)
    return folder


def gone(root: Path, number: int) -> None:
    """The chip was pulled."""
    link = root / "class/hwmon" / f"hwmon{number}"
    shutil.rmtree(link.resolve())
    link.unlink()


def test_a_sensor_is_chip_and_label(tmp_path: Path) -> None:
    chip(tmp_path, 0, "coretemp", "platform/coretemp.0", temp1_input="48000", temp1_label="Package id 0", temp1_max="1")
    chip(tmp_path, 1, "it87", "platform/it87", temp1_input="45500", fan2_input="1200", fan2_label="CPU", fan3_input="0")
    ground = Ground(sys=str(tmp_path))
    assert Temperature(ground).read() == {
        "temperature[coretemp/Package id 0].celsius": 48.0,
        "temperature[it87/1].celsius": 45.5,
    }
    assert Fan(ground).read() == {"fan[it87/CPU].rpm": 1200.0, "fan[it87/2].rpm": 0.0}


def test_sensors_without_a_label_or_with_one_twice_are_numbered(tmp_path: Path) -> None:
    chip(tmp_path, 0, "nvme", "pci/a", temp1_input="1000")
    chip(tmp_path, 1, "nvme", "pci/b", temp1_input="2000", temp1_label="Composite")
    chip(tmp_path, 10, "nvme", "pci/d", temp1_input="3000", temp1_label="Composite")
    chip(tmp_path, 2, "nvme", "pci/c", temp1_input="4000")
    names = ["nvme/1", "nvme/Composite", "nvme/Composite 3", "nvme/4"]
    read = Temperature(Ground(sys=str(tmp_path))).read()
    assert read == {f"temperature[{name}].celsius": float(n) for n, name in enumerate(names, 1)}


def test_who_has_a_name_keeps_it_when_others_come_go_or_say_nothing(tmp_path: Path) -> None:
    # given two disks without labels
    first = chip(tmp_path, 3, "drivetemp", "ata1", temp1_input="31000")
    chip(tmp_path, 4, "drivetemp", "ata2", temp1_input="32000")
    metric = Temperature(Ground(sys=str(tmp_path)))
    one, two, three = (f"temperature[drivetemp/{number}].celsius" for number in (1, 2, 3))
    assert metric.read() == {one: 31.0, two: 32.0}
    # when the first says nothing, is pulled, and another one comes before the second, under a number of before
    (first / "temp1_input").write_text("")
    assert metric.read() == {one: None, two: 32.0}
    gone(tmp_path, 3)
    assert metric.read() == {two: 32.0}
    chip(tmp_path, 3, "drivetemp", "ata0", temp1_input="30000")
    assert metric.read() == {two: 32.0, three: 30.0}
    # then the first one is known where it was, whatever its number is
    chip(tmp_path, 9, "drivetemp", "ata1", temp1_input="33000")
    assert metric.read() == {one: 33.0, two: 32.0, three: 30.0}


def test_a_sensor_that_never_answered_has_no_name_and_takes_none(tmp_path: Path) -> None:
    chip(tmp_path, 0, "nct", "isa", temp1_input="", temp2_input="20000", temp3_label="no input")
    assert Temperature(Ground(sys=str(tmp_path))).read() == {"temperature[nct/1].celsius": 20.0}


def test_two_chips_of_one_name_on_one_device_are_two(tmp_path: Path) -> None:
    chip(tmp_path, 0, "gpu", "pci/a", temp1_input="1000")
    chip(tmp_path, 1, "gpu", "pci/a", temp1_input="2000")
    assert list(Temperature(Ground(sys=str(tmp_path))).read().values()) == [1.0, 2.0]


def test_old_drivers_have_their_sensors_a_folder_deeper(tmp_path: Path) -> None:
    device = tmp_path / "class/hwmon/hwmon0/device"
    device.mkdir(parents=True)
    for file, text in {"name": "w83", "temp1_input": "21000", "fan1_input": "900"}.items():
        (device / file).write_text(text)
    ground = Ground(sys=str(tmp_path))
    assert Temperature(ground).read() == {"temperature[w83/1].celsius": 21.0}
    assert Fan(ground).read() == {"fan[w83/1].rpm": 900.0}


def test_without_chips_the_zones_of_the_firmware_are_told(tmp_path: Path) -> None:
    for number, text in ((0, "27800"), (1, "29800"), (2, "")):
        zone = tmp_path / f"class/thermal/thermal_zone{number}"
        zone.mkdir(parents=True)
        (zone / "type").write_text("acpitz\n")
        (zone / "temp").write_text(text)
    read = Temperature(Ground(sys=str(tmp_path))).read()
    assert read == {"temperature[acpitz/1].celsius": 27.8, "temperature[acpitz/2].celsius": 29.8}


def test_a_sensor_that_is_not_connected_has_no_value_and_never_a_zero() -> None:
    assert told([("chip/a", -128_000), ("chip/b", 65_261_000), ("chip/c", None)]) == {
        "temperature[chip/a].celsius": None,
        "temperature[chip/b].celsius": None,
        "temperature[chip/c].celsius": None,
    }


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
