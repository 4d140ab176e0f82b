"""A spool's LMDB file, by itself: what a message takes of it, what it counts, and what it does not write."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import lmdb
import pytest

from bus.delivery.retention import Extent, NoRoom
from bus.spool import cost
from bus.spool.file import Damaged, SpoolFile, Totals, Writing, is_sound
from bus.wire import Record, pack


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


def test_a_file_of_a_time_when_more_was_allowed_can_be_written(tmp_path: Path) -> None:
    file = _file(tmp_path)
    file.write(lambda writing: writing.append(1, 1, [bytes(4000)] * 2000))
    file.close()
    again = SpoolFile(tmp_path / "spool", 1 << 20)
    last, _, _ = again.write(lambda writing: writing.drop(1, 1, 2000, None))
    again.close()

    assert last == 2000


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


def _measured(at: int) -> bytes:
    return pack(Record("sample", "web-1", "web-1", at, 7, at, b"%d" % at * 100))


def test_of_what_is_dropped_it_is_known_when_the_first_and_last_not_acknowledged_were_measured(tmp_path: Path) -> None:
    file = _file(tmp_path)
    rubbish = bytes(len(_measured(1)))
    file.write(lambda writing: writing.append(1, 1, [*map(_measured, (1, 2, 3, 4, 5)), rubbish, _measured(7)]))
    dropped = file.write(lambda writing: writing.drop(1, 1, 6, None, acked=2))

    assert dropped == (6, 6 * cost(len(rubbish)), [3, 5])
    assert file.write(lambda writing: writing.drop(1, 7, 7, None, acked=7)) == (7, cost(len(rubbish)), [])
    file.close()


def test_no_more_is_dropped_than_room_is_wanted(tmp_path: Path) -> None:
    file = _file(tmp_path)
    file.write(lambda writing: writing.append(1, 1, [_measured(number) for number in range(1, 10)]))
    size = cost(len(_measured(1)))

    assert file.write(lambda writing: writing.drop(1, 1, 9, 0))[:2] == (0, 0)
    assert file.write(lambda writing: writing.drop(1, 1, 9, size))[:2] == (1, size)
    assert file.write(lambda writing: writing.drop(1, 2, 9, size + 1))[:2] == (3, 2 * size)
    assert file.write(lambda writing: writing.drop(1, 4, 5, 9 * size))[:2] == (5, 2 * size)
    assert [value != b"" for value in file.read(1, 1, 9)] == [False] * 5 + [True] * 4
    file.close()


def test_nothing_is_dropped_in_the_place_of_what_is_not_there(tmp_path: Path) -> None:
    file = _file(tmp_path)
    file.write(lambda writing: writing.append(1, 1, [b"one"]))
    file.write(lambda writing: writing.append(1, 3, [b"three"]))
    file.write(lambda writing: writing.append(2, 1, [b"other"]))

    assert file.write(lambda writing: writing.drop(1, 1, 2, None)) == (2, cost(3), [])
    assert list(file.read(1, 1, 3)) == [b"", b"", b"three"]
    assert file.write(lambda writing: writing.drop(1, 2, 9, None)) == (9, cost(5), [])
    assert list(file.read(2, 1, 1)) == [b"other"]
    file.close()


def test_what_is_cut_short_can_be_dropped_and_is_no_message(tmp_path: Path) -> None:
    file = _file(tmp_path)
    whole = _measured(1)
    cut = [whole[:length] for length in (0, 1, 39, 40, 63, 64, len(whole) - 1)]
    file.write(lambda writing: writing.append(1, 1, cut))

    assert [is_sound(one) for one in [*cut, whole]] == [False] * len(cut) + [True]
    assert file.write(lambda writing: writing.drop(1, 1, 7, None)) == (7, sum(cost(len(one)) for one in cut), [])
    file.close()


def test_marks_that_were_dropped_are_gone_and_others_stay(tmp_path: Path) -> None:
    file = _file(tmp_path)
    file.write(lambda writing: writing.mark([(1.5, (1, 2)), (2.5, (1, 7)), (3.5, (2, 1))], []))
    file.write(lambda writing: writing.mark([(4.5, (2, 9))], [1.5, 2.5]))

    assert file.load()[1] == [(3.5, (2, 1)), (4.5, (2, 9))]
    file.close()


def test_what_a_death_left_of_a_smaller_file_takes_no_room_for_long(tmp_path: Path) -> None:
    left = tmp_path / "spool.new"
    left.mkdir()
    (left / "data.mdb").write_bytes(bytes(4096))
    file = _file(tmp_path)
    file.load()
    file.close()

    assert not left.exists()


def test_its_name_is_on_the_disk_before_anything_is_promised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settled: list[Path] = []
    monkeypatch.setattr("bus.mapped.sync_folder", settled.append)
    file = _file(tmp_path / "spools")
    file.close()

    assert {tmp_path / "spools" / "spool", tmp_path / "spools", tmp_path} <= set(settled)


def test_a_smaller_file_is_on_the_disk_before_it_takes_the_place_and_its_place_after_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _file(tmp_path)
    file.write(lambda writing: writing.append(1, 1, [_measured(1)]))
    acts: list[str] = []
    sync, rename = os.fsync, os.rename

    def synced(number: int) -> None:
        acts.append(f"fsync {os.readlink(f'/proc/self/fd/{number}')}")
        sync(number)

    def renamed(old: Path, new: Path) -> None:
        acts.append(f"rename {old}")
        rename(old, new)

    monkeypatch.setattr("bus.spool.file.os.fsync", synced)
    monkeypatch.setattr("bus.spool.file.os.rename", renamed)
    file.compact()
    assert not (tmp_path / "spool.new").exists()
    fresh = f"{tmp_path}/spool.new/data.mdb"

    assert acts[:3] == [f"fsync {fresh}", f"rename {fresh}", f"fsync {tmp_path}/spool"]
    assert list(file.read(1, 1, 1)) == [_measured(1)]
    file.close()


@pytest.mark.parametrize(("cut", "whole", "asked"), [(0, False, False), (1, True, True), (1, False, True)])
def test_of_a_file_that_ends_before_its_last_page_it_is_asked_whether_it_is_whole(
    tmp_path: Path, cut: int, whole: bool, asked: bool
) -> None:
    file = _file(tmp_path)
    file.write(lambda writing: writing.append(1, 1, [_measured(number) for number in range(1, 1000)]))
    for turn in range(4):
        # What tells of the databases goes to pages that are free by now, and not to the last one.
        file.write(lambda writing, turn=turn: writing.mark([(float(turn), (1, 1))], []))  # type: ignore[misc]
    file.close()
    data = tmp_path / "spool" / "data.mdb"
    os.truncate(data, data.stat().st_size - cut)
    found: list[Path] = []

    def is_whole(path: Path) -> bool:
        found.append(path)
        return whole

    if asked and not whole:
        with pytest.raises(Damaged, match=r"the file ends before its page \d+"):
            SpoolFile(tmp_path / "spool", 1 << 28, is_whole=is_whole)
    else:
        SpoolFile(tmp_path / "spool", 1 << 28, is_whole=is_whole).close()
    assert found == [tmp_path / "spool"] * asked
    SpoolFile(tmp_path / "spool", 1 << 28).close()


@pytest.mark.parametrize(
    ("error", "kind", "closed"),
    [
        (OSError(errno.ENOSPC, "no space left"), NoRoom, False),
        (OSError(errno.EIO, "input/output error"), NoRoom, True),
        (lmdb.MapFullError("mdb_put"), NoRoom, False),
        (lmdb.DiskError("mdb_txn_commit: No space left on device"), NoRoom, False),
        (lmdb.DiskError("mdb_txn_commit: Input/output error"), NoRoom, True),
        (lmdb.PanicError("mdb_txn_begin"), NoRoom, True),
        (lmdb.BadTxnError("mdb_put"), NoRoom, True),
        (lmdb.CorruptedError("mdb_put"), Damaged, True),
        (lmdb.PageNotFoundError("mdb_put"), Damaged, True),
    ],
)
def test_after_a_write_that_failed_otherwise_than_for_room_the_file_is_opened_anew(
    tmp_path: Path, error: Exception, kind: type[Exception], closed: bool
) -> None:
    file = _file(tmp_path)

    def fail(writing: Writing) -> None:
        writing.append(1, 1, [b"void"])
        raise error

    with pytest.raises(kind, match="spool: "):
        file.write(fail)
    assert file.closed == closed
    if closed:
        with pytest.raises(NoRoom, match="must be opened anew"):
            file.write(fail)
        file = _file(tmp_path)
    assert list(file.read(1, 1, 1)) == [b""]
    file.close()


@pytest.mark.parametrize(
    ("numbers", "extents"),
    [
        ((1, 3), [Extent(1, 7, 1, 3)]),
        ((2, 3), [Extent(1, 7, 1, 2)]),
        ((1, 2), [Extent(1, 7, 1, 1), Extent(2, 8, 1, 1)]),
        ((1, 2), []),
        ((), [Extent(1, 7, 1, 2)]),
    ],
)
def test_messages_of_which_the_epochs_do_not_tell_are_damage(
    tmp_path: Path, numbers: tuple[int, ...], extents: list[Extent]
) -> None:
    file = _file(tmp_path)

    def write(writing: Writing) -> None:
        for number in numbers:
            writing.append(1, number, [b"one"])
        writing.save(extents, Totals())

    file.write(write)
    with pytest.raises(Damaged, match="not those that the epochs tell of"):
        file.load()
    assert file.closed


def test_a_file_that_is_gone_takes_nothing_and_a_disk_that_cannot_be_asked_is_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _file(tmp_path)
    assert file.size() > 0

    def fails(path: Path) -> None:
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr("bus.spool.file.shutil.disk_usage", fails)
    with pytest.raises(NoRoom):
        file.compact()
    (tmp_path / "spool" / "data.mdb").unlink()

    assert file.size() == 0
