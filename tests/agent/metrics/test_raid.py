"""How whole arrays are, in a made-up /sys."""

from __future__ import annotations

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
