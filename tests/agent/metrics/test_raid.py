"""How whole arrays are, in a made-up /sys."""

from __future__ import annotations

import os
from pathlib import Path

from agent.metrics.raid import Raid, synced
from agent.readings import Ground


def array(root: Path, name: str, **files: str) -> None:
    folder = root / "block" / name / "md"
    folder.mkdir(parents=True)
    for file, text in files.items():
        (folder / file).write_text(f"{text}\n")


def test_each_array_that_can_lose_a_disk_is_told_by_name(tmp_path: Path) -> None:
    array(tmp_path, "md1", degraded="1", sync_completed="250 / 1000")
    array(tmp_path, "md0", degraded="0", sync_completed="none")
    array(tmp_path, "md2", array_state="clean")  # a striped one
    (tmp_path / "block" / "sda").mkdir()
    readings = Raid(Ground(sys=str(tmp_path))).read()
    assert readings == {
        "raid[md0].missing": 0.0,
        "raid[md0].sync_percent": None,
        "raid[md1].missing": 1.0,
        "raid[md1].sync_percent": 25.0,
    }
    assert list(readings) == sorted(readings)


def test_an_array_that_is_being_stopped_is_left_out(tmp_path: Path) -> None:
    array(tmp_path, "md0", degraded="1")
    assert Raid(Ground(sys=str(tmp_path))).read() == {}


def test_a_host_without_disks_tells_none(tmp_path: Path) -> None:
    assert Raid(Ground(sys=str(tmp_path))).read() == {}


def test_how_far_a_rebuild_has_come() -> None:
    assert [synced(text) for text in ("0 / 8", "8 / 8\n", "none", "delayed")] == [0.0, 100.0, None, None]


def btrfs(root: Path, uuid: str, label: str, *missing: int) -> None:
    folder = root / "fs/btrfs" / uuid
    for number, one in enumerate(missing, 1):
        (folder / "devinfo" / str(number)).mkdir(parents=True)
        (folder / "devinfo" / str(number) / "missing").write_text(f"{one}\n")
    (folder / "label").write_bytes(os.fsencode(f"{label}\n"))


def test_a_btrfs_of_several_disks_is_told_by_its_label(tmp_path: Path) -> None:
    btrfs(tmp_path, "0b32", "data", 0, 1, 0)
    btrfs(tmp_path, "1c43", "", 0, 0)
    btrfs(tmp_path, "2d54", "alone", 0)
    (tmp_path / "fs/btrfs/features").mkdir()
    readings = Raid(Ground(sys=str(tmp_path))).read()
    assert readings == {"raid[data].missing": 1.0, "raid[1c43].missing": 0.0}


def test_a_label_that_is_no_text_or_stands_twice_hides_no_array(tmp_path: Path) -> None:
    btrfs(tmp_path, "0b32", "data", 0, 1)
    btrfs(tmp_path, "1c43", "data", 0, 0)
    btrfs(tmp_path, "2d54", "b\udcfcro", 0, 1)
    readings = Raid(Ground(sys=str(tmp_path))).read()
    assert readings == {"raid[data].missing": 1.0, "raid[b?ro].missing": 1.0}


def test_a_pool_of_zfs_is_whole_or_not(tmp_path: Path) -> None:
    pools = tmp_path / "spl/kstat/zfs"
    for name, state in (("tank", "DEGRADED"), ("backup", "ONLINE"), ("lost", "SUSPENDED")):
        (pools / name).mkdir(parents=True)
        (pools / name / "state").write_text(f"{state}\n")
    (pools / "arcstats").write_text("hits 4 1\n")
    readings = Raid(Ground(proc=str(tmp_path), sys=str(tmp_path))).read()
    assert readings == {"raid[backup].missing": 0.0, "raid[lost].missing": 1.0, "raid[tank].missing": 1.0}
