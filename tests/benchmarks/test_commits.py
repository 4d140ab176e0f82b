"""The writer alone runs and says what a commit took."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.commits import committed


def test_each_commit_is_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_DIR", str(tmp_path))
    cpu, took = committed(50, 3)
    assert cpu > 0
    assert len(took) == 3
    assert list(tmp_path.iterdir()) == []
