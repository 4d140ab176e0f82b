"""Files of the archive are read again bit by bit: one that changed on the disk is told, and costs no other anything."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from store.archive.index import path_of
from store.archive.mark import MARK, Mark
from store.archive.scrubbing import ArchiveFiles
from store.archive.whole import Passage, Sink
from store.scrubbing import ROUND_SECONDS, Scrubber
from tests.store.archive.archiving import Archiving, told_everything
from tests.store.given import DAY, NOON

TABLE = pa.table({"time": list(range(200)), "value": [0.1] * 200})
META = {"guardia.whole": "1"}


class House:
    """An archive of some days, and what is told of it."""

    def __init__(self, folder: Path, slice_bytes: int = 1 << 20) -> None:
        self.folder, self.told, self.passed, self.days = folder / "archive", list[str](), 0, 0
        self.mark = Mark(self.folder, folder / "ours")
        self.mark.claim()
        self.scrubber = Scrubber([ArchiveFiles(self.folder, self.mark, self.told.append, self.pass_)], slice_bytes)

    def pass_(self) -> None:
        self.passed += 1

    def make(self, day: int) -> Path:
        """The file of a day."""
        path = path_of(self.folder, "sample", NOON + day * DAY)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name("new")
        with new.open("wb") as opened:
            sink = Sink(opened)
            writer = pq.ParquetWriter(sink, TABLE.schema)
            writer.write_table(TABLE)
            writer.add_key_value_metadata(META)
            sink.hold()
            writer.close()
            sink.finish()
        new.rename(path)
        return path

    def turn(self) -> None:
        """A slice, on the day after the one before."""
        self.days += 1
        self.scrubber.turn(self.days * ROUND_SECONDS)

    def round(self) -> None:
        """As many slices as all of it takes."""
        done = self.scrubber.rounds
        while self.scrubber.rounds == done:
            self.turn()


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_of_what_is_sound_nothing_is_told_and_all_of_it_is_read_each_time(tmp_path: Path) -> None:
    house = House(tmp_path)
    sizes = sum(house.make(day).stat().st_size - 8 for day in range(3))
    house.round()
    house.round()
    assert (house.told, house.scrubber.bytes) == ([], 2 * sizes)
    assert house.passed >= 6


def test_a_file_that_changed_is_told_by_name_and_the_others_are_read_all_the_same(tmp_path: Path) -> None:
    house = House(tmp_path)
    first, second, third = (house.make(day) for day in range(3))
    flip(first, 10)
    flip(third, third.stat().st_size // 2)
    house.round()
    assert house.told == [f"{path}: it is not as it was written" for path in (first, third)]
    assert second.exists()


@pytest.mark.parametrize("slice_bytes", [1, 100, 4096])
def test_no_byte_changes_unseen_however_small_the_slices_are(tmp_path: Path, slice_bytes: int) -> None:
    house = House(tmp_path, slice_bytes)
    path = house.make(0)
    sound = path.read_bytes()
    for place in range(0, len(sound), 1 if slice_bytes > 100 else 97):
        flip(path, place)
        house.round()
        assert len(house.told) == 1, place
        house.told.clear()
        path.write_bytes(sound)


@pytest.mark.parametrize("left", [0, 3, 11, 500])
def test_a_file_that_was_cut_is_told(tmp_path: Path, left: int) -> None:
    house = House(tmp_path)
    path = house.make(0)
    os.truncate(path, left)
    house.round()
    assert house.told == [f"{path}: it does not end as a file of the archive does"]


def test_one_that_was_written_before_there_were_checksums_is_passed_over(tmp_path: Path) -> None:
    house = House(tmp_path)
    path = path_of(house.folder, "sample", NOON)
    path.parent.mkdir(parents=True)
    pq.write_table(TABLE, path)
    house.round()
    assert (house.told, house.scrubber.bytes) == ([], 0)
    assert not Passage(path).marked


def test_a_file_that_another_takes_the_place_of_meanwhile_is_read_from_its_begin(tmp_path: Path) -> None:
    house = House(tmp_path, slice_bytes=1000)
    path = house.make(0)
    flip(path, path.stat().st_size - 100)
    house.turn()
    assert not house.scrubber.rounds
    house.make(0)
    while not house.scrubber.rounds:
        house.turn()
    assert house.told == []
    assert house.scrubber.bytes > path.stat().st_size


def test_what_goes_and_what_cannot_be_read_now_is_no_damage_and_the_next_is_read(tmp_path: Path) -> None:
    house = House(tmp_path, slice_bytes=1000)
    first, second = house.make(0), house.make(1)
    flip(second, 10)
    house.turn()
    first.unlink()
    house.round()
    assert house.told == [f"{second}: it is not as it was written"]


def test_an_archive_that_is_away_is_looked_for_in_the_next_round(tmp_path: Path) -> None:
    house = House(tmp_path)
    flip(house.make(0), 10)
    theirs = (house.folder / MARK).rename(tmp_path / "away")
    house.mark.is_away(now=True)
    house.round()
    assert house.told == []
    theirs.rename(house.folder / MARK)
    house.mark.is_away(now=True)
    house.round()
    assert len(house.told) == 1


def test_the_sealers_own_files_are_read_and_damage_is_counted_once_with_that_of_blocks(
    store: Archiving, caplog: pytest.LogCaptureFixture
) -> None:
    told_everything(store)
    name, *_ = store.archived()
    scrubber, path = store.sealer.scrubber, store.archive / name
    (_, archive, _) = scrubber._readers

    def read() -> int:
        assert archive.on(1 << 30)[1]
        return store.sealer.done.damaged

    assert read() == 0
    flip(path, 100)
    assert [read(), read()] == [1, 1]
    assert caplog.text.count(f"damaged: {path}: it is not as it was written") == 1
