"""A spool's LMDB file, by itself: what a message takes of it, what it counts, and what it does not write."""

from __future__ import annotations

from pathlib import Path

import pytest

from bus.spool import cost
from bus.spool.file import Damaged, SpoolFile, Totals


def _file(path: Path) -> SpoolFile:
    return SpoolFile(path / "spool", 1 << 28)


@pytest.mark.parametrize("size", [300, 301, 700, 1338, 1339, 2000, 2100, 4080, 4081, 8176, 8177, 20_000])
def test_what_a_message_is_said_to_take_of_the_file_it_takes(tmp_path: Path, size: int) -> None:
    file = _file(tmp_path)
    file.write(lambda writing: writing.append(1, 1, [bytes(size)] * 200))
    with file._environment.begin() as txn:
        pages = txn.stat(file._databases[0])
    file.close()

    taken = 4096 * (pages["leaf_pages"] + pages["overflow_pages"])
    assert 200 * cost(size) == pytest.approx(taken, abs=2 * 4096)


@pytest.mark.parametrize("first", [1, 3])
@pytest.mark.parametrize("count", [1, 2])
def test_what_does_not_follow_what_is_there_is_not_written(tmp_path: Path, first: int, count: int) -> None:
    file = _file(tmp_path)
    file.write(lambda writing: writing.append(2, 3, [b"three"]))
    with pytest.raises(Damaged):
        file.write(lambda writing: writing.append(2, first, [b"other"] * count))
    again = _file(tmp_path)

    assert list(again.read(2, 1, 4)) == [b"", b"", b"three", b""]
    again.close()


def test_when_something_was_dropped_first_and_last_is_known(tmp_path: Path) -> None:
    totals = Totals()
    totals.count_dropped(0, 5)
    assert (totals.dropped, totals.dropped_first, totals.dropped_last) == (0, 0, 0)
    for wall in (7, 9, 8):
        totals.count_dropped(2, wall)
    file = _file(tmp_path)
    file.write(lambda writing: writing.save([], totals))
    file.close()
    again = _file(tmp_path)
    kept = again.load()[2]
    again.close()

    assert (kept.dropped, kept.dropped_first, kept.dropped_last) == (6, 7, 8)
