"""A spool whose disk damages what it holds: it costs what was damaged, is told, and holds nobody up."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import lmdb
import pytest

from bus import failpoints
from bus.delivery.outflow import Kept
from bus.delivery.retention import Evicted, NoRoom, Place
from bus.spool import Spool, SpoolLimits, cost
from bus.spool.doubt import Look
from bus.spool.entry import PAGE
from bus.spool.file import Damaged, SpoolFile, Writing
from bus.spool.journal import Journal
from bus.wire import read
from tests.bus.killing import kill_child
from tests.bus.spooling import dead, message

NOON = 43_200.0
WALL = 1_700_000_000 * 10**9
LEAF = 2
LATER = NOON + 400


def _spool(path: Path, source: str = "web-1") -> Spool:
    return Spool(path, source=source, now=NOON, wall=WALL)


def _told(spool: Spool, epoch: int = 7) -> list[tuple[int, str]]:
    """Numbers and kinds of all that is kept of an epoch."""
    kept = {one.epoch: one for one in spool.kept()}[epoch]
    records: list[tuple[int, str]] = []
    while len(records) <= kept.last - kept.base:
        more = spool.read(epoch, kept.base + len(records), kept.last)
        assert more, f"held up at {kept.base + len(records)}"
        records += [(read(one)[0].number, read(one)[0].kind) for one in more]
    return records


def _filled(path: Path, count: int = 200) -> None:
    spool = _spool(path)
    spool.append(7, 1, [message(number) for number in range(1, count + 1)], NOON, WALL)
    spool.close(NOON, WALL)


def _alive(path: Path, last: int) -> Spool:
    """One whose journal holds the messages 2 to ``last``."""
    spool = _spool(path)
    for number in range(1, last + 1):
        spool.append(7, number, [message(number)], NOON, WALL)
    return spool


def test_a_page_that_cannot_be_read_costs_what_is_on_it_and_holds_nobody_up(tmp_path: Path) -> None:
    _filled(tmp_path / "spool")
    data = tmp_path / "spool" / "data.mdb"
    content = bytearray(data.read_bytes())
    for at in range(2 * PAGE, len(content), PAGE):
        if content[at + 10] == LEAF and b"7 100 " in content[at : at + PAGE]:
            content[at + 12 : at + 14] = b"\xff\x0f"
    data.write_bytes(content)
    for _ in range(2):
        spool = _spool(tmp_path / "spool")
        kinds = dict(_told(spool))
        lost = [number for number, kind in kinds.items() if kind == "loss"]

        assert list(kinds) == list(range(1, 201))
        assert 100 in lost
        assert len(lost) < 20
        assert not spool.moved_aside
        spool.close(NOON, WALL)


def test_who_ends_a_look_into_a_spool_says_nothing_about_the_spool(tmp_path: Path) -> None:
    _filled(tmp_path / "spool")
    with ThreadPoolExecutor(1) as apart:
        looking = apart.submit(Look().sound, tmp_path / "spool")
        kill_child("bus.spool", looking)
        with suppress(NoRoom):
            assert looking.result(20), "it is not damaged"
    assert Look().sound(tmp_path / "spool")


def test_a_file_that_opens_and_cannot_be_written_is_moved_aside_and_what_went_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = _alive(tmp_path / "spool", 5)
    data, whole = tmp_path / "spool" / "data.mdb", Writing.mark
    inode = data.stat().st_ino

    def damaged(self: Writing, newest: Sequence[tuple[float, Place]], dropped: Sequence[float]) -> None:
        if data.stat().st_ino == inode:
            raise lmdb.CorruptedError("Located page was wrong type")
        whole(self, newest, dropped)

    monkeypatch.setattr(Writing, "mark", damaged)
    for _ in range(2):
        with pytest.raises(NoRoom):
            spool.sweep(LATER, WALL)
    evicted = spool.sweep(LATER, WALL)

    assert evicted == [Evicted(7, 2, 1)]
    assert ".bad-" in spool.moved_aside
    assert _told(spool) == [(number, "sample") for number in range(2, 6)]
    spool.append(7, 6, [message(6)], LATER, WALL)
    dead(spool)
    assert _spool(tmp_path / "spool").kept() == [Kept(7, 2, 6, 0, 0)]


def test_what_was_lost_with_a_file_in_the_middle_of_a_life_is_told_to_who_sends(tmp_path: Path) -> None:
    _filled(tmp_path / "spool", 9)
    spool = _spool(tmp_path / "spool")
    spool.append(8, 1, [message(n, 8) for n in range(1, 201)], NOON, WALL)
    spool.acknowledged(7, 4, 1)
    assert spool._file is not None
    spool._file.close()
    spool._journal.stop()
    (tmp_path / "spool" / "data.mdb").write_bytes(os.urandom(2 * PAGE))
    evicted = spool.append(8, 201, [message(201, 8)], NOON, WALL)

    assert evicted == [Evicted(7, 10, 5), Evicted(8, 201, 200)]
    assert spool.status().dropped == 205
    assert _told(spool, 8) == [(201, "sample")]


def test_a_damaged_file_costs_nothing_of_what_its_journal_holds(tmp_path: Path) -> None:
    dead(_alive(tmp_path / "spool", 9))
    os.truncate(tmp_path / "spool" / "data.mdb", 3 * PAGE)
    spool = _spool(tmp_path / "spool")

    assert ".bad-" in spool.moved_aside
    assert _told(spool) == [(number, "sample") for number in range(2, 10)]
    spool.append(8, 1, [message(1, 8)], NOON, WALL)
    dead(spool)
    again = _spool(tmp_path / "spool")
    assert not again.moved_aside
    assert not again.journal_fault
    assert _told(again) == [(number, "sample") for number in range(2, 10)]
    assert _told(again, 8) == [(1, "sample")]


def test_the_journal_of_a_damaged_file_may_tell_of_epochs_that_went_with_it(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    spool.append(6, 1, [message(1, 6)], NOON, WALL)
    spool.append(7, 1, [message(1)], NOON, WALL)
    spool.acknowledged(6, 1, 1)
    spool.append(7, 2, [message(2)], NOON, WALL)
    dead(spool)
    os.truncate(tmp_path / "spool" / "data.mdb", 3 * PAGE)

    assert _told(_spool(tmp_path / "spool")) == [(2, "sample")]


def test_of_the_journal_of_a_damaged_file_nothing_is_taken_that_another_source_told(tmp_path: Path) -> None:
    dead(_alive(tmp_path / "spool", 9))
    os.truncate(tmp_path / "spool" / "data.mdb", 3 * PAGE)

    assert _spool(tmp_path / "spool", "web-2").kept() == []


def test_what_the_journal_of_a_damaged_file_holds_waits_for_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead(_alive(tmp_path / "spool", 9))
    os.truncate(tmp_path / "spool" / "data.mdb", 3 * PAGE)
    failing = ["spool.commit"]

    def at(place: str) -> None:
        if place in failing:
            raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(failpoints, "at", at)
    spool = _spool(tmp_path / "spool")
    for _ in range(2):
        with pytest.raises(NoRoom):
            spool.append(8, 1, [message(1, 8)], NOON, WALL)
    failing.clear()
    spool.append(8, 1, [message(1, 8)], NOON, WALL)

    assert _told(spool) == [(number, "sample") for number in range(2, 10)]


def test_a_file_that_cannot_be_made_smaller_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(self: SpoolFile) -> None:
        self.close()
        raise Damaged("a page of it")

    monkeypatch.setattr(SpoolFile, "compact", damaged)
    monkeypatch.setattr(SpoolFile, "size", lambda _: 1 << 40)
    spool = _alive(tmp_path / "spool", 5)
    spool.sweep(LATER, WALL)
    spool.append(7, 6, [message(6)], LATER, WALL)
    spool.close(LATER, WALL)

    assert _told(_spool(tmp_path / "spool")) == [(number, "sample") for number in range(1, 7)]


def test_an_epoch_that_begins_with_the_number_after_the_last_ones_is_one_of_its_own(tmp_path: Path) -> None:
    spool = _alive(tmp_path / "spool", 5)
    spool.append(8, 6, [message(6, 8)], NOON, WALL)
    dead(spool)

    kept = _spool(tmp_path / "spool").kept()
    assert [(one.epoch, one.base, one.last) for one in kept] == [(7, 1, 5), (8, 6, 6)]


def test_a_journal_that_cannot_be_opened_for_now_keeps_nobody_from_the_file_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead(_alive(tmp_path / "spool", 5))

    def fails(journal: Journal) -> tuple[bytes, str]:
        raise OSError(errno.EMFILE, "too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "read", fails)
        spool = _spool(tmp_path / "spool")
        assert spool.kept() == []
    spool.append(8, 1, [message(1, 8)], NOON, WALL)

    assert [(one.epoch, one.base, one.last) for one in spool.kept()] == [(7, 1, 5), (8, 1, 1)]
    assert _told(spool) == [(number, "sample") for number in range(1, 6)]


def _seemed_to_fail(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Spool:
    """A spool of three messages of epoch 7, and two of epoch 8, of which it was told that they were not written."""
    write = SpoolFile.write

    def landed(file: SpoolFile, work):  # type: ignore[no-untyped-def]
        write(file, work)
        file.close()
        raise NoRoom("nobody knows whether it was done")

    spool = _alive(folder / "spool", 3)
    with monkeypatch.context() as patch:
        patch.setattr(SpoolFile, "write", landed)
        with pytest.raises(NoRoom):
            spool.append(8, 1, [message(1, 8), message(2, 8)], NOON, WALL)
    return spool


def test_of_what_a_commit_left_that_seemed_to_fail_the_rest_alone_is_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = _seemed_to_fail(tmp_path, monkeypatch)
    spool.append(8, 1, [message(number, 8) for number in range(1, 5)], NOON, WALL)

    assert _told(spool, 8) == [(number, "sample") for number in range(1, 5)]


def test_a_write_to_the_journal_that_failed_and_is_found_after_all_is_not_there_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = _alive(tmp_path / "spool", 3)
    assert spool._file is not None
    spool._file.close()

    def at(place: str) -> None:
        if place == "journal.written":
            raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(failpoints, "at", at)
    spool.append(7, 4, [message(4)], NOON, WALL)

    assert _told(spool) == [(number, "sample") for number in range(1, 5)]


def test_what_a_commit_left_that_seemed_to_fail_goes_when_its_messages_are_not_told_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = _seemed_to_fail(tmp_path, monkeypatch)
    assert spool.append(8, 5, [message(5, 8)], NOON, WALL) == [Evicted(8, 5, 0)]
    used = spool.status().bytes
    spool.close(NOON, WALL)

    again = _spool(tmp_path / "spool")
    assert [(kept.epoch, kept.base, kept.last) for kept in again.kept()] == [(7, 1, 3), (8, 5, 5)]
    assert (_told(again, 8), used) == ([(5, "sample")], 4 * cost(len(message(1))))
    assert again.status().dropped == 0


def test_what_a_commit_let_go_that_seemed_to_fail_and_was_done_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = SpoolLimits(bytes=4 * cost(len(message(1))))
    spool = Spool(tmp_path / "spool", limits, source="web-1", now=NOON, wall=WALL)
    spool.append(7, 1, [message(1), message(2)], NOON, WALL)
    write = SpoolFile.write

    def landed(self: SpoolFile, work: Callable[[Writing], list[Evicted]]) -> list[Evicted]:
        write(self, work)
        self.close()
        raise NoRoom("nobody knows whether it was done")

    with monkeypatch.context() as patch:
        patch.setattr(SpoolFile, "write", landed)
        with pytest.raises(NoRoom):
            spool.append(7, 3, [message(n) for n in (3, 4, 5)], NOON, WALL)
    evicted = spool.append(7, 3, [message(n) for n in (3, 4, 5)], NOON, WALL)

    assert evicted == [Evicted(7, 2, 1)]
    assert spool.status().dropped == 1
    assert _told(spool) == [(n, "sample") for n in range(2, 6)]


def test_what_stands_in_for_a_damaged_entry_of_the_journal_makes_room_as_others_do(tmp_path: Path) -> None:
    dead(_alive(tmp_path / "spool", 6))
    journal = tmp_path / "spool" / "journal"
    content = bytearray(journal.read_bytes())
    content[PAGE + 100] ^= 1
    journal.write_bytes(content)
    limits = SpoolLimits(bytes=10 * cost(len(message(1))))
    spool = Spool(tmp_path / "spool", limits, source="web-1", now=NOON, wall=WALL)
    evicted = [one for n in range(7, 20) for one in spool.append(7, n, [message(n)], NOON, WALL)]

    assert evicted[-1].base > 4
    assert sum(one.dropped for one in evicted) == evicted[-1].base - 1
    assert not spool.moved_aside
    assert _told(spool) == [(n, "sample") for n in range(evicted[-1].base, 20)]


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes a page of every file one that cannot be read."""
    pread = os.pread

    def broken(page: int) -> None:
        def read_one(file: int, size: int, at: int) -> bytes:
            if size == PAGE and at == page * PAGE:
                raise OSError(errno.EIO, "input/output error")
            return pread(file, size, at)

        monkeypatch.setattr(os, "pread", read_one)

    return broken


@pytest.mark.parametrize(("page", "missing"), [(0, 2), (2, 4), (7, None), (40, None)])
def test_a_page_of_the_journal_that_cannot_be_read_costs_its_message_and_is_told(
    tmp_path: Path, unreadable: Callable[[int], None], page: int, missing: int | None
) -> None:
    dead(_alive(tmp_path / "spool", 9))
    unreadable(page)
    spool = _spool(tmp_path / "spool")
    last = 8 if page == 7 else 9

    assert _told(spool) == [(n, "loss" if n == missing else "sample") for n in range(1, last + 1)]
    assert spool.journal_fault.startswith("cannot be read and is now ")
    assert not spool.moved_aside


def test_a_file_for_whose_making_there_was_no_room_can_be_made_by_the_same_process(tmp_path: Path) -> None:
    with pytest.raises(NoRoom) as kept:
        SpoolFile(tmp_path / "spool", 2 * PAGE)

    file = SpoolFile(tmp_path / "spool", 1 << 24)

    assert file.load()[0] == []
    assert kept.traceback, "whoever holds the error holds what it came from"
    file.close()


def test_a_head_for_which_there_is_no_room_is_no_damage_however_often_it_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = _alive(tmp_path / "spool", 5)

    def at(place: str) -> None:
        if place == "spool.commit":
            raise lmdb.PanicError("Update of meta page failed or environment had fatal error")

    with monkeypatch.context() as patch:
        patch.setattr(failpoints, "at", at)
        for _ in range(5):
            with pytest.raises(NoRoom):
                spool.sweep(LATER, WALL)
    spool.append(7, 6, [message(6)], LATER, WALL)

    assert not spool.moved_aside
    assert _told(spool) == [(number, "sample") for number in range(1, 7)]


def test_watermarks_that_were_heard_before_a_file_is_opened_anew_are_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = _seemed_to_fail(tmp_path, monkeypatch)
    spool.acknowledged(7, 2, 1)
    spool.acknowledged(7, 1, 2)
    spool.append(9, 1, [message(1, 9)], NOON, WALL)
    assert spool.kept()[0] == Kept(7, 1, 3, acked=1, once=2)
    spool.close(NOON, WALL)
    assert _spool(tmp_path / "spool").kept()[0] == Kept(7, 1, 3, acked=1, once=2)
