"""``guardia store stats``: what is there, since when, and what it will be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bus.questions import StoreStatistics
from store.config import DAYS, FOREVER
from store.holdings import Line, lines
from store.retention import Retention
from store.stats import as_map, as_text, main
from tests.store.given import DAY, HOUR, NOON

MIDNIGHT = NOON - 12 * HOUR
USUAL = {"raw": 7 * DAY, "1m": 0, "5m": 180 * DAY, "1h": 1826 * DAY, "records": 400 * DAY}


def test_each_tier_has_a_line_and_the_sum_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "blocks" / "sample" / "raw"
    folder.mkdir(parents=True)
    (folder / "20260130T00.1d").write_bytes(bytes(40_960))
    found = StoreStatistics(
        records={"sample": 8640, "check": 3},
        deleted={"sample": 5},
        bytes=50_960,
        tiers={"sample/raw": (1, 40_960, MIDNIGHT - DAY, MIDNIGHT)},
    )
    rows = lines(found, Retention(USUAL), tmp_path, NOON)
    assert "it will become 100 kB, its [store] max_bytes." in " ".join(as_text(found, rows, 100_000).split())
    text = as_text(found, rows).splitlines()
    assert text[0].split() == ["KIND", "TIER", "FILES", "SIZE", "DAYS", "KEPT", "FOR", "WILL", "BE"]
    assert text[1].split() == ["sample", "raw", "1", "41", "kB", "1.0", "7", "d", "287", "kB"]
    assert text[3].startswith("51 kB altogether, 10 kB of it")
    assert all(len(line) <= 80 for line in text)
    told = " ".join(text[3:])
    assert "are not sealed yet; it will become 297 kB. Records stored" in told
    assert told.endswith(
        "Records stored since the store was made: 3 check, 8640 sample. Dropped by age or for room: 5 sample."
    )
    imported = replace(found, bytes=found.bytes + 90_000_000, returning=90_000_000)
    told = " ".join(as_text(imported, rows)[len("\n".join(text[:3])) :].split())
    assert told.startswith("90.1 MB altogether, 90 MB of it the state and rows that are not sealed yet; it will")
    assert "it will become 297 kB. 90 MB of it are rows of past hours, as an import leaves them: they" in told
    told = " ".join(as_text(replace(found, missing={"sample": 12}, lacking="the archive is away"), []).splitlines())
    assert "Damaged, and missing since what was around them was sealed: 12 sample;" in told
    assert told.endswith("The archive is away")
    (_, _, _, _, days, _, _), *_ = lines(
        replace(found, tiers={"sample/raw": (1, 40_960, 0, MIDNIGHT)}), Retention(USUAL), tmp_path, NOON
    )
    (tier,) = as_map(found, rows)["tiers"]
    assert (tier["kind"], tier["bytes"], tier["days"], tier["kept_days"]) == ("sample", 40_960, 1.0, 7.0)
    assert (tier["from"], tier["to"], tier["bytes_expected"]) == (MIDNIGHT - DAY, MIDNIGHT, 7 * 40_960)
    (moving,) = lines(found, Retention(USUAL), tmp_path, NOON, 2 * DAY)
    assert moving[5:] == (2.0, 2 * 40_960), "what moves to the archive takes no room here from then on"
    assert days == 1.0, "a file of a clock at 1970 makes no thousand days"


def test_the_archive_is_beside_the_store_and_no_part_of_what_that_becomes() -> None:
    found = StoreStatistics(
        records={"sample": 3},
        deleted={},
        bytes=1_000_000,
        tiers={
            "sample/1h": (1, 1_000_000, MIDNIGHT - DAY, MIDNIGHT),
            "sample/archive": (3, 70_000_000, MIDNIGHT - 9 * DAY, MIDNIGHT - 6 * DAY),
        },
    )
    rows: list[Line] = [
        ("sample", "1h", 1, 1_000_000, 1.0, FOREVER / DAYS, 5_000_000),
        ("sample", "archive", 3, 70_000_000, 3.0, 400.0, 900_000_000),
    ]
    text = as_text(found, rows)
    assert [line.split()[-4:] for line in text.splitlines()[1:3]] == [
        ["1.0", "ever", "5", "MB"],
        ["400", "d", "900", "MB"],
    ]
    told = " ".join(text.split())
    assert "1 MB altogether, 0 B of it the state and rows that are not sealed yet; it will become 5 MB." in told
    assert "70 MB beside it in the archive" in told
    assert [tier["kept_days"] for tier in as_map(found, rows)["tiers"]] == [None, 400.0]


def test_where_nothing_is_sealed_there_is_no_forecast_and_nought_is_none() -> None:
    text = as_text(StoreStatistics(records={"sample": 3}, deleted={"sample": 0}, bytes=999_700), [])
    assert text.startswith("1 MB altogether, of which nothing is sealed: there is no forecast.")
    assert " ".join(text.split()).endswith("Dropped by age or for room: none.")


def test_without_a_store_nobody_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GUARDIA_HOME", str(tmp_path))
    config = tmp_path / "guardia.toml"
    config.write_text("")
    assert main(["--config", str(config)]) == 2
    assert "guardia store stats:" in capsys.readouterr().err
    config.write_text("[store]\nkeep_5m_seconds = 'long'\n")
    assert main(["--config", str(config)]) == 100
    assert "keep_5m_seconds" in capsys.readouterr().err
