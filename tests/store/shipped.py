"""What has become of the rows of a store whose samples go to VictoriaMetrics."""

from __future__ import annotations

import time
from pathlib import Path

from store.backends.victoriametrics import VictoriaMetricsBackend


def shipped(backend: VictoriaMetricsBackend, seconds: float = 60) -> None:
    """Wait until the server has everything on its disk."""
    end = time.monotonic() + seconds
    while backend.damage()["unshipped_commits"]:
        assert time.monotonic() < end, backend.damage()
        backend.refresh()
        time.sleep(0.02)


def partitions(path: Path) -> list[str]:
    return sorted(folder.name for folder in (path / "store" / "rows" / "sample").glob("2*"))


def lacks(backend: VictoriaMetricsBackend, words: str) -> None:
    """Wait until it says so."""
    end = time.monotonic() + 60
    while words not in (found := str(backend.statistics().get("lacking", ""))) or bool(words) != bool(found):
        assert time.monotonic() < end, found
        backend.refresh()
        time.sleep(0.02)
