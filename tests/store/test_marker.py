"""What a batch is about outlives the process; what cannot be stored is kept aside, bounded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.marker import Marker, Quarantine


def test_a_marker_is_found_after_a_death_also_when_an_earlier_one_was_longer(tmp_path: Path) -> None:
    dead = Marker(tmp_path / "under-way")
    dead.write(b"a long batch")
    dead.write(b"short")

    assert Marker(tmp_path / "under-way").found == b"short"


def test_a_clean_end_leaves_none(tmp_path: Path) -> None:
    first = Marker(tmp_path / "under-way")
    first.write(b"a batch")
    first.close()

    assert Marker(tmp_path / "under-way").found == b""


def test_the_quarantine_keeps_what_came_and_lets_the_oldest_go(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "quarantine", files=3)
    for number in range(1, 6):
        quarantine.keep("web-1", 7, number, b"poison")
    files = sorted(tmp_path.glob("quarantine/*"))

    assert len(files) == 3
    assert (files[-1].name, files[-1].read_bytes()) == ("web-1-0000000000000007-5.record", b"poison")


def test_the_quarantine_is_bounded_in_bytes_too(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "quarantine", size=25)
    for number in range(1, 6):
        quarantine.keep("web-1", 7, number, b"0123456789")

    assert len(list(tmp_path.glob("quarantine/*"))) == 2


def test_what_an_earlier_process_put_aside_makes_room_first(tmp_path: Path) -> None:
    folder = tmp_path / "quarantine"
    before = Quarantine(folder, files=3)
    for number in (5, 4):
        before.keep("web-1", 7, number, b"poison")
        os.utime(folder / f"web-1-{7:016x}-{number}.record", (10 - number, 10 - number))
    (folder / "read me").write_bytes(b"an operator's")
    after = Quarantine(folder, files=3)
    for number in (6, 7):
        after.keep("web-1", 7, number, b"poison")

    assert sorted(file.name[-8] for file in folder.glob("*.record")) == ["4", "6", "7"]
    assert (folder / "read me").exists()


def test_one_record_twice_is_one_file_and_a_folder_that_is_taken_away_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "quarantine"
    quarantine = Quarantine(folder, size=25)
    for _ in range(5):
        quarantine.keep("web-1", 7, 1, b"0123456789")
    quarantine.keep("web-1", 7, 2, b"0123456789")
    assert len(list(folder.iterdir())) == 2
    shutil.rmtree(folder)
    for number in (3, 4):
        quarantine.keep("web-1", 7, number, b"0123456789")
    assert [file.name for file in folder.iterdir()] == ["web-1-0000000000000007-4.record"]


def test_a_flood_does_not_list_the_folder_for_each_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    def counted(folder: Path) -> Iterator[os.DirEntry[str]]:
        nonlocal looks
        looks += 1
        return scandir(folder)

    scandir = os.scandir
    monkeypatch.setattr("store.marker.os.scandir", counted)
    quarantine = Quarantine(tmp_path / "quarantine", files=10)
    for number in range(100):
        quarantine.keep("web-1", 7, number, b"poison")
    assert looks == 1
