"""Memory with ECC, batteries, graphics processors and bonds, in a made-up /sys."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.metrics.battery import Battery
from agent.metrics.bond import Bond
from agent.metrics.ecc import Ecc
from agent.metrics.gpu import Gpu
from agent.readings import Ground


def folder(path: Path, **files: object) -> None:
    path.mkdir(parents=True)
    for name, content in files.items():
        (path / name).write_text(f"{content}\n")


def battery(root: Path, name: str, **files: object) -> None:
    folder(root / "class/power_supply" / name, **files)


def card(root: Path, name: str, awake: str = "active", **files: object) -> Path:
    device = root / "class/drm" / name / "device"
    folder(device, **files)
    folder(device / "power", runtime_status=awake)
    return device


@pytest.mark.parametrize("kind", [Ecc, Battery, Gpu, Bond])
def test_a_host_without_any_tells_none(kind: type[Ecc | Battery | Gpu | Bond], tmp_path: Path) -> None:
    assert kind(Ground(sys=str(tmp_path))).read() == {}


def test_each_memory_controller_tells_both_of_its_counts(tmp_path: Path) -> None:
    controllers = tmp_path / "devices/system/edac/mc"
    folder(controllers / "mc1", ce_count=12, ue_count=0)
    folder(controllers / "mc0", ce_count=0, ue_count=1)
    folder(controllers / "power")
    folder(controllers / "mc2", ce_count=3)  # it is being taken out
    readings = Ecc(Ground(sys=str(tmp_path))).read()
    assert readings == {
        "ecc[mc0].corrected_errors": 0.0,
        "ecc[mc0].uncorrected_errors": 1.0,
        "ecc[mc1].corrected_errors": 12.0,
        "ecc[mc1].uncorrected_errors": 0.0,
    }
    assert list(readings) == sorted(readings)


def test_a_battery_tells_what_is_left_and_whether_it_is_used(tmp_path: Path) -> None:
    battery(tmp_path, "BAT0", type="Battery", status="Discharging", capacity=41)
    battery(tmp_path, "BAT1", type="Battery", status="Not charging", capacity=80, scope="System")
    battery(tmp_path, "ups", type="UPS", status="Full", capacity=100)
    assert Battery(Ground(sys=str(tmp_path))).read() == {
        "battery[BAT0].percent": 41.0,
        "battery[BAT0].discharging": 1.0,
        "battery[BAT1].percent": 80.0,
        "battery[BAT1].discharging": 0.0,
        "battery[ups].percent": 100.0,
        "battery[ups].discharging": 0.0,
    }


def test_mains_and_the_battery_of_a_mouse_are_no_batteries_of_the_host(tmp_path: Path) -> None:
    battery(tmp_path, "AC", type="Mains", online=1)
    battery(tmp_path, "hidpp_battery_0", type="Battery", scope="Device", status="Discharging", capacity=3)
    battery(tmp_path, "BAT0", type="Battery", status="Unknown")  # it does not know how much is left
    assert Battery(Ground(sys=str(tmp_path))).read() == {}


def test_a_card_tells_how_busy_it_is_and_its_memory(tmp_path: Path) -> None:
    card(tmp_path, "card0", gpu_busy_percent=37, mem_info_vram_used=2 << 30, mem_info_vram_total=8 << 30)
    card(tmp_path, "card1", gpu_busy_percent=0, mem_info_vram_used=0, mem_info_vram_total=0)
    card(tmp_path, "card2", vendor="0x10de")  # another driver's
    card(tmp_path, "card0-DP-1", gpu_busy_percent=1, mem_info_vram_used=1, mem_info_vram_total=1)
    assert Gpu(Ground(sys=str(tmp_path))).read() == {
        "gpu[card0].percent": 37.0,
        "gpu[card0].memory_bytes": float(2 << 30),
        "gpu[card0].memory_percent": 25.0,
        "gpu[card1].percent": 0.0,
        "gpu[card1].memory_bytes": 0.0,
        "gpu[card1].memory_percent": None,
    }


def test_a_card_that_sleeps_is_not_asked_and_keeps_its_names(tmp_path: Path) -> None:
    device = card(tmp_path, "card0", awake="suspended", mem_info_vram_total=1)
    readings = Gpu(Ground(sys=str(tmp_path))).read()
    assert not (device / "gpu_busy_percent").exists()
    assert readings == {"gpu[card0].percent": None, "gpu[card0].memory_bytes": None, "gpu[card0].memory_percent": None}


def test_a_bond_lacks_what_has_no_link(tmp_path: Path) -> None:
    net = tmp_path / "class/net"
    folder(net / "bond0/bonding", slaves="eth0 eth1 eth2")
    folder(net / "bond1/bonding", slaves="")
    folder(net / "lo")
    for name, status in (("eth0", "up"), ("eth1", "down"), ("eth2", "up")):
        folder(net / name / "bonding_slave", mii_status=status)
    assert Bond(Ground(sys=str(tmp_path))).read() == {"bond[bond0].missing": 1.0}


def test_a_bond_that_is_taken_apart_is_left_out(tmp_path: Path) -> None:
    folder(tmp_path / "class/net/bond0/bonding", slaves="eth0 eth1")
    folder(tmp_path / "class/net/eth0/bonding_slave", mii_status="up")
    assert Bond(Ground(sys=str(tmp_path))).read() == {}
