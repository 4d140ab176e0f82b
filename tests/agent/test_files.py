"""Files that are kept open."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.files import LINE, Kept, there_is


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


@pytest.mark.parametrize("size", [0, 1, 3072, 3073, 4095, 4096, 4097, 300_000])
def test_a_table_of_short_lines_is_read_whole_at_each_reading(tmp_path: Path, size: int) -> None:
    path = tmp_path / "stat"
    text = (b"cpu 1 2 3\n" * (size // 10 + 1))[:size]
    path.write_bytes(text)
    kept = Kept(str(path), LINE)
    assert [kept.read(), kept.read()] == [text, text]
    path.write_bytes(text * 2)
    assert kept.read() == text * 2
    path.write_bytes(b"short")
    assert kept.read() == b"short"


@pytest.mark.parametrize("name", ["stat", "diskstats", "meminfo", "net/dev", "zoneinfo", "vmstat", "interrupts"])
def test_of_the_kernels_tables_no_line_is_missing(name: str) -> None:
    plain, kept = Path(f"/proc/{name}"), Kept(f"/proc/{name}", LINE)
    # A device that comes or goes meanwhile is no fault of the reader.
    for _ in range(20):
        looks = [read().count(b"\n") for read in (plain.read_bytes, kept.read, kept.read, plain.read_bytes)]
        if looks[0] == looks[-1]:
            break
    assert looks == looks[:1] * 4


def test_the_kernels_files_are_read_whole() -> None:
    assert Kept("/proc/zoneinfo").read().endswith(b"\n")
    assert Kept("/proc/zoneinfo").read().count(b"\n") == Path("/proc/zoneinfo").read_bytes().count(b"\n")


def test_a_folder_is_looked_into_for_names_that_begin_so(tmp_path: Path) -> None:
    assert not there_is(str(tmp_path / "gone"), "hwmon")
    assert not there_is(str(tmp_path), "hwmon")
    (tmp_path / "hwmon0").mkdir()
    assert there_is(str(tmp_path), "hwmon")
    assert not there_is(str(tmp_path), "thermal_zone")


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Kept(str(tmp_path / "gone"))
