"""The roll on a disk that has no room for it, when the sealer starts and when it drops what makes room."""

from __future__ import annotations

import logging
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from store.backends.lmdb import LmdbBackend
from store.blocks.roll import ROLL, Roll, read_roll
from store.pruning import Pruner, Room
from store.retention import Retention
from store.sealer import Pace, Sealer
from tests.store.given import DAY, HOUR, NOON, batch, layout, sample

LOG = logging.getLogger("sealer")
PACE = Pace(quiet=-(2**62))
USUAL = {"raw": 7 * DAY, "1m": 0, "5m": 0, "1h": 0, "records": 400 * DAY}


def sealed(path: Path) -> LmdbBackend:
    """Three hours, in blocks."""
    backend = LmdbBackend(path, write=True)
    backend.commit(batch([layout(), *(sample(n, at=NOON + n * HOUR) for n in range(3))]), NOON)
    sealer = Sealer(path, backend.partitions, backend.layouts, PACE, LOG)
    while sealer.turn(NOON + 6 * HOUR):
        pass
    sealer.close()
    backend._past.sealed.unlink(2**62)
    return backend


@pytest.mark.parametrize("left", ["half a line", "a line that cannot be read", "nothing", "not the last files"])
def test_a_sealer_starts_and_makes_room_where_the_roll_cannot_be_written(tmp_path: Path, left: str) -> None:
    path = tmp_path / "store"
    backend = sealed(path)
    roll, in_the_way = path / "blocks" / ROLL, path / "blocks" / "roll.new"
    whole = roll.read_text()
    first = whole.splitlines(keepends=True)[0]
    roll.write_text(
        {
            "half a line": whole + first[:20],
            "a line that cannot be read": whole + "0" + first,
            "nothing": "",
            "not the last files": first,
        }[left]
    )
    if left == "nothing":
        roll.unlink()
    in_the_way.mkdir()  # as where there is no room

    sealer = Sealer(path, backend.partitions, backend.layouts, PACE, LOG)
    Pruner(sealer.blocks, Retention(USUAL), Room(), LOG).turn(NOON + 7 * DAY + 2 * HOUR)
    there = sorted(file.name for file in (path / "blocks/sample/raw").iterdir())
    assert there == ["20260131T14.1h"]
    in_the_way.rmdir()
    backend.commit(batch([sample(1, at=NOON + 4 * HOUR)]), NOON)
    assert sealer.turn(NOON + 6 * HOUR)
    sealer.close()
    Sealer(path, backend.partitions, backend.layouts, PACE, LOG).close()

    files, _, bad = read_roll(path / "blocks")
    assert (sorted(files), bad) == (["sample/raw/20260131T14.1h", "sample/raw/20260131T16.1h"], [])
    backend.close()


def test_a_roll_that_cannot_be_read_is_no_roll_of_nothing(tmp_path: Path) -> None:
    (tmp_path / ROLL).mkdir()

    assert read_roll(tmp_path) == ({}, 0, ["it cannot be read: is a directory"])
    with pytest.raises(IsADirectoryError):
        Roll(tmp_path)


@contextmanager
def no_room_in(path: Path) -> Iterator[None]:
    """No file gets longer than this one is."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


def test_what_goes_from_a_full_disk_is_struck_off_where_it_was_called(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.call({"sample/raw/one": 1, "sample/raw/two": 2})
    assert roll.strike(["sample/raw/one"])
    roll.call({"sample/raw/one": 3, "sample/raw/three": 3})
    size = (tmp_path / ROLL).stat().st_size

    with no_room_in(tmp_path / ROLL):
        assert roll.strike(["sample/raw/one", "sample/raw/two"])

    assert (tmp_path / ROLL).stat().st_size == size
    assert read_roll(tmp_path) == ({"sample/raw/three": 3}, 5, [])
    roll.call({"sample/raw/two": 4})
    assert read_roll(tmp_path)[0] == roll.files == {"sample/raw/three": 3, "sample/raw/two": 4}


def test_what_went_before_it_could_be_struck_off_is_with_the_next_though_there_is_no_room(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.call({"sample/raw/one": 1, "sample/raw/two": 2})
    whole = (tmp_path / ROLL).read_bytes()
    (tmp_path / ROLL).unlink()
    roll.gone(["sample/raw/one"])
    (tmp_path / ROLL).write_bytes(whole)

    with no_room_in(tmp_path / ROLL):
        assert roll.strike(["sample/raw/two"])

    assert read_roll(tmp_path) == ({}, 2, [])


def test_a_line_that_was_damaged_strikes_nothing_off(tmp_path: Path) -> None:
    Roll(tmp_path).call({"sample/raw/one": 1, "sample/raw/two": 2})
    whole = (tmp_path / ROLL).read_text()

    for damaged in (whole.replace("+ sample/raw/one 1", "- sample/raw/one 2"), whole.replace("+", "*", 1)):
        (tmp_path / ROLL).write_text(damaged)
        assert read_roll(tmp_path) == ({"sample/raw/two": 2}, 2, ["line 1 of it cannot be read"])
