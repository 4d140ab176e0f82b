"""The sealer that moves days to an archive, takes one back when rows come late, and drops from there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.faults.life import say
from tests.faults.sealing import CONFIG, program, stored, turned, unlinked
from tests.powercut.archiving import END, KEPT, LIFE, checked
from tests.powercut.sealing import PACE, TOLD
from tests.store.given import DAY, SECOND

__all__ = ["checked", "main"]
ARCHIVED = replace(
    CONFIG, archive="archive", archive_after_seconds=DAY / SECOND, keep_samples_seconds=400 * DAY / SECOND
)


def main(folder: Path) -> None:
    """Live."""
    for step in LIFE:
        if step in TOLD:
            stored(folder, step, folder / "archive")
        else:
            _moved(folder, step, 0.0)
    say("dropping")
    _moved(folder, END, KEPT / SECOND)


def _moved(folder: Path, now: int, keep: float) -> None:
    """Seal what is due, remove the rows, and move."""
    for _ in range(2):
        wired = program(folder, now, replace(ARCHIVED, keep_archive_seconds=keep), (), PACE)
        turned(wired)
        wired.stop()
        unlinked(folder, folder / "archive")
