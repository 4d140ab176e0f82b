"""A store with an archive that is put back: what is in the archive answers on, and is missed while it is away."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from store.archive import files
from store.archive.mark import MARK
from store.backends.exchange import take_restored
from store.care.apart import MANIFEST
from store.care.restoring import checked, of_archive, prepare
from store.care.snapshots import snapshot
from store.care.verifying import verified
from store.keys import FAR
from tests.store.archive.archiving import Archiving, told_everything
from tests.store.given import DAY, HOUR, NOON, SECOND, sample
from tests.store.test_sealer import START, agree, messages


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Archiving]:
    """A store all of whose days are in its archive."""
    made = Archiving(tmp_path / "store")
    told_everything(made)
    made.archived()
    yield made
    made.close()


def put_back(store: Archiving) -> Archiving:
    """Copy the store and put the copy in its place, which is opened."""
    copy = store.path.with_name("copy")
    manifest, faults = snapshot(store.path, copy, archive=store.archive)
    assert faults == []
    assert checked(copy)[1].faults == []
    store.close()
    prepare(copy, store.path, manifest)
    take_restored(store.path)
    again = Archiving(store.path)
    again.reference = store.reference
    return again


def test_what_is_put_back_answers_from_the_archive_and_goes_on_moving(store: Archiving) -> None:
    again = put_back(store)
    agree(again)
    assert again.backend.statistics()["lacking"] == ""
    report = verified(again.path, archive=again.archive)
    assert (report.faults, report.missing, report.away) == ([], {}, "")
    again.told([sample(n, at=START + 5 * DAY + n * SECOND) for n in range(1, 50)], NOON + 5 * DAY)
    assert len(again.archived()) == 4
    agree(again)
    again.close()


def test_put_back_while_the_disk_is_away_it_waits_for_it_and_makes_nothing_there(store: Archiving) -> None:
    away = store.archive.with_name("away")
    store.archive.rename(away)
    store.archive.mkdir()  # where the disk is mounted
    again = put_back(store)
    again.told([sample(n, at=START + 5 * DAY + n * SECOND) for n in range(1, 50)], NOON + 5 * DAY)
    assert again.archived() == []
    assert list(again.archive.iterdir()) == []
    assert len(again.raw()) == 1, "what is due stays"
    assert again.backend.statistics()["lacking"].endswith("is its disk mounted?")
    report = verified(again.path, archive=again.archive)
    assert report.away.endswith("3 files of days are in it, 496 records")
    assert (report.faults, report.missing) == ([], {})
    again.close()

    again.archive.rmdir()
    away.rename(again.archive)
    mounted = Archiving(again.path)
    mounted.reference = again.reference
    assert len(mounted.archived()) == 4
    agree(mounted)
    report = verified(mounted.path, archive=mounted.archive)
    assert (report.faults, report.missing, report.away) == ([], {}, "")
    mounted.close()


def test_days_that_went_to_the_archive_since_are_there_once(tmp_path: Path) -> None:
    store = Archiving(tmp_path / "store")
    told_everything(store)
    store.mover.after = 400 * DAY
    assert store.archived() == []
    snapshot(store.path, tmp_path / "before", archive=store.archive)
    store.mover.after = DAY
    store.told([sample(n, at=START + 7 * HOUR + n * SECOND) for n in range(1, 50)], NOON + 2 * HOUR)
    assert len(store.archived()) == 3
    store.close()
    manifest, _ = checked(tmp_path / "before")
    prepare(tmp_path / "before", store.path, manifest)
    take_restored(store.path)
    again = Archiving(store.path)
    again.reference = store.reference
    for host in ("web-1", "db-1", "odd"):
        expected = messages(store.reference.rows("sample", host, 0, FAR))
        assert messages(again.backend.rows("sample", host, 0, FAR)) == expected
    # What came late since is in the archive alone: the rollups that were restored know nothing of it.
    assert len(again.archived()) == 3
    assert again.raw() == []
    agree(again)
    again.close()


def test_what_came_late_since_to_a_day_in_the_archive_is_in_its_rollups(store: Archiving, tmp_path: Path) -> None:
    snapshot(store.path, tmp_path / "before", archive=store.archive)
    store.told([sample(n, at=START + 7 * HOUR + n * SECOND) for n in range(1, 50)], NOON + 2 * HOUR)
    store.told([sample(n, at=START + 3 * DAY + n * SECOND) for n in range(1, 50)], NOON + 3 * DAY)
    assert len(store.archived()) == 4
    again = put_back_from(tmp_path / "before", store)
    again.reference = store.reference
    assert len(again.archived()) == 4
    assert again.raw() == []
    agree(again)
    assert not (again.path / "blocks" / "restored").exists()
    report = verified(again.path, archive=again.archive)
    assert (report.faults, report.missing, report.away) == ([], {}, "")
    again.close()


def test_a_day_that_vanished_from_the_archive_since_is_named_when_it_is_put_back(store: Archiving) -> None:
    copy = store.path.with_name("copy")
    manifest, _ = snapshot(store.path, copy, archive=store.archive)
    assert of_archive(copy, manifest, store.archive).endswith("3 files of days, 496 records: all are there.")
    first = next(path for path in files.files(store.archive) if "kind=sample" in str(path))
    first.unlink()
    assert of_archive(copy, manifest, store.archive).endswith("1 of them are not there any more.")
    again = put_back_from(copy, store)
    assert [one.file for one in verified(again.path, archive=again.archive).faults] == [str(first)]
    again.close()


def test_who_restores_is_told_what_becomes_of_the_archive(store: Archiving, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    manifest, _ = snapshot(store.path, copy, archive=store.archive)
    held = "3 files of days, 496 records"
    assert of_archive(copy, manifest, None) == (
        f"The store had an archive in {store.archive}, {held}, which the configuration does not name: they answer when"
        " [store] archive does."
    )
    assert of_archive(copy, manifest, tmp_path / "elsewhere") == (
        f"The archive {tmp_path / 'elsewhere'} is not there: is its disk mounted? {held} of it do not answer until it"
        " is there; nothing is lost, and nothing is moved there meanwhile."
    )
    (store.archive / MARK).write_text("another\n")
    assert "is that of another store" in of_archive(copy, manifest, store.archive)
    assert of_archive(copy, {**manifest, "archive": None}, None) == ""


@pytest.mark.parametrize("fails", ["the day", "its rollup", "writing it back"])
def test_a_day_in_the_archive_that_cannot_be_looked_at_for_a_moment_is_looked_at_later(
    store: Archiving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    snapshot(store.path, tmp_path / "before", archive=store.archive)
    store.told([sample(n, at=START + 7 * HOUR + n * SECOND) for n in range(1, 50)], NOON + 2 * HOUR)
    store.told([sample(n, at=START + 3 * DAY + n * SECOND) for n in range(1, 50)], NOON + 3 * DAY)
    assert len(store.archived()) == 4
    again = put_back_from(tmp_path / "before", store)
    again.reference = store.reference
    opened, of_system = Path.open, os.open
    name = {"the day": "day=2026-01-31/part.parquet", "writing it back": "raw/20260131T00.1d.new"}.get(fails, "-")

    def failing(path: Path, *given: Any, **named: Any) -> object:
        if str(path).endswith(name):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), str(path))
        return opened(path, *given, **named)

    def failing_of_system(path: str | Path, *given: int) -> int:
        if fails == "its rollup" and str(path).endswith("5m/20260131T00.1d"):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), str(path))
        return of_system(path, *given)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", failing)
        patched.setattr("store.blocks.segments.os.open", failing_of_system)
        with suppress(OSError):
            again.sealed()
        assert (again.path / "blocks" / "restored").exists(), "it is not looked through yet"
    assert len(again.archived()) == 4

    agree(again)
    assert not (again.path / "blocks" / "restored").exists()
    again.close()


def test_a_damaged_day_in_the_archive_ends_the_looking_through(store: Archiving) -> None:
    again = put_back(store)
    damaged = again.archive / "kind=sample" / "day=2026-01-31" / "part.parquet"
    damaged.write_bytes(damaged.read_bytes()[:100])
    again.sealed()

    assert not (again.path / "blocks" / "restored").exists()
    (aside,) = damaged.parent.iterdir()
    assert aside.name.startswith(".part.parquet.bad-")
    again.close()


def test_what_stands_beside_the_blocks_is_looked_at_as_all_else(store: Archiving, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    snapshot(store.path, copy, archive=store.archive)
    assert {"blocks/archive", "blocks/restored", "blocks/roll"} <= set(
        json.loads((copy / MANIFEST).read_text())["files"]
    )
    (copy / "blocks" / "archive").write_text("another\n")
    (copy / "blocks" / "roll").unlink()
    told = {one.file: one.what for one in checked(copy)[1].faults}
    assert told["blocks/roll"] == "is not there"
    assert told["blocks/archive"].startswith("is not the file that was copied")


def put_back_from(copy: Path, store: Archiving) -> Archiving:
    """Put a snapshot in the place of the store, which is opened."""
    store.close()
    prepare(copy, store.path, checked(copy)[0])
    take_restored(store.path)
    return Archiving(store.path)
