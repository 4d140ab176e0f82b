"""Files that are kept open."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.files import Kept


def test_each_reading_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "loadavg"
    path.write_text("1 2 3")
    kept = Kept(str(path))
    assert kept.read() == b"1 2 3"
    path.write_text("4")
    assert kept.read() == b"4"


def test_a_long_table_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "stat"
    path.write_bytes(b"x" * 300_000)
    assert len(Kept(str(path)).read()) == 300_000


def test_the_kernels_files_are_read_whole() -> None:
    assert Kept("/proc/zoneinfo").read().endswith(b"\n")
    assert Kept("/proc/zoneinfo").read().count(b"\n") == Path("/proc/zoneinfo").read_bytes().count(b"\n")


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Kept(str(tmp_path / "gone"))
