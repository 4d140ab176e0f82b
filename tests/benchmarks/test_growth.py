"""Few hosts and few days are measured as many are, and drawn."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.growth.__main__ import main
from benchmarks.growth.measured import over_hosts
from benchmarks.growth.picture import panels, picture, table
from benchmarks.growth.roles import METRICS


def test_two_hosts_for_two_hours() -> None:
    point = over_hosts(2, dense=2 * 720)
    assert point.samples == 2 * 720
    assert point.samples_per_s > 0
    assert point.write_cpu > 0
    assert point.seal_cpu > 0
    assert point.rows_bytes > point.samples * METRICS * 8 > point.bytes > 0
    assert all(point.memory[role] > 0 for role in ("writer", "sealer", "reader"))
    assert {"last 5 min", "24 h at 1 min", "30 d in 500", "latest of all"} <= set(point.queries)
    assert "last 5 min, ms" in table([point], "hosts")
    drawn = ElementTree.fromstring(picture([panels([point], "hosts")]))
    assert len(drawn.findall("{*}g")) == 4


def test_two_days_are_kept_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept, drawn = tmp_path / "growth.json", tmp_path / "growth.svg"
    assert main(["history", "--sizes", "1", "2", "--kept", str(kept), "--svg", str(drawn)]) == 0
    one, two = json.loads(kept.read_text())["history"]
    assert (one["size"], two["size"]) == (1, 2)
    # The day that was put there and the day that went through the writer are rolled up alike.
    assert set(one["blocks"]) == set(two["blocks"]) == {"raw", "1m", "5m", "1h"}
    assert all(two["blocks"][tier] > one["blocks"][tier] for tier in one["blocks"])
    assert "<polyline" in drawn.read_text()
    assert "| 2 |" in capsys.readouterr().out
