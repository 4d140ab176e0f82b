"""A store that seals and drops, and says what it acknowledged: ``python -m tests.powercut.sealing FOLDER [unsynced]``.

Two hosts and a service over two days: hours are sealed and joined to a day, rows come late to an hour and to a day
that is joined, the month is joined, days are dropped and thinned. ``checked`` says what is wrong with a state of its
files: then, and after whoever comes next has gone on to the end.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

from bus.questions import Series, SeriesAnswer
from bus.wire import Record
from store.answers import answer
from store.archive.files import Archive
from store.archive.mark import OURS
from store.backends import Backend
from store.backends.doubt import has_heads
from store.backends.lmdb import LmdbBackend
from store.backends.memory import MemoryBackend
from store.blocks.roll import read_roll
from store.care.apart import Apart, Reading
from store.care.verifying import verified
from store.keys import FAR
from store.pruning import Pruner, Room
from store.retention import Retention, Rule
from store.sealer import Pace, Sealer
from tests.store.given import DAY, HOUR, MINUTE, NOON, batch, check, layout, numbers, sample

START = NOON - 12 * HOUR
HOSTS = ("web-1", "db-1")
END = START + 4 * DAY + 12 * HOUR
PACE = Pace(quiet=-(2**62), keep={"1m": 400 * DAY, "5m": 400 * DAY})
USUAL = {"raw": 3 * DAY, "1m": 400 * DAY, "5m": 400 * DAY, "1h": 400 * DAY, "records": 400 * DAY}
KEPT = Retention(USUAL, (Rule(("db-*",), {"raw": 2 * DAY}),))
TOLD = {1: (0, 6), 2: (60, 6), 3: (5, 3), 4: (25 * 60, 6), 5: (5 * 60, 4)}
"""Message: (minutes after the start at which its first sample is, samples ten minutes apart)."""
LIFE = (1, 2, START + 3 * HOUR, 3, START + 4 * HOUR, 4, START + 28 * HOUR, 5, START + 29 * HOUR, END)
"""A message, or until when what is due is sealed."""
LEFT = [
    "check/raw/20260131T00.1d",
    "sample/1h/20260101T00.1mo",
    "sample/1h/20260201T00.1d",
    *(f"sample/{tier}/2026{day}T00.1d" for tier in ("1m", "5m") for day in ("0131", "0201")),
    "sample/raw/20260201T00.1d",
]


class Within(Apart):
    """Reads in this process: whoever tries a state may die of it, and many states are tried."""

    def ask(self, do: str, path: Path, to: Path | None = None) -> dict[str, Any]:
        """The answer."""
        return Reading(self._store).answer(do, path, to)


def records(number: int) -> list[Record]:
    """A message."""
    first, count = TOLD[number]
    minutes = [first + 10 * n for n in range(count)]
    samples = [
        sample(minute + 1, host=host, at=START + minute * MINUTE, cpu=minute / 10)
        for minute in minutes
        for host in HOSTS
    ]
    return [layout(), *samples, *([check(1, at=START)] if number == 1 else [])]


class Life:
    """The store in a folder, and who works on it."""

    def __init__(self, folder: Path, archive: Path | None = None) -> None:
        self.path = folder / "store"
        self.backend = LmdbBackend(self.path, write=True, archive=archive)
        while any(self.path.glob("rows/*/*.doubt")):
            self.backend.refresh()
            time.sleep(0.02)
        log = logging.getLogger("sealer")
        old = Archive(archive, self.backend.partitions.note, self.path / "blocks" / OURS) if archive else None
        self._sealer = Sealer(self.path, self.backend.partitions, self.backend.layouts, PACE, log, archive=old)
        self._pruner = Pruner(self._sealer.blocks, KEPT, Room(), log)

    def told(self, number: int) -> None:
        """Commit a message."""
        self.backend.commit(batch(records(number)), NOON)

    def sealed(self, now: int) -> None:
        """Seal what is due, and remove the rows."""
        for _ in range(200):
            if not self._sealer.turn(now):
                break
        else:
            raise AssertionError("there is no end of sealing")
        while self.backend._past.sealed.unlink(2**62, self.backend._note_sealed):
            pass

    def pruned(self) -> None:
        """Drop and thin what is past its time."""
        self._pruner.turn(END)

    def close(self) -> None:
        """Close every file."""
        self._sealer.close()
        self.backend.close()


def main(folder: Path) -> None:
    """Live."""
    life = Life(folder)
    for step in LIFE:
        if step in TOLD:
            life.told(step)
            print(f"acknowledged {step}", flush=True)
        else:
            life.sealed(step)
    print("pruning", flush=True)
    life.pruned()
    life.close()


def checked(folder: Path, said: list[str]) -> str:
    """What is wrong with the store in this folder, after this was said; empty when nothing is."""
    promised = max((int(line.split()[1]) for line in said if line.startswith("acknowledged ")), default=0)
    dropping = "pruning" in said
    if promised and (why := unsound(folder / "store")):
        return why
    life = Life(folder)
    try:
        why = wrong(life.backend, promised, dropping=dropping)
        if why:
            return why
        for number in TOLD:
            life.told(number)
        life.sealed(END)
        life.pruned()
        why = wrong(life.backend, len(TOLD), dropping=True)
        left = sorted(path.relative_to(life.path / "blocks").as_posix() for path in life.path.glob("blocks/*/*/*"))
        called = read_roll(life.path / "blocks")[0]
        if why or left != sorted(LEFT) or sorted(called) != left:
            return f"at the end: {why or left}, the roll has {sorted(called)}"
    finally:
        life.close()
    return unsound(folder / "store")


def unsound(store: Path, archive: Path | None = None) -> str:
    """What ``verify`` says of a store and its archive; empty when it says that all is well.

    It may name a file of rows that was just being made, which has no head yet; nothing is missing then.
    """
    report = verified(store, archive=archive, apart=Within(store))
    told = [one for one in report.faults if not (store / one.file).is_file() or has_heads(store / one.file)]
    faults = [f"{one.file}: {one.what}" for one in told]
    return "; ".join([*faults, *(f"{count} {kind} are missing" for kind, count in report.missing.items())])


def unexpected(backend: LmdbBackend) -> str:
    """A damage that no power cut explains: of a partition in its first commit half may be there, and is put aside."""
    return next((what for what in backend.damaged if "put aside" not in what), "")


def wrong(backend: LmdbBackend, promised: int, *, dropping: bool) -> str:
    """What is not as it was told up to a message, or the one after, which was not acknowledged."""
    checks = len(backend.rows("check", "shop", 0, FAR))
    if checks > 1 or (promised and not checks):
        return f"there are {checks} checks"
    whys = [differs(backend, last, dropping=dropping) for last in (promised, promised + 1) if last in (0, *TOLD)]
    return "" if "" in whys else whys[0]


def differs(backend: LmdbBackend, last: int, *, dropping: bool) -> str:
    """What is not as in a store in memory that was told everything up to message ``last``."""
    plain = MemoryBackend()
    for number in range(1, last + 1):
        plain.commit(batch(records(number)), NOON)
    for host in HOSTS:
        found = numbers(backend.rows("sample", host, 0, FAR))
        told = numbers(plain.rows("sample", host, 0, FAR))
        kept = [second for second in told if second >= 12 * 3600 and host != "db-1"] if dropping else told
        if not (set(kept) <= set(found) <= set(told)) or len(set(found)) < len(found):
            return f"of {host} there are {found}, told were {told}, kept {kept}"
        question = Series(host, ("*",), START, START + 3 * DAY - 1, step=HOUR)
        if summed(backend, question) != summed(plain, question):
            return f"{host} hour by hour: {summed(backend, question)}, told was {summed(plain, question)}"
    return ""


def summed(backend: Backend, question: Series) -> Any:
    """An answer's steps with readings."""
    found: SeriesAnswer = answer(backend, question)
    return [
        (one.metric, [row for row in zip(found.times, one.count, one.min, one.max, one.last, strict=True) if row[1]])
        for one in found.columns
        if any(one.count)
    ]


def unsynced() -> None:
    """Let nothing wait for the disk but LMDB."""
    os.fsync = lambda file: None  # type: ignore[assignment]


if __name__ == "__main__":
    if "unsynced" in sys.argv:
        unsynced()
    main(Path(sys.argv[1]))
