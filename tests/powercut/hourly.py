"""A store whose samples go by the hour and leave rollups: ``python -m tests.powercut.hourly FOLDER [unsynced]``.

Rows of one host are kept for three hours, of the other for one; rows come late to an hour that has rollups already,
the day ends, and its hours' rollups become its own. ``checked`` says what is wrong with a state of its files: then, and
after whoever comes next has gone on to the end.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from bus.questions import Series
from store.backends import Backend
from store.backends.memory import MemoryBackend
from store.blocks.roll import read_roll
from store.keys import FAR
from store.pruning import Pruner, Room
from store.retention import Retention, Rule, tiers_kept
from store.rollups import Pace
from tests.powercut.sealing import HOSTS, START, Life, records, summed, unexpected, unsound, unsynced
from tests.store.given import DAY, HOUR, MINUTE, NOON, batch, numbers

LONG = {"1m": 400 * DAY, "5m": 400 * DAY, "1h": 400 * DAY, "records": 400 * DAY}
KEPT = Retention(LONG | {"raw": 3 * HOUR}, (Rule(("db-*",), {"raw": HOUR}),))
PACE = Pace(
    quiet=-(2**62),
    keep=tiers_kept(KEPT),
    raw=(HOUR, 3 * HOUR),
    over=lambda subjects, age: KEPT.over("sample", "raw", subjects, age),
)
LIFE = (1, 2, START + 130 * MINUTE, 3, START + 200 * MINUTE, START + 5 * HOUR, START + 30 * HOUR)
"""A message of ``tests.powercut.sealing``, or until when all that is due is done."""
TOLD = (1, 2, 3)


class Hourly(Life):
    """The store in a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._sealer.pace = PACE
        self._pruner = Pruner(self._sealer.blocks, KEPT, Room(), logging.getLogger("sealer"))
        self._pruner.spared, self._pruner.covered = self._sealer.spares, self._sealer.rollups.covers

    def turned(self, now: int) -> None:
        """Do all that is due."""
        for _ in range(4):
            self.sealed(now)
            self._pruner.turn(now)


def main(folder: Path) -> None:
    """Live."""
    life = Hourly(folder)
    for step in LIFE:
        if step in TOLD:
            life.told(step)
            print(f"acknowledged {step}", flush=True)
        else:
            print(f"until {step}", flush=True)
            life.turned(step)
    life.close()


def checked(folder: Path, said: list[str]) -> str:
    """What is wrong with the store in this folder, after this was said; empty when nothing is."""
    promised = max((int(line.split()[1]) for line in said if line.startswith("acknowledged ")), default=0)
    now = max((int(line.split()[1]) for line in said if line.startswith("until ")), default=START)
    if promised and (why := unsound(folder / "store")):
        return why
    life = Hourly(folder)
    try:
        if why := unexpected(life.backend):
            return why
        life.turned(now)  # until what came late is sealed, an hour's rollups answer without it
        if why := lacking(life, promised, now):
            return why
        rest = [step for step in LIFE if step in TOLD[promised:] or (step not in TOLD and step > now)]
        for step in rest:
            if step in TOLD:
                life.told(step)
            else:
                life.turned(step)
        why = lacking(life, len(TOLD), LIFE[-1])
        left = sorted(path.relative_to(life.path / "blocks").as_posix() for path in life.path.glob("blocks/*/*/*"))
        called = read_roll(life.path / "blocks")[0]
        strange = [name for name in left if not name.endswith(".1d")]
        if why or strange or sorted(called) != left:
            return f"at the end: {why or left}, the roll has {sorted(called)}"
    finally:
        life.close()
    return unsound(folder / "store")


def lacking(life: Hourly, promised: int, now: int) -> str:
    """What of the messages up to this one is in no row and no rollup, or there twice; the next one may be there."""
    plain = [MemoryBackend(), MemoryBackend()]
    for number in TOLD[: promised + 1]:
        for backend in plain if number <= promised else plain[1:]:
            backend.commit(batch(records(number)), NOON)
    for host in HOSTS:
        found = numbers(life.backend.rows("sample", host, 0, FAR))
        least, most = (numbers(backend.rows("sample", host, 0, FAR)) for backend in plain)
        keep = KEPT.keep("sample", "raw", host)
        young = {one for one in least if (one * 10**9 + NOON) // HOUR * HOUR + HOUR + keep > now}
        if not young <= set(found) <= set(most) or len(set(found)) < len(found):
            return f"of {host} there are {found}, told were {most}"
        question = Series(host, ("cpu.*",), START, START + DAY - 1, step=HOUR)
        stores: tuple[Backend, ...] = (life.backend, *plain)
        counts = [_counts(summed(backend, question)) for backend in stores]
        whole = counts[0] in counts[1:] or (host == "db-1" and counts[0] == [6, 6])
        if not whole and not (promised == 0 and not counts[0]):
            return f"{host} hour by hour: {counts[0]}, told was {counts[1:]}"
    return ""


def _counts(found: list[tuple[str, list[tuple[int, ...]]]]) -> list[int]:
    return [row[1] for _, rows in found for row in rows]


if __name__ == "__main__":
    if "unsynced" in sys.argv:
        unsynced()
    main(Path(sys.argv[1]))
