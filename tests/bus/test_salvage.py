"""A damaged memory keeps no program from starting, and loses no more than the damage took."""

from __future__ import annotations

import logging
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

import lmdb
import pytest

from bus import salvage
from bus.mapped import room_for
from tests.bus.killing import kill_child

LOG = logging.getLogger("test")
TABLES = ("alarms", "silences")
ROWS = 400
PAGE = 4096
ROOT = Path(__file__).parents[2]


def filled(path: Path) -> Path:
    """A memory with many rows in the first table, and one in the second."""
    path.mkdir()
    with lmdb.open(str(path), max_dbs=4, map_size=1 << 30) as env:
        tables = [env.open_db(name.encode()) for name in TABLES]
        with env.begin(write=True) as txn:
            for number in range(ROWS):
                body = b"%06d" % number * 40
                txn.put(b"%06d" % number, crc32(body).to_bytes(4, "big") + body, db=tables[0])
            txn.put(b"one", crc32(b"x").to_bytes(4, "big") + b"x", db=tables[1])
    (path / "lock.mdb").unlink()
    return path


def rows(path: Path) -> list[int]:
    """How many rows each table has."""
    with lmdb.open(str(path), max_dbs=4, map_size=1 << 30) as env:
        tables = [env.open_db(name.encode()) for name in TABLES]
        with env.begin() as txn:
            return [sum(1 for _ in txn.cursor(table)) for table in tables]


def leaf(path: Path) -> int:
    """Where a page with rows of the middle begins."""
    data = (path / "data.mdb").read_bytes()
    return data.index(b"%06d" % (ROWS // 2) * 40) // PAGE * PAGE


def rubbish(path: Path) -> None:
    """A page of rows is none any more."""
    with (path / "data.mdb").open("r+b") as file:
        file.seek(leaf(path))
        file.write(b"\xa5" * PAGE)


def cut(path: Path) -> None:
    """The file ends in its middle: whoever reads on is killed."""
    os.truncate(path / "data.mdb", leaf(path))


def headless(path: Path) -> None:
    """It is no database at all."""
    (path / "data.mdb").write_bytes(b"\xa5" * 9 * PAGE)


def folder(path: Path) -> None:
    """In the file's place is a folder."""
    (path / "data.mdb").unlink()
    (path / "data.mdb").mkdir()


def no_folder(path: Path) -> None:
    """In the folder's place is a file."""
    shutil.rmtree(path)
    path.write_bytes(b"")


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """No file may become larger, as on a disk without room."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_who_ends_a_look_at_a_memory_says_nothing_about_it(tmp_path: Path) -> None:
    path = filled(tmp_path / "alerter")
    salvage.opening(path, TABLES, LOG)  # a life that does not end as it should

    with ThreadPoolExecutor(1) as apart:
        opening = apart.submit(salvage.opening, path, TABLES, LOG)
        kill_child("bus.salvage", opening)
        assert opening.result(20) == "", "nothing was put aside"
    assert rows(path) == [ROWS, 1]


def test_a_look_that_cannot_begin_says_nothing_about_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = filled(tmp_path / "alerter")
    salvage.opening(path, TABLES, LOG)  # a life that does not end as it should
    monkeypatch.setenv("PYTHONHOME", "/nowhere")

    assert salvage.opening(path, TABLES, LOG) == "", "nothing was put aside"
    assert rows(path) == [ROWS, 1]


@pytest.mark.parametrize(
    ("damage", "least", "other"),
    [(rubbish, ROWS - 50, 1), (cut, 0, 0), (headless, 0, 0), (folder, 0, 0), (no_folder, 0, 0)],
)
def test_what_can_be_read_of_a_damaged_memory_is_kept(
    tmp_path: Path, damage: Callable[[Path], None], least: int, other: int
) -> None:
    path = filled(tmp_path / "alerter")
    salvage.opening(path, TABLES, LOG)  # a life that does not end as it should
    damage(path)

    note = salvage.opening(path, TABLES, LOG)
    assert "put aside as alerter.bad-" in note
    found = rows(path)
    assert least <= found[0] < ROWS
    assert found[1] >= other
    assert f"; {sum(found)} rows" in note
    assert len(list(tmp_path.glob("alerter.bad-*"))) == 1
    salvage.closing(path, broken=False)
    assert salvage.opening(path, TABLES, LOG) == ""


def test_it_is_said_where_a_damaged_memory_is_though_the_clock_was_set_back(tmp_path: Path) -> None:
    path = filled(tmp_path / "alerter")
    for year in ("2100", "2101"):
        (tmp_path / f"alerter.bad-41{year}0000").mkdir()
    salvage.opening(path, TABLES, LOG)  # a life that does not end as it should
    headless(path)
    note = salvage.opening(path, TABLES, LOG)

    (aside,) = tmp_path.glob("alerter.bad-1*")
    assert f"put aside as {aside.name};" in note
    assert (aside / "data.mdb").exists()


def test_a_memory_that_was_killed_in_its_life_is_sound(tmp_path: Path) -> None:
    path = filled(tmp_path / "alerter")
    for _ in range(2):
        assert salvage.opening(path, TABLES, LOG) == ""
    assert rows(path) == [ROWS, 1]
    assert not list(tmp_path.glob("*.bad-*"))


def test_a_look_that_takes_too_long_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = filled(tmp_path / "alerter")
    salvage.opening(path, TABLES, LOG)
    monkeypatch.setattr(salvage, "SECONDS", 0.001)
    assert salvage.opening(path, TABLES, LOG) == ""
    assert rows(path) == [ROWS, 1]
    assert not list(tmp_path.glob("*.bad-*"))


def test_a_memory_that_was_found_broken_is_made_anew_with_all_its_rows(tmp_path: Path) -> None:
    path = filled(tmp_path / "alerter")
    salvage.opening(path, TABLES, LOG)
    salvage.closing(path, broken=True)
    assert "401 rows" in salvage.opening(path, TABLES, LOG)
    assert rows(path) == [ROWS, 1]


def test_a_row_whose_checksum_does_not_hold_is_left_out(tmp_path: Path) -> None:
    path = filled(tmp_path / "alerter")
    with (path / "data.mdb").open("r+b") as file:
        file.seek(leaf(path) + PAGE - 1)
        last = file.read(1)[0]
        file.seek(leaf(path) + PAGE - 1)
        file.write(bytes([last ^ 1]))
    salvage.closing(path, broken=True)
    assert "400 rows" in salvage.opening(path, TABLES, LOG)


def test_where_there_is_no_room_nothing_is_lost(tmp_path: Path) -> None:
    path = filled(tmp_path / "alerter")
    salvage.closing(path, broken=True)
    before = (path / "data.mdb").read_bytes()
    with at_most(16 * PAGE), pytest.raises(OSError, match=r"large|error|space"):
        salvage.opening(path, TABLES, LOG)
    assert {one.name for one in tmp_path.iterdir()} == {"alerter", "alerter.open"}
    assert (path / "data.mdb").read_bytes() == before
    assert "401 rows" in salvage.opening(path, TABLES, LOG)


def test_whenever_it_is_killed_nothing_is_lost(tmp_path: Path) -> None:
    path = filled(tmp_path / "alerter")
    salvage.closing(path, broken=True)
    code = f"import logging; from bus import salvage; salvage.opening(P, {TABLES}, logging.getLogger())"
    command = [sys.executable, "-c", f"from pathlib import Path; P = Path({str(path)!r}); {code}"]
    for count in range(60):
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as life:
            try:
                life.wait(0.1 * 1.2**count)
            except subprocess.TimeoutExpired:
                life.kill()
        if life.returncode == 0:
            break
    assert count > 1, "it was killed in its work"
    assert rows(path) == [ROWS, 1]
    assert salvage.opening(path, TABLES, LOG), "what was done is told until a life ends as it should"
    salvage.closing(path, broken=False)
    assert {one.name for one in tmp_path.iterdir() if ".bad-" not in one.name} == {"alerter"}


@pytest.mark.parametrize("in_place", [True, False])
def test_a_copy_that_was_whole_when_it_was_killed_takes_the_place(tmp_path: Path, in_place: bool) -> None:
    path = filled(tmp_path / "alerter")
    salvage.opening(path, TABLES, LOG)
    shutil.copytree(path, tmp_path / "alerter.salvaged")
    path.rename(tmp_path / ("alerter" if in_place else "alerter.bad-17"))
    assert "401 rows" in salvage.opening(path, TABLES, LOG)
    assert rows(path) == [ROWS, 1]


def test_a_copy_that_was_not_whole_when_it_was_killed_is_begun_anew(tmp_path: Path) -> None:
    path = filled(tmp_path / "alerter")
    shutil.copytree(path, tmp_path / "alerter.salvaging")
    cut(tmp_path / "alerter.salvaging")
    salvage.closing(path, broken=True)
    assert "401 rows" in salvage.opening(path, TABLES, LOG)


def test_a_memory_whose_making_failed_is_made_and_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "alerter"
    assert salvage.opening(path, TABLES, LOG) == ""
    path.mkdir()
    with at_most(PAGE), pytest.raises(OSError, match="too large"), room_for(path):
        lmdb.open(str(path))

    assert salvage.opening(path, TABLES, LOG) == ""
    assert not list(tmp_path.glob("alerter.bad*"))


def test_what_is_not_there_yet_is_nothing_to_look_into(tmp_path: Path) -> None:
    assert salvage.opening(tmp_path / "alerter", TABLES, LOG) == ""
