"""The sealer where samples go by the hour and leave rollups."""

from __future__ import annotations

import re
from pathlib import Path

from store.config import Keep, Store
from store.spans import span_of
from tests.faults.life import say
from tests.faults.sealing import YEAR, program, stored, turned, unlinked
from tests.powercut import hourly
from tests.powercut.hourly import KEPT, LIFE, TOLD
from tests.powercut.sealing import START

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
_MISSED = re.compile(r"blocks/sample/raw/(\S+): is not there: \d+ rows; ")


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


def checked(folder: Path, said: list[str]) -> str:
    """What is wrong with the store in this folder, after this was said; empty when nothing is.

    What was too old is dropped from a full disk though that cannot be written down; it is with the next, for there is
    room then. Where there is none even so, and the sealer ends, what was dropped is missed: that is known, and no more
    than that is let pass.
    """
    why = hourly.checked(folder, said)
    now = max((int(line.split()[1]) for line in said if line.startswith("until ")), default=START)
    missed = [span_of(name) for name in _MISSED.findall(why)]
    only = missed and re.fullmatch(r"\d+ sample are missing", _MISSED.sub("", why))
    old = all(span is not None and span.end + KEPT.longest("sample", "raw") <= now for span in missed)
    return "" if only and old else why
