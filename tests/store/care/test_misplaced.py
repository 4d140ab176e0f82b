"""Files under others' names, of a later Guardia, cut short: each is named, costs itself alone, and all else goes on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.archive import files, parquet
from store.blocks.pressing import Damaged, Newer
from store.care.restoring import checked
from store.care.snapshots import snapshot
from store.care.verifying import verified
from store.keys import FAR
from store.pruning import Pruner, Room
from store.retention import Retention
from store.spans import RAW
from tests.store.archive.archiving import Archiving, told_everything
from tests.store.given import DAY, HOUR, NOON, SECOND, sample
from tests.store.test_sealer import LATER, START

FIRST, SECOND_DAY = "20260131T00.1d", "20260201T00.1d"
ROWS = {"web-1": 96, "db-1": 96, "odd": 5}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Archiving]:
    """A store with two days of samples in blocks."""
    made = Archiving(tmp_path / "store")
    made.mover.after = 400 * DAY
    told_everything(made)
    made.archived()
    yield made
    made.close()


def swap(one: Path, other: Path) -> None:
    """Give two files each other's name."""
    between = one.with_name("between")
    one.rename(between)
    other.rename(one)
    between.rename(other)


def told_late(store: Archiving) -> None:
    """Have rows come late to both days, and let the sealer and the writer do what is due."""
    for day in (0, 1):
        at = START + day * DAY + 7 * HOUR
        store.told([sample(900 + n, at=at + n * SECOND) for n in range(1, 30)], NOON + 2 * HOUR)
    store.sealed()
    store.unlink()
    store.sealed()


def held(store: Archiving) -> dict[str, int]:
    """How many rows answer, of each host."""
    return {host: len(store.backend.rows("sample", host, 0, FAR)) for host in ROWS}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"sample/raw/{FIRST}", f"sample/raw/{SECOND_DAY}"),
        (f"sample/raw/{FIRST}", f"check/raw/{FIRST}"),
        (f"sample/1m/{FIRST}", f"sample/5m/{FIRST}"),
        (f"sample/5m/{FIRST}", f"sample/5m/{SECOND_DAY}"),
    ],
)
def test_files_that_were_given_each_others_names_are_named_and_not_taken_for_what_they_are_not(
    store: Archiving, one: str, other: str
) -> None:
    blocks = store.path / "blocks"
    swap(blocks / one, blocks / other)
    faults = {fault.file: fault.what for fault in verified(store.path).faults}
    assert faults == {
        f"blocks/{one}": f"it is {other} under another name",
        f"blocks/{other}": f"it is {one} under another name",
    }
    manifest, left_out = snapshot(store.path, store.path.with_name("copy"))
    assert left_out == []
    assert {fault.file for fault in checked(store.path.with_name("copy"))[1].faults} == faults.keys()
    told_late(store)  # it comes to an end
    assert store.sealed() == 0
    aside = {path.name.partition(".bad-")[0] for path in blocks.glob("*/*/*.bad-*")}
    assert aside <= {FIRST, SECOND_DAY}
    if "/raw/" not in one:
        assert held(store) == {"web-1": 96 + 58, "db-1": 96, "odd": 5}
        assert verified(store.path).faults == []
    assert manifest["files"]


def test_days_of_the_archive_that_were_given_each_others_names_are_named(store: Archiving) -> None:
    store.mover.after = DAY
    store.archived()
    days = [store.archive / f"kind=sample/day={day}/part.parquet" for day in ("2026-01-31", "2026-02-01")]
    swap(*days)
    faults = {fault.file: fault.what for fault in verified(store.path, archive=store.archive).faults}
    assert faults == {
        str(days[0]): "it is kind=sample/day=2026-02-01/part.parquet under another name",
        str(days[1]): "it is kind=sample/day=2026-01-31/part.parquet under another name",
    }
    assert held(store) == dict.fromkeys(ROWS, 0)
    told_late(store)
    assert held(store)["web-1"] == 58


def test_a_file_of_a_later_guardia_is_left_alone(store: Archiving, caplog: pytest.LogCaptureFixture) -> None:
    path = store.path / "blocks/sample/raw" / FIRST
    data = bytearray(path.read_bytes())
    data[4] = 9
    path.write_bytes(data)
    [fault] = verified(store.path).faults
    assert (fault.file, fault.what) == (
        f"blocks/sample/raw/{FIRST}",
        "the index: is of version 9, this Guardia reads up to 1",
    )
    told_late(store)
    store.mover.after = DAY
    store.archived()
    assert path.read_bytes() == bytes(data)
    assert held(store)["web-1"] == 36 + 58, "what came late answers from rows"
    said = [record.getMessage() for record in caplog.records if record.name == "sealer"]
    assert len(said) == len(set(said)), "each is said once"


def test_a_day_of_the_archive_of_a_later_guardia_is_left_alone(
    store: Archiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.mover.after = DAY
    with monkeypatch.context() as later:
        later.setattr("store.archive.index.VERSION", 2)
        store.archived()
        path = store.archive / "kind=sample/day=2026-01-31/part.parquet"
        data = path.read_bytes()
    store.mover.archive.close()
    store.backend._past.close()
    with pytest.raises(Newer, match="of version 2"):
        parquet.Archived(path)
    told_late(store)
    store.archived()
    assert path.read_bytes() == data
    assert any(
        "is of version 2, this Guardia reads up to 1" in fault.what
        for fault in verified(store.path, archive=store.archive).faults
    )


def test_a_damaged_host_in_the_archive_does_not_keep_the_others_from_coming_back(store: Archiving) -> None:
    store.mover.after = DAY
    store.archived()
    path = store.archive / "kind=sample/day=2026-01-31/part.parquet"
    damaged = next(one for one in range(200, 6000, 40) if _hurt(path, one) == {"db-1"})
    assert damaged
    told_late(store)
    assert held(store) == {"web-1": 96 + 58, "db-1": 36, "odd": 5}
    assert not list(store.path.glob("rows/sample/*/data.mdb"))
    assert list(path.parent.glob(".part.parquet.bad-*"))
    assert len(files.files(store.archive)) == 3


def _hurt(path: Path, at: int) -> set[str]:
    """Zero some bytes, and tell whose rows cannot be read; if it is not db-1 alone all is as before."""
    whole = path.read_bytes()
    path.with_name("hurt").write_bytes(whole[:at] + bytes(40) + whole[at + 40 :])
    path.with_name("hurt").rename(path)
    hurt = set()
    try:
        file = parquet.Archived(path)
    except Damaged:
        hurt = set(ROWS)
    else:
        for host in ROWS:
            try:
                file.rows_of(host)
            except Damaged:
                hurt.add(host)
        file.close()
    if hurt != {"db-1"}:
        path.write_bytes(whole)
    return hurt


def test_a_roll_that_lost_its_end_misses_nothing(store: Archiving) -> None:
    roll = store.path / "blocks" / "roll"
    lines = roll.read_bytes().splitlines(keepends=True)
    roll.write_bytes(b"".join(lines[: len(lines) // 2]))
    report = verified(store.path)
    assert [fault.file for fault in report.faults] == ["blocks/roll"]
    assert "files are there that it does not name" in report.faults[0].what
    assert report.missing == {}
    store.close()
    again = Archiving(store.path)
    report = verified(store.path)
    assert (report.faults, report.missing) == ([], {})
    again.close()


def test_what_was_put_aside_is_in_no_snapshot_and_goes_in_its_time(store: Archiving) -> None:
    path = store.path / "blocks/sample/raw" / FIRST
    path.write_bytes(path.read_bytes()[:-9])
    told_late(store)
    assert len(verified(store.path).put_aside) == 1
    assert verified(store.path).faults == []
    snapshot(store.path, store.path.with_name("copy"))
    assert checked(store.path.with_name("copy"))[1].faults == []
    usual = {RAW: 30 * DAY, "1m": 400 * DAY, "5m": 400 * DAY, "1h": 400 * DAY, "records": 400 * DAY}
    pruner = Pruner(store.sealer.blocks, Retention(usual), Room(), logging.getLogger("sealer"))
    pruner.turn(LATER)
    assert len(verified(store.path).put_aside) == 1
    pruner.turn(START + 31 * DAY)
    assert verified(store.path).put_aside == []
