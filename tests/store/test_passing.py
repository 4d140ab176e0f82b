"""An error that says nothing about a file is no damage, is told as what it is, and is over when it is over."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

import lmdb
import pytest

from bus import mapped
from bus.mapped import NOT_NOW, is_passing, room_for
from bus.questions import Range, Unanswered, pack_question, read_answer
from store.answers import Answers
from store.backends import StoreBroken, StoreFull
from store.backends.doubt import Presence
from store.backends.lmdb import LmdbBackend
from store.backends.walking import walked
from store.blocks.roll import ROLL, Roll, read_roll
from store.care import snapshots
from store.care.apart import Apart, Reading
from store.care.claiming import Refused
from store.care.verifying import verified
from store.columns import steps_of
from store.sealer import Pace, Sealer
from tests.store.care.caring import HOUR, filled, hour
from tests.store.given import MINUTE, NOON
from tests.store.test_stuck import seal

NAMES = ("sample/raw/20260131T12.1h", "sample/raw/20260131T13.1h")


def failing(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Let every environment fail to open."""

    def opened(*_: object, **__: object) -> None:
        raise lmdb.Error(f"somewhere: {os.strerror(code)}")

    monkeypatch.setattr(lmdb, "open", opened)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_what_the_system_says_of_a_disk_or_a_process_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    filled(tmp_path).close()
    assert is_passing(OSError(code, os.strerror(code)))
    assert not is_passing(lmdb.CorruptedError("MDB_CORRUPTED: Located page was wrong type"))
    failing(monkeypatch, code)
    assert walked(hour(tmp_path)) == NOT_NOW
    assert os.strerror(code) in Reading(tmp_path).answer("inspect", hour(tmp_path), None)["later"]


def test_what_cannot_be_read_now_makes_verify_say_so_and_not_call_it_damaged(tmp_path: Path) -> None:
    filled(tmp_path).close()

    class Later(Apart):
        """Cannot read a thing."""

        def ask(self, do: str, path: Path, to: Path | None = None) -> dict[str, object]:
            raise StoreBroken(f"{path}: too many open files")

    with pytest.raises(StoreBroken, match="too many open files"):
        verified(tmp_path, apart=Later(tmp_path))
    assert not list(tmp_path.glob("rows/*/*.doubt"))


def test_who_only_reads_does_so_on_a_disk_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data.mdb").touch()

    def allocated(path: Path, size: int) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(mapped, "allocated", allocated)
    with room_for(tmp_path, write=False):
        pass
    with pytest.raises(OSError, match="Read-only"), room_for(tmp_path):
        pass


def test_names_are_made_durable_until_something_is_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "rows" / "sample" / "20260131T12"
    folder.mkdir(parents=True)
    made: list[Path] = []
    monkeypatch.setattr(mapped, "sync_folder", made.append)
    lmdb.open(str(folder)).close()  # who made it was killed before its name was on the disk
    with room_for(folder), lmdb.open(str(folder)):
        pass
    assert made == [folder, folder.parent, folder.parent.parent, tmp_path]

    with room_for(folder), lmdb.open(str(folder)) as opened, opened.begin(write=True) as txn:
        txn.put(b"key", b"value")
    made.clear()
    with room_for(folder), lmdb.open(str(folder)):
        pass
    assert made == []


def test_a_partition_that_cannot_be_opened_now_is_sealed_when_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    backend = filled(tmp_path)
    pace = Pace(quiet=-(2**62))
    sealer = Sealer(tmp_path, backend.partitions, backend.layouts, pace, logging.getLogger("sealer"))
    sound = backend.partitions.scanned

    def full(path: Path) -> None:
        raise StoreFull(f"{path}: no space left on device")

    monkeypatch.setattr(backend.partitions, "scanned", full)
    assert not sealer.turn(NOON + 2 * HOUR)
    assert not sealer.turn(NOON + 2 * HOUR)
    said = [record.getMessage() for record in caplog.records if "cannot be sealed now" in record.getMessage()]
    assert len(said) == len(set(said)) > 0, "each once"
    assert sealer.done.damaged == 0
    monkeypatch.setattr(backend.partitions, "scanned", sound)
    assert sealer.turn(NOON + 2 * HOUR)
    sealer.close()
    backend.close()


def test_a_question_is_refused_while_a_partition_cannot_be_opened_and_that_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path).close()
    backend = LmdbBackend(tmp_path, write=False)

    with monkeypatch.context() as patched:
        failing(patched, errno.EMFILE)
        for asked in (
            lambda: backend.rows("sample", "web-1", 0, NOON + HOUR),
            lambda: backend.newest_rows("sample", "web-1", 0, NOON + HOUR, 1),
            lambda: backend.pieces("web-1", ("*",), steps_of(NOON, NOON + HOUR, MINUTE, 1000), NOON, NOON + HOUR),
        ):
            with pytest.raises(StoreBroken, match="Too many open files"):
                asked()
    assert backend.damaged == []
    assert backend.rows("sample", "web-1", 0, NOON + HOUR)
    backend.close()


def test_a_question_is_refused_while_a_block_cannot_be_opened_and_that_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = filled(tmp_path)
    sealer = seal(tmp_path, writer, NOON + 2 * HOUR)
    sealer.close()
    writer.close()
    backend = LmdbBackend(tmp_path, write=True)
    opened = os.open

    def refusing(path: str | Path, *given: int) -> int:
        if str(path).endswith(".1h"):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), str(path))
        return opened(path, *given)

    with monkeypatch.context() as patched:
        patched.setattr("store.blocks.segments.os.open", refusing)
        for asked in (
            lambda: backend.rows("sample", "web-1", 0, NOON + HOUR),
            lambda: backend.newest_rows("sample", "web-1", 0, NOON + HOUR, 10**6),
            lambda: backend.pieces("web-1", ("*",), steps_of(NOON, NOON + HOUR, MINUTE, 1000), NOON, NOON + HOUR),
        ):
            with pytest.raises(StoreBroken, match="Too many open files"):
                asked()
        backend.refresh()
        assert hour(tmp_path).exists(), "what is in a block is not known, and nothing is removed"
    assert backend.damaged == []
    assert backend.rows("sample", "web-1", 0, NOON + HOUR)
    backend.close()


def test_a_question_is_refused_while_a_folder_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path).close()
    backend = LmdbBackend(tmp_path, write=False)
    asked = Range("sample", "web-1", 0, NOON + HOUR, 10)
    question = pack_question(asked)

    def refusing(path: str) -> list[str]:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "listdir", refusing)
        with pytest.raises(Unanswered, match="cannot be read now: too many open files"):
            read_answer(asked, Answers(backend).to(question))
    assert len(read_answer(asked, Answers(backend).to(question)).records) == 10
    backend.close()


def test_a_marker_that_is_written_by_half_keeps_nobody_from_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path).close()
    monkeypatch.setattr(os, "pwrite", lambda file, data, at: len(data) // 2)
    presence = Presence(tmp_path)
    with presence.at(tmp_path / "state"):
        pass
    presence.close()
    backend = LmdbBackend(tmp_path, write=True)
    assert backend.rows("sample", "web-1", 0, NOON + HOUR)
    backend.close()


class Disk:
    """A disk that is full when it is told so: half of a line comes through, and nothing can be cut off.

    It writes each change elsewhere, so that there is no room for one either.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        write, change, cut = os.write, os.pwrite, os.ftruncate

        def half(file: int, data: bytes) -> int:
            return write(file, data[: len(data) // 2] if self.full else data)

        def changing(file: int, data: bytes, at: int) -> int:
            if self.full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return change(file, data, at)

        def cutting(file: int, size: int) -> None:
            if self.full:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            cut(file, size)

        monkeypatch.setattr(os, "write", half)
        monkeypatch.setattr(os, "pwrite", changing)
        monkeypatch.setattr(os, "ftruncate", cutting)


def test_half_a_line_of_the_roll_is_cut_off_before_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    roll, disk = Roll(tmp_path), Disk(monkeypatch)
    roll.call({NAMES[0]: 5})
    disk.full = True
    with pytest.raises(OSError, match="No space"):
        roll.call({NAMES[1]: 7})
    assert not (tmp_path / ROLL).read_bytes().endswith(b"\n")
    disk.full = False
    assert roll.strike([NAMES[0]])
    assert read_roll(tmp_path) == ({}, 2, [])
    roll.call({NAMES[0]: 5})
    assert read_roll(tmp_path)[0] == {NAMES[1]: 7, NAMES[0]: 5}, "what was owed is called with the next"


def test_what_went_and_could_not_be_struck_off_is_struck_off_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roll, disk = Roll(tmp_path), Disk(monkeypatch)
    roll.call(dict.fromkeys(NAMES, 5))
    disk.full = True
    assert not roll.strike([NAMES[0]])
    roll.gone([NAMES[0]])
    assert set(roll.files) == {NAMES[1]}
    assert set(read_roll(tmp_path)[0]) == set(NAMES)
    disk.full = False
    assert roll.strike([NAMES[1]])
    assert read_roll(tmp_path)[0] == {}
    with pytest.MonkeyPatch.context() as patch:
        Disk(patch).full = True
        with pytest.raises(OSError, match="No space"):
            roll.call({NAMES[0]: 5})
    assert roll.strike([NAMES[0]]), "it goes before it was called"
    roll.call({NAMES[1]: 5})
    assert set(read_roll(tmp_path)[0]) == {NAMES[1]}


def test_who_died_before_he_could_strike_off_what_a_day_has_leaves_nothing_that_is_missed(tmp_path: Path) -> None:
    backend = filled(tmp_path)
    sealer = seal(tmp_path, backend, NOON + 3 * 24 * HOUR)
    sealer.blocks.roll.call({NAMES[0]: 57, "sample/raw/20260131T20.1h": 3})  # type: ignore[union-attr]
    sealer.close()

    assert [fault.file for fault in verified(tmp_path).faults] == ["blocks/sample/raw/20260131T20.1h"]

    seal(tmp_path, backend, NOON + 3 * 24 * HOUR).close()
    assert NAMES[0] not in read_roll(tmp_path / "blocks")[0]
    assert "sample/raw/20260131T20.1h" in read_roll(tmp_path / "blocks")[0]
    backend.close()


def test_a_copy_on_a_disk_that_fails_calls_no_block_of_the_store_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = filled(tmp_path / "store")
    seal(tmp_path / "store", backend, NOON + 2 * HOUR).close()
    backend.close()

    def failing(file: Path, to: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(to))

    monkeypatch.setattr(snapshots, "_taken_over", failing)
    with pytest.raises(Refused, match="input/output error"):
        snapshots.snapshot(tmp_path / "store", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
