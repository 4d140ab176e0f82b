"""The sealer where samples go by the hour and leave rollups."""

from __future__ import annotations

from pathlib import Path

from store.config import Keep, Store
from tests.faults.life import say
from tests.faults.sealing import YEAR, program, stored, turned, unlinked
from tests.powercut.hourly import KEPT, LIFE, TOLD, checked

__all__ = ["checked", "main"]
CONFIG = Store(
    free_bytes=0,
    room_bytes=0,
    keep_samples_seconds=3 * 3600,
    keep_1m_seconds=YEAR,
    keep_5m_seconds=YEAR,
    keep_1h_seconds=YEAR,
    keep_records_seconds=YEAR,
)
RULES = (Keep(("db-*",), keep_samples_seconds=3600),)
assert KEPT.usual.items() <= CONFIG.retention(RULES).usual.items()


def main(folder: Path) -> None:
    """Live."""
    for step in LIFE:
        if step in TOLD:
            stored(folder, step)
            continue
        say(f"until {step}")
        for _ in range(4):
            wired = program(folder, step, CONFIG, RULES, None)
            turned(wired)
            wired.prune()
            wired.stop()
            unlinked(folder)
