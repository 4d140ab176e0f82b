"""The sealer, as its program runs it: seals, joins, makes rollups, drops and thins; and the writer, which removes rows.

Messages are stored, and nothing fails meanwhile (``tests.faults.storing`` is about that).
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from store import opening, sealing_program
from store.__main__ import _refreshing
from store.backends.lmdb import LmdbBackend
from store.config import Keep, Store
from store.rollups import Pace
from tests.faults.life import PATIENCE, calm, say, unwatched
from tests.powercut.sealing import END, KEPT, LIFE, PACE, TOLD, checked, records
from tests.store.given import DAY, NOON, SECOND, batch

__all__ = ["checked", "main"]
YEAR = 400 * DAY / SECOND
CONFIG = Store(
    free_bytes=0,
    room_bytes=0,
    keep_samples_seconds=3 * 86400,
    keep_1m_seconds=YEAR,
    keep_5m_seconds=YEAR,
    keep_1h_seconds=YEAR,
    keep_records_seconds=YEAR,
)
RULES = (Keep(("db-*",), keep_samples_seconds=2 * 86400),)
assert KEPT.usual.items() <= CONFIG.retention(RULES).usual.items()


class Errors(logging.Handler):
    """Counts what the sealer says that it cannot do."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            self.said.append(record.getMessage())


class Wired:
    """What the sealer's program is given, and its loop."""

    def __init__(self, home: Path, config: Store, rules: Sequence[Keep]) -> None:
        self.home, self.config, self.settings = home, config, {"retention": tuple(rules)}
        self.errors = Errors()
        self.log = logging.Logger("sealer")
        self.log.addHandler(self.errors)
        self.beat: Callable[[], None] = lambda: None
        self.loop = self
        self.asked_to_end = False
        self.vitals = self
        self.on_reload: list[Any] = []
        self.at_start: tuple[str, ...] = ()
        self.due: tuple[float, Callable[[], None]] = (0.0, lambda: None)
        self.prune: Callable[[], None] = lambda: None
        self._stop: list[Callable[[], None]] = []

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        self.due = seconds, act

    def every(self, seconds: float, act: Callable[[], None], *, at_once: bool = False) -> None:
        self.prune = act

    def on_stop(self, act: Callable[[], None]) -> None:
        self._stop.append(act)

    def source(self, readings: Callable[[], dict[str, float | None]]) -> None:
        self.readings = readings

    def stop(self) -> None:
        self.readings()
        for act in reversed(self._stop):
            act()


def program(
    home: Path, now: int, config: Store = CONFIG, rules: Sequence[Keep] = RULES, pace: Pace | None = PACE
) -> Wired:
    """The sealer's program at this time; it minds no rows that were just written. ``pace`` is in place of its own."""
    made = sealing_program._pace
    wiring: Any = sealing_program
    wiring.time = SimpleNamespace(time_ns=lambda: now, monotonic=time.monotonic)
    sealing_program._pace = lambda config, rules: pace or replace(made(config, rules), quiet=-(2**62))
    wiring.os = SimpleNamespace(nice=lambda by: None, walk=os.walk)
    wired = Wired(home, config, rules)
    try:
        sealing_program.build_sealer(wired)  # type: ignore[arg-type]
    finally:
        sealing_program._pace = made
    return wired


def turned(wired: Wired) -> None:
    """Let it do all that is due, and again on a disk that is well if there was anything that it could not."""
    for _ in range(PATIENCE):
        before = len(wired.errors.said)
        for _ in range(200):
            wired.due[1]()
            if wired.due[0]:
                break
        else:
            raise AssertionError("there is no end of it")
        if len(wired.errors.said) == before:
            return
        calm()
    raise AssertionError(f"it does not go on: {wired.errors.said[-1]}")


def unlinked(home: Path, archive: Path | None = None) -> None:
    """Let the writer remove the rows that are sealed."""
    with unwatched():
        backend = opening.opened(lambda: LmdbBackend(home / "store", write=True, archive=archive))
    _refreshing(backend)()
    for _ in range(PATIENCE):
        if not backend._past.sealed.unlink(2**62, backend._note_sealed, backend._leaving.stays):
            break
    with unwatched():
        backend.close()


def stored(home: Path, number: int, archive: Path | None = None) -> None:
    """Store a message."""
    with unwatched():
        backend = LmdbBackend(home / "store", write=True, archive=archive)
        backend.commit(batch(records(number)), NOON)
        backend.close()
        say(f"acknowledged {number}")


def main(folder: Path) -> None:
    """Live."""
    for step in LIFE:
        if step in TOLD:
            stored(folder, step)
            continue
        wired = program(folder, step)
        turned(wired)
        wired.stop()
        unlinked(folder)
    say("pruning")
    wired = program(folder, END)
    for _ in range(PATIENCE):
        wired.prune()
    wired.stop()
