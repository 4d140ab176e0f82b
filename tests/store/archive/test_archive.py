"""Days in the archive answer as before: bit for bit, each once, whatever came late, was damaged or cut short."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from bus.messages import KINDS, Facts, Loss
from bus.questions import Series, SeriesAnswer
from store.answers import answer
from store.archive import files
from store.archive.parquet import EXTRA
from store.backends.lmdb import LmdbBackend
from store.backends.memory import MemoryBackend
from store.care.inspecting import inspect_archived
from store.care.verifying import verified
from store.columns import Steps
from store.exporting.parquet import schema_of
from store.pieces import Piece
from store.pruning import Pruner, Room, held
from store.retention import Retention, Rule
from tests.store.archive.archiving import FLOATS, Archiving, told_everything
from tests.store.given import DAY, HOUR, MINUTE, NOON, SECOND, sample, told
from tests.store.test_sealer import LATER, START, TWO_DAYS, agree, messages

PLACES = ("archive.write", "archive.before_rename", "archive.after_rename", "archive.unlink", "archive.back")


def test_what_is_archived_answers_as_before_bit_for_bit(store: Archiving) -> None:
    told_everything(store)
    expected = store.reference.rows("sample", "odd", 0, LATER)
    assert store.archived() == [
        "kind=check/day=2026-01-31/part.parquet",
        "kind=sample/day=2026-01-31/part.parquet",
        "kind=sample/day=2026-02-01/part.parquet",
    ]
    assert store.raw() == []
    agree(store)
    found = store.backend.rows("sample", "odd", 0, LATER)
    assert [row[2][-16:] for row in found] == [row[2][-16:] for row in expected]
    question = Series("web-1", ("cpu.*",), START + 7 * HOUR, START + 8 * HOUR - 1, step=10 * SECOND)
    told: SeriesAnswer = answer(store.backend, question)
    assert told.tier == "archive"
    assert sum(told.columns[0].count) == 12
    assert store.backend.finest("web-1", START + HOUR) == 0
    assert store.backend.damaged == []
    assert store.sealed() == 0


def test_duckdb_and_pandas_read_it(store: Archiving) -> None:
    told_everything(store)
    store.archived()
    table = f"read_parquet('{store.archive}/kind=sample/**/*.parquet', hive_partitioning = true)"
    found = duckdb.sql(f"SELECT host, metric, count(*) FROM {table} GROUP BY ALL ORDER BY ALL")
    assert found is not None
    assert found.fetchall() == [
        (host, metric, count)
        for host, count in (("db-1", 96), ("odd", 5), ("web-1", 96))
        for metric in ("cpu.percent", "memory.used")
    ]
    messages = duckdb.sql(f"SELECT count(received), count(DISTINCT day) FROM {table}")
    assert messages is not None
    assert messages.fetchall() == [(197, 2)]
    frame = pd.read_parquet(store.archive / "kind=check")
    assert set(frame.status) == {"up", "down"}
    assert set(frame.subject) == {"shop"}


def test_no_kind_has_two_columns_of_one_name() -> None:
    for kind in KINDS:
        assert not set(schema_of(kind).names) & set(EXTRA.names), kind


def test_where_nothing_is_archived_the_same_is_answered_again_until_it_is(store: Archiving) -> None:
    store.mover.after = 400 * DAY
    told_everything(store)
    store.archived()
    for folder in (*store.path.glob("rows/*"), *store.path.glob("blocks/*/*")):
        os.utime(folder, (1, 1))  # what changed just now is listed again and again

    def ask() -> list[Piece]:
        grid = Steps(START + 7 * HOUR, 10 * SECOND, 360)
        return store.backend.pieces("web-1", ("cpu.*",), grid, START + 7 * HOUR, START + 8 * HOUR - 1)

    first = ask()
    assert [piece.tier for piece in first] == ["blocks"]
    assert ask() is first
    store.mover.after = DAY
    assert len(store.archived()) == 3
    assert [piece.tier for piece in ask()] == ["archive"]


def test_a_young_day_and_one_with_rows_stay(store: Archiving) -> None:
    store.mover.after = 400 * DAY
    told_everything(store)
    assert store.archived() == []
    store.mover.after = DAY
    store.told([sample(999, at=START + HOUR + MINUTE)], NOON + 1)
    # What came late is in the block by now, but its rows are there too until the writer removes them.
    store.sealed()
    assert len(files.files(store.archive)) == 2
    agree(store)
    assert len(store.archived()) == 3
    agree(store)


def test_what_comes_late_joins_its_day_and_the_rollups(store: Archiving) -> None:
    told_everything(store)
    store.archived()
    store.told([sample(n, at=START + 7 * HOUR + n * SECOND) for n in range(1, 50)], NOON + 2 * HOUR)
    store.told(TWO_DAYS[::5], NOON + 3 * HOUR)
    agree(store)
    while store.sealer.turn(LATER):
        found = store.backend.rows("sample", "web-1", 0, LATER)
        assert messages(found) == messages(store.reference.rows("sample", "web-1", 0, LATER))
    agree(store)
    store.unlink()
    agree(store)
    assert len(store.archived()) == 3
    assert store.raw() == []
    agree(store)


def test_a_block_of_other_rows_is_put_together_with_what_is_archived(store: Archiving) -> None:
    told_everything(store)
    store.archived()
    # The archive's disk was away when rows came late: their block knows nothing of the day's other rows.
    away = store.archive.with_name("away")
    store.archive.rename(away)
    store.mover.after = 400 * DAY
    store.told([sample(n, at=START + 7 * HOUR + n * SECOND) for n in range(1, 50)], NOON + 2 * HOUR)
    store.sealed()
    store.unlink()
    away.rename(store.archive)
    question = Series("web-1", ("*",), START + 7 * HOUR, START + 8 * HOUR - 1, step=10 * SECOND)

    def counts(backend: LmdbBackend | MemoryBackend) -> list[int]:
        found: SeriesAnswer = answer(backend, question)
        return [sum(column.count) for column in found.columns]

    assert counts(store.backend) == counts(store.reference)
    store.mover.after = DAY
    assert len(store.archived()) == 3
    assert counts(store.backend) == counts(store.reference)
    assert store.raw() == []


def test_a_damaged_file_is_named_and_costs_that_file(store: Archiving) -> None:
    told_everything(store)
    store.archived()
    path = store.archive / "kind=sample/day=2026-01-31/part.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    rows = store.backend.rows("sample", "web-1", START, START + 2 * DAY - 1)
    assert len(rows) == 3 * 12
    assert any(str(path) in damage for damage in store.backend.damaged)
    report = verified(store.path, archive=store.archive)
    assert [fault.file for fault in report.faults] == [str(path)]
    store.told([sample(999, at=START + HOUR + MINUTE)], NOON + 1)
    store.archived()
    assert list(path.parent.glob(".part.parquet.bad-*"))
    assert len(store.backend.rows("sample", "web-1", START, START + DAY - 1)) == 1


def test_any_flipped_byte_is_found(store: Archiving) -> None:
    told_everything(store)
    store.archived()
    path = store.archive / "kind=sample/day=2026-01-31/part.parquet"
    assert verified(store.path, archive=store.archive).faults == []
    whole = path.read_bytes()
    expected = {host: store.backend.rows("sample", host, 0, LATER) for host in ("web-1", "db-1", "odd")}
    named = 0
    for place in range(8, len(whole), max(1, len(whole) // 80)):
        data = bytearray(whole)
        data[place] ^= 16
        path.with_name("fresh").write_bytes(data)
        path.with_name("fresh").rename(path)
        found = {host: store.backend.rows("sample", host, 0, LATER) for host in expected}
        assert all(set(rows) <= set(expected[host]) for host, rows in found.items()), place
        fault = bool(inspect_archived(path).faults)
        # What is of no use to a reader, as statistics, may change unseen.
        assert fault or found == expected, place
        named += fault
    assert named > 20


def test_a_column_whose_name_is_damaged_is_a_file_that_is(store: Archiving) -> None:
    told_everything(store)
    store.archived()
    path = store.archive / "kind=sample/day=2026-01-31/part.parquet"
    data = path.read_bytes()
    at = data.index(b"value", len(data) - int.from_bytes(data[-8:-4], "little") - 8)
    path.with_name("fresh").write_bytes(data[:at] + b"walue" + data[at + 5 :])
    path.with_name("fresh").rename(path)
    assert store.backend.rows("sample", "web-1", START, START + DAY - 1) == []
    assert inspect_archived(path).faults


def test_a_damaged_block_stays_where_it_is(store: Archiving) -> None:
    told_everything(store)
    store.mover.after = 400 * DAY
    store.archived()
    path = store.path / "blocks/sample/raw/20260131T00.1d"
    data = bytearray(path.read_bytes())
    data[60] ^= 1
    path.write_bytes(data)
    store.mover.after = DAY
    assert len(store.archived()) == 2
    assert store.raw() == [path]
    (only,) = [one for one in held(store.path / "blocks") if one.tier == "raw"]
    assert not store.mover.spares(only, LATER)


def test_what_is_past_its_time_is_dropped_and_counted(store: Archiving) -> None:
    told_everything(store)
    store.archived()
    pruner = Pruner(store.sealer.blocks, Retention({}), Room(), logging.getLogger("sealer"))
    store.mover.dropped = lambda kind, rows: pruner.dropped(kind, "raw", rows)
    store.mover.keep = LATER - (START + DAY)
    store.sealed()
    assert [path.parts[-3:-1] for path in files.files(store.archive)] == [("kind=sample", "day=2026-02-01")]
    assert store.backend.statistics()["deleted"] == {"sample": 5 * 24 + len(FLOATS), "check": 299}


def test_what_is_due_for_the_archive_is_not_dropped_for_its_age(store: Archiving) -> None:
    told_everything(store)
    store.mover.after = 400 * DAY
    store.archived()
    usual = {"raw": 7 * DAY, "1m": 400 * DAY, "5m": 400 * DAY, "1h": 400 * DAY, "records": 7 * DAY}
    pruner = Pruner(store.sealer.blocks, Retention(usual), Room(), logging.getLogger("sealer"))
    pruner.spared = store.mover.spares
    store.mover.after = DAY
    assert pruner.turn(LATER) == 0
    store.archived()
    agree(store)


def test_who_is_kept_for_less_than_until_the_archive_does_not_come_into_it(store: Archiving) -> None:
    # As when both are set at once, for what is old already: nothing was dropped by that rule before.
    told_everything(store)
    store.mover.after = 400 * DAY
    store.archived()
    years = dict.fromkeys(("raw", "1m", "5m", "1h", "records"), 400 * DAY)
    rules = (Rule(("odd",), {"raw": HOUR}), Rule(("shop",), {"records": HOUR}), Rule(("web-*",), {"raw": 300 * DAY}))
    pruner = Pruner(store.sealer.blocks, Retention(years, rules), Room(), logging.getLogger("sealer"))
    pruner.spared = store.mover.spares
    store.mover.thin = lambda one, now: pruner.thin(one, now, DAY)
    store.mover.after = DAY
    assert store.archived() == [
        "kind=sample/day=2026-01-31/part.parquet",
        "kind=sample/day=2026-02-01/part.parquet",
    ]
    assert store.raw() == [], "of the checks nobody was left"
    assert store.backend.rows("sample", "odd", 0, LATER) == []
    assert len(store.backend.rows("sample", "web-1", 0, LATER)) == len(
        store.reference.rows("sample", "web-1", 0, LATER)
    )
    assert store.backend.statistics()["deleted"] == {"sample": len(FLOATS), "check": 299}
    assert verified(store.path, archive=store.archive).missing == {}


def test_nobody_is_thinned_and_nothing_moved_or_dropped_by_a_clock_that_may_be_wrong(store: Archiving) -> None:
    told_everything(store)
    store.mover.after = 400 * DAY
    store.archived()
    years = dict.fromkeys(("raw", "1m", "5m", "1h", "records"), 400 * DAY)
    rules = (Rule(("odd",), {"raw": HOUR}),)
    pruner = Pruner(store.sealer.blocks, Retention(years, rules), Room(), logging.getLogger("sealer"))
    store.mover.thin = lambda one, now: pruner.thin(one, now, DAY)
    store.mover.after = DAY
    store.mover.drops = False
    before = store.raw()
    assert store.archived() == []
    assert store.raw() == before
    assert len(store.backend.rows("sample", "odd", 0, LATER)) == len(FLOATS)

    store.mover.drops = True
    assert len(store.archived()) == 3
    assert store.backend.rows("sample", "odd", 0, LATER) == []


def test_statistics_name_the_archive_apart(store: Archiving) -> None:
    told_everything(store)
    store.archived()
    found = store.backend.statistics()
    counted, size, start, end = found["tiers"]["sample/archive"]
    assert (counted, start, end) == (2, START, START + 2 * DAY)
    assert size > 0
    assert "sample/raw" not in found["tiers"]


@pytest.mark.parametrize("place", PLACES)
def test_a_death_at_any_step_leaves_answers_whole(tmp_path: Path, place: str) -> None:
    store = Archiving(tmp_path / "store")
    told_everything(store)
    store.mover.after = 400 * DAY
    store.archived()
    if place == "archive.back":
        store.mover.after = DAY
        store.archived()
        store.told([sample(n, at=START + 7 * HOUR + n * SECOND) for n in range(1, 50)], NOON + 2 * HOUR)
    store.close()
    died = subprocess.run(
        [sys.executable, "-m", "tests.store.sealing", str(store.path), str(LATER), str(store.archive)],
        env={**os.environ, "GUARDIA_FAULTS": f"{place}=kill@1"},
        check=False,
        capture_output=True,
    )
    assert died.returncode == -9, died.stderr.decode()
    again = Archiving(store.path)
    again.reference = store.reference
    agree(again)
    assert len(again.archived()) == 3
    agree(again)
    assert again.raw() == []
    assert not list(again.archive.rglob("*.new"))
    again.close()


def test_numbers_of_64_bits_are_moved_and_hold_up_nothing(store: Archiving) -> None:
    epoch = 2**64 - 3
    store.told([told(Loss("web-1", epoch, 1, 7, "dropped"), 1), told(Facts(kernel="6.1", memory_total=2**63), 2)])
    assert store.archived() == ["kind=facts/day=2026-01-31/part.parquet", "kind=loss/day=2026-01-31/part.parquet"]
    for kind in ("facts", "loss"):
        assert messages(store.backend.rows(kind, "web-1", 0, LATER)) == messages(
            store.reference.rows(kind, "web-1", 0, LATER)
        )
    assert pd.read_parquet(store.archive / "kind=loss").epoch.tolist() == [epoch]
    assert pd.read_parquet(store.archive / "kind=facts").kernel.tolist() == ["6.1"]
