"""The file of a spool's journal, by itself: how it is made, filled, given up and made anew."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

import pytest

from bus import failpoints
from bus.spool import journal as journals
from bus.spool.entry import PAGE, found
from bus.spool.journal import Journal
from tests.descriptors import opened

LIFE = 0x1122334455667788


def _begun(path: Path, pages: int = 4) -> Journal:
    journal = Journal(path, pages * PAGE)
    assert journal.ready()
    journal.begin(LIFE)
    return journal


def _write(journal: Journal, number: int) -> bool:
    return journal.write(7, number, [b"one message"], 1.5, 9, [])


def _numbers(journal: Journal, life: int = LIFE) -> list[int]:
    return [entry.first for entry in found(journal.read()[0], life).entries]


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The places that have no room."""
    places: set[str] = set()

    def at(place: str) -> None:
        if place in places:
            raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(failpoints, "at", at)
    return places


def test_it_takes_entries_up_to_its_last_page(tmp_path: Path) -> None:
    journal = _begun(tmp_path / "journal")

    assert [_write(journal, number) for number in range(1, 6)] == [True, True, True, True, False]
    assert _numbers(journal) == [1, 2, 3, 4]
    assert journal.path.stat().st_size == 4 * PAGE


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    journal = _begun(tmp_path / "journal")

    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600


def test_what_no_life_stands_for_is_not_written(tmp_path: Path) -> None:
    journal = _begun(tmp_path / "journal")
    assert _write(journal, 1)
    journal.void()
    assert not journal.begun
    assert not _write(journal, 2)
    journal.begin(LIFE + 1)
    assert _write(journal, 3)
    journal.close()
    assert not journal.begun
    assert not _write(journal, 4)

    assert (_numbers(journal), _numbers(journal, LIFE + 1)) == ([], [3])


def test_one_that_failed_is_made_anew_as_soon_as_no_life_depends_on_it(tmp_path: Path, fail: set[str]) -> None:
    journal = _begun(tmp_path / "journal")
    fail.add("journal.written")
    assert not _write(journal, 1)
    fail.clear()
    assert journal.failed
    assert not journal.ready(), "what it holds may count"
    assert _numbers(journal) == [1]
    journal.void()

    assert journal.ready()
    assert journal.read() == (bytes(4 * PAGE), "")


def test_one_that_failed_and_cannot_be_removed_is_not_used(tmp_path: Path, fail: set[str]) -> None:
    journal = _begun(tmp_path / "journal")
    fail.add("journal.write")
    assert not _write(journal, 1)
    fail.clear()
    journal.path.unlink()
    journal.path.mkdir()
    journal.void()
    assert journal.failed
    assert not journal.ready()
    journal.path.rmdir()
    journal.void()
    journal.retry()

    assert journal.ready()
    assert not journal.failed


def test_it_is_not_used_before_its_name_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settled: list[Path] = []

    def settle(folder: Path) -> None:
        settled.append(folder)
        if len(settled) == 1:
            raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(journals, "sync_folder", settle)
    journal = Journal(tmp_path / "journal", 4 * PAGE)
    assert not journal.ready()
    journal.retry()

    assert journal.ready()
    assert settled == [tmp_path, tmp_path]
    journal.close()
    assert Journal(journal.path, 4 * PAGE).ready(), "whoever made it may have died before its name was durable"
    assert settled == [tmp_path, tmp_path, tmp_path]


def test_it_leaves_no_descriptors_behind(tmp_path: Path, fail: set[str]) -> None:
    fail.add("journal.make")
    assert not Journal(tmp_path / "journal", 4 * PAGE).ready()
    assert opened(tmp_path) == []
    fail.clear()
    journal = _begun(tmp_path / "journal")
    assert opened(tmp_path) == [str(journal.path)]
    journal.read()
    assert opened(tmp_path) == [str(journal.path)]
    journal.close()

    assert opened(tmp_path) == []
