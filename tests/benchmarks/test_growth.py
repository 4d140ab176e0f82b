"""Few hosts and few days are measured as many are, and drawn."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.growth.__main__ import main
from benchmarks.growth.measured import Point, middle, over_hosts
from benchmarks.growth.picture import panels, picture, tables
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
    assert "last 5 min, ms" in tables([point], "hosts")
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


def test_of_several_runs_the_median_of_each_figure_is_told() -> None:
    runs = [
        Point(10, 5, pace, 0.1, 7, seal, {"raw": raw}, {"reader": 3}, {"latest of all": (9.0, p50, 2.0)})
        for pace, seal, raw, p50 in ((1.0, 0.3, 30, 0.5), (3.0, 0.1, 10, 0.4), (2.0, 0.2, 20, 0.6))
    ]
    found = middle(runs)
    assert (found.size, found.samples, found.samples_per_s, found.seal_cpu) == (10, 5, 2.0, 0.2)
    assert (found.blocks, found.memory, found.queries) == (
        {"raw": 20},
        {"reader": 3},
        {"latest of all": (9.0, 0.5, 2.0)},
    )
