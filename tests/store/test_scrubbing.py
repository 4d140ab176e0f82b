"""What is sealed is read again bit by bit, and what changed on the disk is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.blocks.segments import Segment
from store.folders import entries
from store.scrubbing import ROUND_SECONDS, Blocks, Found, Scrubber
from tests.store.test_writing import INDEX, written

HOUR, LATER = "sample/raw/20260131T12.1h", "sample/raw/20260131T13.1h"


class House:
    """Files of blocks, and what is told of them."""

    def __init__(self, folder: Path, slice_bytes: int = 1 << 20) -> None:
        self.folder, self.told = folder, list[str]()
        self.turns, self.days = 0, 0
        self.scrubber = Scrubber([Blocks(folder, self.told.append, self.pass_)], slice_bytes)

    def pass_(self) -> None:
        self.turns += 1

    def turn(self) -> None:
        """A slice, on the day after the one before."""
        self.days += 1
        self.scrubber.turn(self.days * ROUND_SECONDS)

    def make(self, name: str) -> Path:
        path = self.folder / name
        written(path).finish(INDEX)
        return path

    def flip(self, path: Path, subject: str) -> None:
        """Change a bit in the middle of a part."""
        segment = Segment(path)
        (place,) = segment.places(subject)
        segment.close()
        data = bytearray(path.read_bytes())
        data[place.offset + place.length // 2] ^= 1
        path.write_bytes(data)


def test_of_what_is_sound_nothing_is_told_and_it_is_read_again_and_again(tmp_path: Path) -> None:
    house = House(tmp_path)
    files = [house.make(name) for name in (HOUR, LATER)]
    house.turn()
    once = house.scrubber.bytes
    house.turn()

    assert house.told == []
    assert (house.scrubber.rounds, house.scrubber.bytes) == (2, 2 * once)
    assert 0 < once < sum(path.stat().st_size for path in files)
    assert house.turns == 8, "two hosts of two hours, twice"


def test_a_bit_that_changed_is_told_with_whose_it_is(tmp_path: Path) -> None:
    house = House(tmp_path)
    path = house.make(HOUR)
    house.turn()
    house.flip(path, "web-2")
    house.turn()

    (told,) = house.told
    assert told.startswith(f"{path}: web-2: ")


def test_a_slice_ends_where_it_is_large_enough_and_the_next_goes_on_there(tmp_path: Path) -> None:
    house = House(tmp_path, slice_bytes=1)
    house.make(HOUR)
    house.flip(house.make(LATER), "web-1")

    found = []
    for _ in range(4):
        house.turn()
        found.append((house.turns, len(house.told)))
    assert found == [(1, 0), (2, 0), (3, 1), (4, 1)]
    house.turn()
    assert house.scrubber.rounds == 1


def test_files_that_go_and_come_meanwhile_are_no_damage(tmp_path: Path) -> None:
    house = House(tmp_path, slice_bytes=1)
    first = house.make(HOUR)
    house.turn()
    first.unlink()
    house.make(LATER)
    while not house.scrubber.rounds:
        house.turn()
    assert house.told == []
    assert house.turns == 3


@pytest.mark.parametrize("place", [-1, 0])
def test_a_file_that_is_none_any_more_is_told_and_the_next_is_read(tmp_path: Path, place: int) -> None:
    house = House(tmp_path)
    path = house.make(HOUR)
    house.make(LATER)
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    house.turn()

    assert len(house.told) == 1
    assert str(path) in house.told[0]
    assert house.turns == 2


def test_what_a_later_guardia_wrote_is_left_alone(tmp_path: Path) -> None:
    house = House(tmp_path)
    path = house.make(HOUR)
    data = bytearray(path.read_bytes())
    data[4] += 1
    path.write_bytes(data)
    house.turn()
    assert (house.told, house.scrubber.rounds) == ([], 1)


def test_a_round_begins_once_a_day_and_goes_on_for_as_long_as_it_takes(tmp_path: Path) -> None:
    house = House(tmp_path, slice_bytes=1)
    house.make(HOUR)
    for minute in range(10):
        house.scrubber.turn(minute * 60.0)
    assert (house.scrubber.rounds, house.turns) == (1, 2)
    house.scrubber.turn(ROUND_SECONDS)
    assert house.turns == 3


def test_a_folder_that_cannot_be_listed_now_ends_nothing_and_is_looked_at_again_soon(tmp_path: Path) -> None:
    away = tmp_path / ("x" * 256)
    with pytest.raises(OSError, match="too long"):
        list(entries(away, "*"))
    blocks = Blocks(away, pytest.fail)
    scrubber = Scrubber([blocks])
    scrubber.turn(1.0)
    blocks._folder = tmp_path / "blocks"
    scrubber.turn(61.0)
    assert scrubber.rounds == 1


def test_damage_is_there_until_a_whole_round_does_not_meet_it_and_is_not_known_before_the_first(tmp_path: Path) -> None:
    found = Found()
    blocks = Blocks(tmp_path, found.met)
    scrubber = Scrubber([blocks], 1, found)
    path = tmp_path / HOUR
    written(path).finish(INDEX)
    seen = []
    for turn in range(12):
        if turn == 4:
            sound = path.read_bytes()
            flipped = bytearray(sound)
            flipped[len(sound) // 3] ^= 1
            path.write_bytes(flipped)
        if turn == 8:
            path.write_bytes(sound)
        scrubber.turn(turn // 2 * ROUND_SECONDS)
        seen.append(found.count)
    assert scrubber.rounds == 6
    assert seen == [None, 0, 0, 0, *seen[4:10], 0, 0]
    assert set(seen[5:9]) == {1}, "also while the round is under way that no longer meets it"


def test_what_is_met_between_two_rounds_counts_until_the_end_of_the_next() -> None:
    found = Found()
    found.met("a file that was put aside")
    assert found.count == 1
    found.begins()
    found.met("another")
    assert found.count == 2
    found.ends()
    assert found.count == 1
