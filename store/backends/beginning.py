"""What must hold of the state's file before it is opened."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import lmdb

from bus.salvage import is_damage
from store.backends import StoreBroken, StoreDamaged
from store.backends.doubt import HEADS, PAGE, Look, has_heads, is_doubted, trust
from store.backends.partitions import BAD
from store.folders import entries

STATE_SECONDS = 60.0
"""So long a look into the state may take; it is a page for each host."""


def be_sure(state: Path) -> None:
    """Have the state looked into before it is opened, if it is doubted; raises ``StoreBroken``."""
    if not is_doubted(state):
        return
    look = Look(state)
    sound = look.verdict(STATE_SECONDS)
    look.close()
    if sound is None:
        raise StoreBroken(f"{state} cannot be looked into now")
    if not sound:
        raise StoreBroken(f"{state} is damaged; {remedy(state)}")
    trust(state)


def why(state: Path, error: Exception) -> str:
    """Why the state cannot be opened, in a sentence; with what to do where it is damaged."""
    damaged = isinstance(error, StoreDamaged) or is_damage(error)
    said = f"{state}: {error}" if isinstance(error, lmdb.Error) else str(error)
    return f"{said}; it is damaged: {remedy(state)}" if damaged else said


def remedy(state: Path) -> str:
    """What to do about a state that is damaged."""
    return (
        "guardia store restore DIR puts a snapshot in the store's place; without one stop the hub and move"
        f" {state} away: what is sealed stays, newer rows are put aside, and producers tell again what they keep"
    )


def begin_anew(path: Path) -> None:
    """Take away what a power cut left of a state that was just being made; a writer's duty.

    Without a state nobody knows whose rows are whose: if there are rows, they are put aside.
    """
    state, rows = path / "state" / "data.mdb", path / "rows"
    begun = any(entries(rows, "*/*/data.mdb"))
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
