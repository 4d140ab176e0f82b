"""The list of processes, for all who want it."""

from __future__ import annotations

from pathlib import Path

from agent.pids import FRESH_SECONDS, Pids

NOON = 43_200.0


def test_folders_with_a_number_are_processes_and_are_listed_once_for_all_who_ask_at_a_time(tmp_path: Path) -> None:
    now = [NOON]
    pids = Pids(str(tmp_path), clock=lambda: now[0])
    for name in ("1", "42", "net", "self"):
        (tmp_path / name).mkdir()
    assert sorted(pids.read()) == ["1", "42"]

    (tmp_path / "4711").mkdir()
    now[0] += FRESH_SECONDS / 2
    assert sorted(pids.read()) == ["1", "42"]
    now[0] += FRESH_SECONDS
    assert sorted(pids.read()) == ["1", "42", "4711"]
