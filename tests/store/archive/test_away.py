"""An archive that is not there, is another's, is lost, or lacks a day: said, missed, and never made anew unasked."""

from __future__ import annotations

import errno
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from bus.questions import Series, SeriesAnswer
from store.answers import answer
from store.archive import files
from store.archive.mark import MARK, OURS, Mark
from store.care.verifying import verified
from tests.store.archive.archiving import Archiving, told_everything
from tests.store.given import DAY, NOON, SECOND, sample
from tests.store.test_sealer import START, agree


def seen(store: Archiving, *, away: bool) -> None:
    """Wait until who answers has seen it."""
    end = time.monotonic() + 30
    while bool(store.backend.statistics()["lacking"]) != away:
        assert time.monotonic() < end
        time.sleep(0.05)
    store.backend.refresh()


def test_an_archive_whose_disk_is_not_mounted_is_said_to_be_away_and_not_made_anew(
    store: Archiving, caplog: pytest.LogCaptureFixture
) -> None:
    told_everything(store)
    assert store.archived()
    assert verified(store.path, archive=store.archive).faults == []
    whole = Series("web-1", ("*",), START, START + 2 * DAY - 1, step=10 * SECOND)
    before: SeriesAnswer = answer(store.backend, whole)
    elsewhere = store.archive.with_name("elsewhere")
    store.archive.rename(elsewhere)
    store.archive.mkdir()  # where the disk was mounted
    store.told([sample(n, at=START + 5 * DAY + n * SECOND) for n in range(1, 50)], NOON + 5 * DAY)

    seen(store, away=True)
    store.sealed()
    store.unlink()
    store.sealed()

    assert list(store.archive.iterdir()) == []
    assert [path.name for path in store.raw()] == ["20260205T00.1d"], "what is due stays"
    assert store.backend.statistics()["lacking"].endswith("is not there: is its disk mounted?")
    assert store.backend.damage()["archive_away"] == 1.0
    said = [record.getMessage() for record in caplog.records if "is its disk mounted?" in record.getMessage()]
    assert len(said) == 2, "the sealer says it once, and who answers"
    after: SeriesAnswer = answer(store.backend, whole)
    assert after.coverage < before.coverage / 2
    report = verified(store.path, archive=store.archive)
    assert report.away == (
        f"the archive {store.archive} is not there: is its disk mounted? 3 files of days are in it, 496 records"
    )
    assert (report.faults, report.missing) == ([], {})

    store.archive.rmdir()
    elsewhere.rename(store.archive)
    seen(store, away=False)
    store.sealed()
    assert store.raw() == []
    assert store.backend.statistics()["lacking"] == ""
    assert store.backend.damage()["archive_away"] == 0.0
    agree(store)
    report = verified(store.path, archive=store.archive)
    assert (report.faults, report.away) == ([], "")


def test_an_archive_of_another_store_is_not_taken_for_the_own(store: Archiving) -> None:
    told_everything(store)
    assert len(store.archived()) == 3
    (store.archive / "guardia-archive").write_text("0123456789abcdef\n")
    seen(store, away=True)
    store.told([sample(n, at=START + 5 * DAY + n * SECOND) for n in range(1, 50)], NOON + 5 * DAY)
    assert len(store.archived()) == 3
    assert len(store.raw()) == 1, "what is due stays"
    assert store.backend.statistics()["lacking"] == f"the archive {store.archive} is that of another store"
    assert verified(store.path, archive=store.archive).away.startswith(
        f"the archive {store.archive} is that of another"
    )


def test_an_archive_that_is_lost_for_good_is_begun_anew_when_its_mark_is_removed(store: Archiving) -> None:
    told_everything(store)
    store.archived()
    shutil.rmtree(store.archive)
    (store.path / "blocks" / OURS).unlink()
    assert len(verified(store.path, archive=store.archive).faults) == 3
    store.told([sample(n, at=START + 5 * DAY + n * SECOND) for n in range(1, 50)], NOON + 5 * DAY)
    assert store.archived() == ["kind=sample/day=2026-02-05/part.parquet"]
    report = verified(store.path, archive=store.archive)
    assert (report.faults, report.away, report.missing) == ([], "", {})


@pytest.mark.parametrize("unread", [OURS, MARK])
def test_a_mark_that_cannot_be_read_now_is_not_taken_for_none(
    unread: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else another one took its place, and what is in the archive was given up."""
    (tmp_path / MARK).write_text("of another store\n")
    given_up: list[str] = []
    mark = Mark(tmp_path, tmp_path / OURS)
    reading = Path.read_text

    def failing(path: Path) -> str:
        if path.name == unread:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), str(path))
        return reading(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_text", failing)
        with pytest.raises(OSError, match="Too many open files"):
            mark.claim(lambda: given_up.append("all"))
    assert given_up == []
    assert [path.name for path in tmp_path.iterdir()] == [MARK]
    assert (tmp_path / MARK).read_text() == "of another store\n"


def test_a_day_that_vanished_from_the_archive_is_missed(store: Archiving) -> None:
    told_everything(store)
    store.archived()
    first = next(path for path in files.files(store.archive) if "kind=sample" in str(path))
    first.unlink()

    report = verified(store.path, archive=store.archive)

    assert [fault.file for fault in report.faults] == [str(first)]
    assert report.missing["sample"] > 0
    assert verified(store.path).faults == [], "who does not look into the archive does not miss it"


def test_a_disk_that_hung_up_before_the_sealers_start_holds_up_nothing_else(
    store: Archiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_everything(store)
    assert len(store.archived()) == 3
    left = store.archive / "kind=sample" / "day=2026-01-31" / ".part.parquet.new"
    left.touch()
    store.close()
    listing, reading = os.listdir, Path.read_text

    def hung_up(path: Any = ".") -> list[str]:
        if str(path).startswith(str(store.archive)):
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))
        return listing(path)

    def unread(path: Path, *more: Any, **named: Any) -> str:
        hung_up(path) if path.is_relative_to(store.archive) else None
        return reading(path, *more, **named)

    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", hung_up)
        patch.setattr(Path, "read_text", unread)
        again = Archiving(store.path)
        again.reference = store.reference
        again.told([sample(n, at=START + 5 * DAY + n * SECOND) for n in range(1, 50)], NOON + 5 * DAY)
        assert again.sealed() > 0
        assert [path.name for path in again.raw()] == ["20260205T00.1d"]
    seen(again, away=False)
    assert len(again.archived()) == 4
    assert not left.exists()
    agree(again)
    again.close()
