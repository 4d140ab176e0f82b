"""A byte that turned over anywhere in a store is found and named, and costs no more than the block in which it is.

Some places each run; many with ``GUARDIA_LONG``. Of files of rows there are bytes that say nothing, as the free room of
a page: they may change unseen, for nothing is read otherwise then.
"""

from __future__ import annotations

import logging
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.archive.files import Archive
from store.archive.mark import OURS
from store.backends.lmdb import LmdbBackend
from store.blocks.roll import ROLL
from store.care.verifying import Report, verified
from store.keys import FAR
from store.rows import Row
from store.sealer import Pace, Sealer
from tests.powercut.sealing import Within
from tests.store.given import DAY, HOUR, MINUTE, NOON, batch, check, layout, sample

LONG = "GUARDIA_LONG" in os.environ
PLACES = 1000 if LONG else 60
START = NOON - 12 * HOUR
HOSTS = ("web-1", "web-2", "db-1")
SUBJECTS = (*(("sample", host) for host in HOSTS), ("check", "shop"))
HELD = {"archive": 0, "blocks": 30 * HOUR, "rows": 54 * HOUR}
"""What is where, and how long after the start it begins."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store: a day in the archive, one in blocks with rollups, some hours in rows."""
    path = tmp_path_factory.mktemp("whole") / "store"
    backend = LmdbBackend(path, write=True, archive=path.with_name("archive"))

    def told(where: str) -> None:
        times = [START + HELD[where] + n * MINUTE for n in range(90)]
        records = [sample(n + 1, host=host, at=at, cpu=n % 17 / 10) for n, at in enumerate(times) for host in HOSTS]
        backend.commit(batch([layout(), *records, check(1, at=times[0])]), NOON)

    told("archive")
    told("blocks")
    archive = Archive(path.with_name("archive"), backend.damaged.append, path / "blocks" / OURS)
    log, pace = logging.getLogger("sealer"), Pace(quiet=-(2**62), keep={"1m": 400 * DAY, "5m": 400 * DAY})
    sealer = Sealer(path, backend.partitions, backend.layouts, pace, log, archive=archive)
    assert sealer.mover is not None
    sealer.mover.after = DAY + 12 * HOUR
    for _ in range(2):
        while sealer.turn(START + 3 * DAY):
            pass
        while backend._past.sealed.unlink(2**62, backend._note_sealed):
            pass
    told("rows")
    sealer.close()
    backend.close()
    return path


@pytest.fixture
def store(whole: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    shutil.copytree(whole.parent, tmp_path / "copy")
    return tmp_path / "copy" / "store"


def held(store: Path) -> dict[tuple[str, str], list[Row]]:
    """All that is answered."""
    backend = LmdbBackend(store, write=False, archive=store.with_name("archive"))
    try:
        return {(kind, subject): backend.rows(kind, subject, 0, FAR) for kind, subject in SUBJECTS}
    finally:
        backend.close()


def look(store: Path, *, apart: bool) -> Report:
    """What ``verify`` says; ``apart``: it may die of what it reads."""
    return verified(store, archive=store.with_name("archive"), apart=None if apart else Within(store))


def flips(files: list[Path], count: int) -> Iterator[tuple[Path, int]]:
    """One place after the other is damaged, and mended again."""
    chance = random.Random(3)
    for _ in range(count):
        file = chance.choices(files, [path.stat().st_size for path in files])[0]
        sound = file.read_bytes()
        place = chance.randrange(len(sound))
        data = bytearray(sound)
        data[place] ^= 1 << chance.randrange(8)
        file.with_name("fresh").write_bytes(data)
        file.with_name("fresh").rename(file)
        yield file, place
        file.with_name("fresh").write_bytes(sound)
        file.with_name("fresh").rename(file)


def test_the_store_is_sound_and_has_something_everywhere(store: Path) -> None:
    report = look(store, apart=False)
    assert (report.faults, report.missing) == ([], {})
    assert report.records["sample"] == report.sealed["sample"] == report.archived["sample"] == 90 * len(HOSTS)


@pytest.mark.timeout(1800 if LONG else 600)
def test_in_a_file_of_blocks_each_byte_is_found_and_costs_one_block(store: Path) -> None:
    before = held(store)
    costs = 0
    for file, place in flips([path for path in store.glob("blocks/*/*/*") if path.is_file()], PLACES):
        where = file.relative_to(store).as_posix()
        report = look(store, apart=False)
        assert {fault.file for fault in report.faults} == {where}, f"{where} at {place}"
        after = held(store)
        lost = {whose: set(before[whose]) - set(rows) for whose, rows in after.items()}
        lost = {whose: rows for whose, rows in lost.items() if rows}
        assert all(set(after[whose]) <= set(rows) for whose, rows in before.items()), f"{where} at {place}"
        if "/raw/" not in where:
            assert lost == {}, f"{where} at {place}: a rollup costs no row"
        elif not any("index" in fault.what or "begin" in fault.what or "end" in fault.what for fault in report.faults):
            [(kind, subject)] = lost
            assert subject in report.faults[0].what, f"{where} at {place}"
            assert f"/{kind}/" in where
            costs += 1
        else:
            assert {kind for kind, _ in lost} == {file.parts[-3]}, f"{where} at {place}"
    assert costs > 3


@pytest.mark.timeout(1800 if LONG else 600)
def test_in_the_roll_each_byte_is_found_and_costs_nothing(store: Path) -> None:
    before = held(store)
    for _, place in flips([store / "blocks" / ROLL], PLACES // 4):
        assert {fault.file for fault in look(store, apart=False).faults} == {f"blocks/{ROLL}"}, f"at {place}"
        assert held(store) == before


@pytest.mark.timeout(3600 if LONG else 600)
def test_in_the_archive_each_byte_is_found(store: Path) -> None:
    """Also what only other programs read of a Parquet file, as statistics, by which they pass rows over."""
    before = held(store)
    for file, place in flips(sorted(store.with_name("archive").rglob("*.parquet")), PLACES):
        report, after = look(store, apart=False), held(store)
        assert {fault.file for fault in report.faults} == {str(file)}, f"{file} at {place}"
        assert all(set(after[whose]) <= set(rows) for whose, rows in before.items()), f"{file} at {place}"


@pytest.mark.timeout(3600 if LONG else 600)
def test_in_a_file_of_rows_each_byte_is_found_or_says_nothing(store: Path) -> None:
    before = held(store)
    found = 0
    for file, place in flips(sorted(store.glob("rows/*/*/data.mdb")), PLACES // 4):
        where = file.relative_to(store).as_posix()
        report = look(store, apart=True)
        assert {fault.file for fault in report.faults} <= {where}, f"{where} at {place}"
        # A damaged file may kill who reads it: verify has said so, and it is doubted.
        assert report.faults or held(store) == before, f"{where} at {place}"
        for doubt in store.glob("rows/*/*.doubt"):
            doubt.unlink()
        found += bool(report.faults)
    assert found > 2
