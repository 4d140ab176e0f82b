"""A spool's journal: its bytes, what is found in it, and what is said of one that is damaged or of another spool."""

from __future__ import annotations

import errno
import os
import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmdb
import pytest
from hypothesis import strategies as st

from bus import failpoints
from bus.delivery.outflow import Kept
from bus.delivery.retention import NoRoom
from bus.spool import Spool, SpoolLimits, cost
from bus.spool.entry import PAGE
from bus.spool.file import SpoolFile, Writing
from bus.wire import read
from tests.bus.spooling import dead, message

NOON = 43_200.0
WALL = 1_700_000_000 * 10**9
LIFE = 0x1122334455667788
U64 = st.integers(0, 2**64 - 1)


def _spool(path: Path, limits: SpoolLimits | None = None) -> Spool:
    return Spool(path, limits, source="web-1", now=NOON, wall=WALL)


def _tell(spool: Spool, first: int, last: int, *, epoch: int = 7, size: int = 300) -> None:
    """One message after the other."""
    for number in range(first, last + 1):
        spool.append(epoch, number, [message(number, epoch, size)], NOON, WALL)


def _told(spool: Spool, epoch: int = 7) -> list[tuple[int, str]]:
    """All that is kept of an epoch: numbers and kinds."""
    kept = {one.epoch: one for one in spool.kept()}[epoch]
    records: list[tuple[int, str]] = []
    while len(records) <= kept.last - kept.base:
        more = spool.read(epoch, kept.base + len(records), kept.last)
        assert more
        records += [(read(one)[0].number, read(one)[0].kind) for one in more]
    return records


def _samples(last: int, losses: tuple[int, ...] = ()) -> list[tuple[int, str]]:
    return [(number, "loss" if number in losses else "sample") for number in range(1, last + 1)]


# -- a spool with one ---


def test_a_few_messages_go_into_the_journal_and_are_there_after_a_death(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    _tell(spool, 1, 1)
    before = (tmp_path / "spool" / "data.mdb").read_bytes()
    spool.acknowledged(7, 1, 5)
    _tell(spool, 2, 9)
    assert (tmp_path / "spool" / "data.mdb").read_bytes() == before
    assert _told(spool) == _samples(9)
    dead(spool)
    again = _spool(tmp_path / "spool")

    assert again.kept() == [Kept(7, 1, 9, 1, 1)]
    assert again.generation == 5
    assert _told(again) == _samples(9)
    assert not again.journal_fault
    assert again.status().bytes == 9 * cost(len(message(1)))


def test_a_full_journal_goes_into_the_file_and_begins_anew(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool", SpoolLimits(journal_bytes=4 * PAGE))
    _tell(spool, 1, 50)
    assert len(spool._pending) < 5
    dead(spool)
    again = _spool(tmp_path / "spool", SpoolLimits(journal_bytes=4 * PAGE))

    assert _told(again) == _samples(50)


def test_many_at_once_go_into_the_file_after_what_is_in_the_journal(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    _tell(spool, 1, 3)
    spool.append(7, 4, [message(number) for number in range(4, 204)], NOON, WALL)

    assert spool._pending == []
    assert _told(spool) == _samples(203)


def test_a_spool_from_before_there_was_a_journal_opens_as_it_is(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool", SpoolLimits(journal_bytes=0))
    _tell(spool, 1, 5)
    spool.close(NOON, WALL)
    with lmdb.open(str(tmp_path / "spool"), max_dbs=4) as environment:
        meta = environment.open_db(b"meta")
        with environment.begin(write=True) as txn:
            txn.delete(b"journal", db=meta)
    assert not (tmp_path / "spool" / "journal").exists()
    again = _spool(tmp_path / "spool")
    _tell(again, 6, 9)

    assert _told(again) == _samples(9)
    assert (tmp_path / "spool" / "journal").exists()


def test_a_version_without_a_journal_opens_one_that_was_closed_and_finds_one_that_was_not_damaged(
    tmp_path: Path,
) -> None:
    def row() -> bytes:
        with lmdb.open(str(tmp_path / "spool"), max_dbs=4) as environment:
            meta = environment.open_db(b"meta")
            with environment.begin() as txn:
                return bytes(txn.get(b"totals", db=meta) or b"")

    spool = _spool(tmp_path / "spool")
    _tell(spool, 1, 5)
    dead(spool)
    assert len(row()) > struct.calcsize("<dQQQqq"), "it reads no more and no less than this"
    _spool(tmp_path / "spool").close(NOON, WALL)
    assert len(row()) == struct.calcsize("<dQQQqq")


# -- damage ---


def _alive(path: Path, last: int) -> None:
    """A spool whose journal holds the messages 2 to ``last``, and that died."""
    spool = _spool(path)
    _tell(spool, 1, last)
    dead(spool)


def test_any_flipped_byte_costs_one_message_at_most_and_is_told_unless_it_was_the_last(tmp_path: Path) -> None:
    _alive(tmp_path / "given", 6)
    whole = (tmp_path / "given" / "journal").read_bytes()
    used = 56 + 4 + len(message(1))
    chance = random.Random(7)
    for turn in range(60):
        page = turn % 5
        at = page * PAGE + (chance.randrange(used) if turn % 3 else chance.randrange(56))
        path = tmp_path / f"spool-{turn}"
        shutil.copytree(tmp_path / "given", path)
        flipped = bytes([whole[at] ^ (1 << chance.randrange(8))])
        (path / "journal").write_bytes(whole[:at] + flipped + whole[at + 1 :])
        spool = _spool(path)
        if page == 4:
            assert _told(spool) == _samples(5)
            assert not spool.journal_fault
        else:
            assert _told(spool) == _samples(6, (page + 2,))
            assert spool.journal_fault == f"was damaged and is now {path}/journal.bad-1700000000"
            assert (path / "journal.bad-1700000000").exists()
        assert not spool.moved_aside
        _tell(spool, spool.kept()[0].last + 1, 20)
        dead(spool)
        again = _spool(path)
        assert [number for number, _ in _told(again)] == list(range(1, 21))
        assert not again.journal_fault
        again.close(NOON, WALL)


def test_rubbish_in_the_rest_of_the_journal_is_nothing(tmp_path: Path) -> None:
    _alive(tmp_path / "spool", 6)
    with (tmp_path / "spool" / "journal").open("r+b") as file:
        file.seek(5 * PAGE)
        file.write(os.urandom(20 * PAGE))
    spool = _spool(tmp_path / "spool")

    assert _told(spool) == _samples(6)
    assert not spool.journal_fault


def test_the_journal_of_another_spool_is_moved_aside_and_said(tmp_path: Path) -> None:
    _alive(tmp_path / "one", 6)
    _alive(tmp_path / "other", 9)
    shutil.copy(tmp_path / "other" / "journal", tmp_path / "one" / "journal")
    spool = _spool(tmp_path / "one")

    assert _told(spool) == _samples(1)
    assert spool.journal_fault.startswith("is of another spool, or of this one at another time and is now ")


def test_a_file_that_is_older_than_its_journal_is_said(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    _tell(spool, 1, 3)
    shutil.copy(tmp_path / "spool" / "data.mdb", tmp_path / "older")
    spool.sweep(NOON, WALL)
    _tell(spool, 4, 5)
    spool.sweep(NOON, WALL)
    _tell(spool, 6, 7)
    dead(spool)
    shutil.copy(tmp_path / "older", tmp_path / "spool" / "data.mdb")
    again = _spool(tmp_path / "spool")

    assert "is of another spool, or of this one at another time" in again.journal_fault
    assert again.faults() == [f"'s journal {again.journal_fault}; messages of its last minute may be lost"]


@pytest.mark.parametrize(("size", "words"), [(None, "is gone"), (3 * PAGE, "is cut short and is now ")])
def test_a_journal_that_is_gone_or_cut_short_is_said(tmp_path: Path, size: int | None, words: str) -> None:
    _alive(tmp_path / "spool", 6)
    journal = tmp_path / "spool" / "journal"
    if size is None:
        journal.unlink()
    else:
        os.truncate(journal, size)
    spool = _spool(tmp_path / "spool")

    assert words in spool.journal_fault
    assert _told(spool) == _samples(1 if size is None else 4)


def test_a_version_with_a_larger_journal_reads_a_smaller_one(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool", SpoolLimits(journal_bytes=4 * PAGE))
    _tell(spool, 1, 3)
    dead(spool)
    for size in (16 * PAGE, 8 * PAGE):
        again = _spool(tmp_path / "spool", SpoolLimits(journal_bytes=size))
        assert not again.journal_fault
        _tell(again, again.kept()[0].last + 1, again.kept()[0].last + 3)
        assert (tmp_path / "spool" / "journal").stat().st_size == size
        dead(again)

    assert _told(_spool(tmp_path / "spool")) == _samples(9)


def test_of_damaged_journals_two_are_kept(tmp_path: Path) -> None:
    for turn in range(4):
        spool = Spool(tmp_path / "spool", source="web-1", now=NOON, wall=WALL + turn * 10**9)
        _tell(spool, 3 * turn + 1, 3 * turn + 3)
        dead(spool)
        os.truncate(tmp_path / "spool" / "journal", 3 * PAGE)

    assert len(list((tmp_path / "spool").glob("journal.bad-*"))) == 2


# -- disks that fail ---


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The places that have no room."""
    places: set[str] = set()

    def at(place: str) -> None:
        if place in places:
            raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(failpoints, "at", at)
    return places


def test_where_no_journal_can_be_made_there_is_none(tmp_path: Path, fail: set[str]) -> None:
    fail.add("journal.make")
    spool = _spool(tmp_path / "spool")
    _tell(spool, 1, 5)
    assert not (tmp_path / "spool" / "journal").exists()
    fail.clear()
    _tell(spool, 6, 7)
    assert not (tmp_path / "spool" / "journal").exists()
    spool.sweep(NOON, WALL)
    _tell(spool, 8, 9)

    assert (tmp_path / "spool" / "journal").exists()
    assert _told(spool) == _samples(9)


@pytest.mark.parametrize("place", ["journal.write", "journal.written"])
def test_what_the_journal_could_not_take_goes_into_the_file_and_is_not_there_twice(
    tmp_path: Path, fail: set[str], place: str
) -> None:
    spool = _spool(tmp_path / "spool")
    _tell(spool, 1, 3)
    fail.add(place)
    _tell(spool, 4, 4)
    fail.clear()
    _tell(spool, 5, 9)
    dead(spool)
    again = _spool(tmp_path / "spool")

    assert _told(again) == _samples(9)
    assert not again.journal_fault


def test_on_a_full_disk_nothing_has_changed_and_what_is_in_the_journal_stays(tmp_path: Path, fail: set[str]) -> None:
    spool = _spool(tmp_path / "spool")
    _tell(spool, 1, 3)
    kept, status = spool.kept(), spool.status()
    fail |= {"journal.write", "spool.commit"}
    for _ in range(2):
        with pytest.raises(NoRoom):
            _tell(spool, 4, 4)
        assert (spool.kept(), spool.status()) == (kept, status)
    assert _told(spool) == _samples(3)
    dead(spool)
    again = _spool(tmp_path / "spool")
    assert _told(again) == _samples(3), "opened on a full disk"
    with pytest.raises(NoRoom):
        _tell(again, 4, 4)
    dead(again)
    fail.clear()
    at_last = _spool(tmp_path / "spool")
    _tell(at_last, 4, 5)

    assert _told(at_last) == _samples(5)


def test_a_journal_that_cannot_be_opened_now_is_waited_for(tmp_path: Path) -> None:
    _alive(tmp_path / "spool", 5)
    journal = tmp_path / "spool" / "journal"
    journal.rename(tmp_path / "kept")
    journal.symlink_to(journal)
    spool = _spool(tmp_path / "spool")
    with pytest.raises(NoRoom):
        _tell(spool, 6, 6)
    journal.unlink()
    (tmp_path / "kept").rename(journal)
    spool.sweep(NOON, WALL)

    assert _told(spool) == _samples(5)
    assert not spool.journal_fault


@pytest.mark.parametrize("place", ["journal.write", "journal.written"])
@pytest.mark.parametrize("dies", [False, True])
def test_a_first_entry_that_may_not_have_come_makes_no_journal_another_spools(
    tmp_path: Path, fail: set[str], monkeypatch: pytest.MonkeyPatch, place: str, dies: bool
) -> None:
    spool = _spool(tmp_path / "spool")
    _tell(spool, 1, 3)
    spool.close(NOON, WALL)  # from here on the journal begins with an entry of a life that is over
    spool = _spool(tmp_path / "spool")
    _tell(spool, 4, 4)
    write = SpoolFile.write

    def landed(file: SpoolFile, work: Callable[[Writing], Any]) -> Any:
        write(file, work)
        file.close()
        raise NoRoom("nobody knows whether it was done")

    fail.add(place)
    monkeypatch.setattr(SpoolFile, "write", landed)
    with pytest.raises(NoRoom):
        _tell(spool, 5, 5)
    fail.clear()
    monkeypatch.setattr(SpoolFile, "write", write)
    if dies:
        dead(spool)
        spool = _spool(tmp_path / "spool")
    _tell(spool, 5 if not dies else 6, 7)

    assert not spool.faults()
    assert _told(spool) == _samples(7)
    assert not list((tmp_path / "spool").glob("journal.bad-*"))
