"""A recording comes back from its file; what came and went has no reading while it was not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.databases.data import recorded
from benchmarks.recording import loaded, of

TOLD = [
    (1_000_000_000, ("load.1m", "disk[/].free"), (0.5, None)),
    (2_000_000_000, ("load.1m", "disk[/mnt].free"), (0.75, 4096.0)),
]


def test_a_recording_comes_back_from_its_file(tmp_path: Path) -> None:
    made = of(TOLD)
    made.save(tmp_path / "recording.npz")
    found = loaded(tmp_path / "recording.npz")
    assert found.names == ("load.1m", "disk[/].free", "disk[/mnt].free")
    assert found.times.tolist() == [1_000_000_000, 2_000_000_000]
    assert found.values.tobytes() == np.array([[0.5, 0.75], [np.nan, np.nan], [np.nan, 4096.0]]).tobytes()


def test_all_hosts_tell_it_and_only_readings_count(tmp_path: Path) -> None:
    of(TOLD).save(tmp_path / "recording.npz")
    data = recorded(tmp_path / "recording.npz", hosts=3, samples=10, end_ms=60_000)
    assert (list(data.values), data.count, data.times.tolist()) == (["host-0", "host-1", "host-2"], 9, [58_999, 59_999])


def test_what_is_no_recording_ends_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("no")
    with pytest.raises(SystemExit, match="is no recording"):
        loaded(tmp_path / "other")
    with pytest.raises(SystemExit, match="is no recording"):
        loaded(tmp_path / "absent")
