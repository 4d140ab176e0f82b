"""``guardia store stats``: what is there, since when, and what it will be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bus.questions import StoreStatistics
from store.retention import Retention
from store.stats import as_text, lines, main
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
    text = as_text(found, lines(found, Retention(USUAL), tmp_path, NOON)).splitlines()
    assert text[0].split() == ["KIND", "TIER", "FILES", "SIZE", "DAYS", "KEPT", "FOR", "WILL", "BE"]
    assert text[1].split() == ["sample", "raw", "1", "41", "kB", "1.0", "7", "d", "287", "kB"]
    assert text[3].startswith("51 kB altogether, 10 kB of it")
    assert text[3].endswith("it will become 297 kB.")
    assert text[4] == "Records stored since the store was made: 3 check, 8640 sample. Dropped by age: 5 sample."
    text = as_text(replace(found, missing={"sample": 12}), []).splitlines()
    assert text[-1].startswith("Damaged, and missing since what was around them was sealed: 12 sample;")


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
