"""What is exported as Parquet, read by DuckDB and pandas, is what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from bus.messages import Facts, Loss
from bus.questions import Question
from store.exporting import parquet
from store.exporting.past import Past
from tests.store.exporting.test_exporting import Ask, past, store
from tests.store.given import DAY, HOUR, NOON, check, sample, told


def as_parquet(folder: Path, found: Past, kind: str = "sample", globs: tuple[str, ...] = ("*",)) -> int:
    """Write everything; how many rows."""
    extents = found.extents()
    rows = 0
    for day, here in found.days(extents):
        *_, last = parquet.write_day(folder, kind, day, found, here, globs)
        rows += last
    return rows


@pytest.fixture
def three_days() -> Ask:
    """Two hosts, a reading every six hours for three days."""
    return store(
        *(sample(n, host=host, at=NOON + n * 6 * HOUR) for host in ("web-1", "db-1") for n in range(1, 12)),
        check(0),
        check(1, "down"),
    )


def test_duckdb_and_pandas_read_what_was_stored(three_days: Ask, tmp_path: Path) -> None:
    assert as_parquet(tmp_path, past(three_days)) == 2 * 11 * 2
    assert sorted(path.parent.name for path in tmp_path.rglob("*.parquet")) == [
        "day=2026-01-31",
        "day=2026-02-01",
        "day=2026-02-02",
        "day=2026-02-03",
    ]
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]

    files = f"{tmp_path}/**/*.parquet"
    rows = duckdb.sql(
        f"SELECT host, metric, count(*), max(value), epoch_ns(min(time)) FROM "
        f"read_parquet('{files}', hive_partitioning = true) WHERE kind = 'sample' GROUP BY ALL ORDER BY ALL"
    )
    assert rows is not None
    assert rows.fetchall() == [
        (host, metric, 11, top, NOON + 6 * HOUR)
        for host in ("db-1", "web-1")
        for metric, top in (("cpu.percent", 11.0), ("memory.used", 1100.0))
    ]
    day = duckdb.sql(f"SELECT count(*) FROM read_parquet('{files}') WHERE day = '2026-02-01'")
    assert day is not None
    assert day.fetchall() == [(16,)]

    frame = pd.read_parquet(tmp_path)
    web = frame[(frame.host == "web-1") & (frame.metric == "cpu.percent")].sort_values("time")
    assert web.value.tolist() == [float(n) for n in range(1, 12)]
    assert [int(one.value) for one in web.time] == [NOON + n * 6 * HOUR for n in range(1, 12)]


def test_decades_of_nothing_costs_some_questions(tmp_path: Path) -> None:
    asked: list[Question] = []
    days = (11_400, 11_401, 20_000, 20_003)
    answers = store(
        *(sample(1, host="old", at=day * DAY + 5) for day in days),
        *(sample(1, host="new", at=day * DAY + 7) for day in (20_001, 20_003)),
    )

    def ask(question: Question) -> Any:
        asked.append(question)
        return answers(question)

    assert as_parquet(tmp_path, past(ask)) == 12
    found = sorted(path.parent.name for path in tmp_path.rglob("*.parquet"))
    assert found == [f"day={pd.Timestamp(day, unit='D').date()}" for day in (11_400, 11_401, 20_000, 20_001, 20_003)]
    assert len(asked) < 250


def test_checks_have_columns_of_their_own_types(three_days: Ask, tmp_path: Path) -> None:
    assert as_parquet(tmp_path, past(three_days, "check"), "check") == 2
    frame = pd.read_parquet(tmp_path)
    assert frame.status.tolist() == ["up", "down"]
    assert frame.subject.tolist() == ["shop", "shop"]
    assert set(frame.kind.astype(str)) == {"check"}


def test_the_same_export_again_replaces_and_adds_nothing(three_days: Ask, tmp_path: Path) -> None:
    as_parquet(tmp_path, past(three_days))
    first = {path: path.stat().st_size for path in tmp_path.rglob("*.parquet")}
    as_parquet(tmp_path, past(three_days))
    assert {path: path.stat().st_size for path in tmp_path.rglob("*.parquet")} == first


def test_a_store_that_falls_silent_leaves_no_half_of_a_day(
    three_days: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [1000]

    def failing(question: Question) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise ConnectionError
        return three_days(question)

    monkeypatch.setattr(parquet, "ROWS", 1)
    found = past(failing)
    extents = found.extents()
    left[0] = 2
    with pytest.raises(ConnectionError):
        list(parquet.write_day(tmp_path, "sample", NOON - NOON % DAY, found, extents, ("*",)))
    assert not list(tmp_path.iterdir()), "no empty folder either"
    (tmp_path / "kind=sample").mkdir()
    left[0] = 2
    with pytest.raises(ConnectionError):
        list(parquet.write_day(tmp_path, "sample", NOON - NOON % DAY, found, extents, ("*",)))
    assert [path.name for path in tmp_path.rglob("*")] == ["kind=sample"], "what was there stays"


def test_numbers_of_64_bits_are_exported_as_they_are(tmp_path: Path) -> None:
    epoch = 2**64 - 3
    lost = store(told(Loss("web-1", epoch, 1, 7, "dropped"), 1))
    assert as_parquet(tmp_path, past(lost, "loss"), "loss") == 1
    assert pd.read_parquet(tmp_path).epoch.tolist() == [epoch]
    found = duckdb.sql(f"SELECT epoch, first, last FROM '{tmp_path}/**/*.parquet'")
    assert found is not None
    assert found.fetchall() == [(epoch, 1, 7)]


def test_a_number_beyond_its_column_costs_its_value_alone(tmp_path: Path) -> None:
    told_too_much = store(told(Facts(kernel="6.1", memory_total=2**63), 1))
    assert as_parquet(tmp_path, past(told_too_much, "facts"), "facts") == 1
    frame = pd.read_parquet(tmp_path)
    assert frame.kernel.tolist() == ["6.1"]
    assert frame.memory_total.isna().tolist() == [True]
