"""What must hold of the state's file before it is opened."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from store.backends import StoreBroken
from store.backends.doubt import HEADS, PAGE, Look, has_heads, is_doubted, trust
from store.backends.partitions import BAD

STATE_SECONDS = 60.0
"""So long a look into the state may take; it is a page for each host."""


def be_sure(state: Path) -> None:
    """Have the state looked into before it is opened, if it is doubted; raises ``StoreBroken``."""
    if not is_doubted(state):
        return
    look = Look(state)
    sound = look.verdict(STATE_SECONDS)
    look.close()
    if not sound:
        raise StoreBroken(f"{state} is damaged: put an older copy of {state.parent} in its place, or take that away")
    trust(state)


def begin_anew(path: Path) -> None:
    """Take away what a power cut left of a state that was just being made; a writer's duty.

    Without a state nobody knows whose rows are whose: if there are rows, they are put aside.
    """
    state, rows = path / "state" / "data.mdb", path / "rows"
    begun = any(rows.glob("*/*/data.mdb"))
    if _is_empty(state):
        if begun:
            aside = path / f"rows{BAD}{int(time.time())}"
            rows.rename(aside)
            logging.getLogger("guardia").error("damaged: %s has no state, its rows are now %s", path, aside.name)
        state.unlink(missing_ok=True)
    elif not begun and not has_heads(state):
        state.unlink()


def _is_empty(file: Path) -> bool:
    return not file.exists() or file.stat().st_size <= HEADS * PAGE
