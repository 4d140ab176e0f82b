"""A store that moves its days to an archive: ``python -m tests.powercut.archiving FOLDER [unsynced]``.

Days of samples and of checks are moved, rows come late to one that was: it is taken back, made anew and moved again,
and at the end what is past its time leaves the archive. ``checked`` says what is wrong with a state of the files of
both: then, and after whoever comes next has gone on to the end.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bus.questions import Series
from store.archive import files
from store.backends import Backend
from store.backends.memory import MemoryBackend
from store.blocks.roll import read_roll
from store.keys import FAR
from tests.powercut.sealing import HOSTS, START, TOLD, Life, records, summed, unexpected, unsound, unsynced
from tests.store.given import DAY, HOUR, NOON, batch, numbers

END = START + 4 * DAY
LIFE = (1, 2, START + 30 * HOUR, START + 49 * HOUR, 3, 5, START + 84 * HOUR, 4, END)
"""A message, or until when what is due is sealed and moved."""
KEPT = 60 * HOUR
"""So long the archive keeps, at the end."""
YOUNG = 12 * 3600
"""Seconds after noon of the first day: what is younger than this is kept."""
SUBJECTS = {"sample": HOSTS, "check": ("shop",)}
LEFT = ["kind=sample/day=2026-02-01/part.parquet"]
CALLED = ["sample/archive/20260201T00.1d"]


class Archiving(Life):
    """The store in a folder, the archive beside it."""

    def __init__(self, folder: Path) -> None:
        self.archive = folder / "archive"
        super().__init__(folder, self.archive)
        assert self._sealer.mover is not None
        self._sealer.mover.after = DAY

    def moved(self, now: int) -> None:
        """Seal what is due, remove the rows, and move."""
        self.sealed(now)
        self.sealed(now)

    def dropped(self) -> None:
        """Drop what is past its time."""
        assert self._sealer.mover is not None
        self._sealer.mover.keep = KEPT
        self.moved(END)


def main(folder: Path) -> None:
    """Live."""
    life = Archiving(folder)
    for step in LIFE:
        if step in TOLD:
            life.told(step)
            print(f"acknowledged {step}", flush=True)
        else:
            life.moved(step)
    print("dropping", flush=True)
    life.dropped()
    life.close()


def checked(folder: Path, said: list[str]) -> str:
    """What is wrong with the store and the archive in this folder, after this was said; empty when nothing is."""
    acknowledged = [int(line.split()[1]) for line in said if line.startswith("acknowledged ")]
    dropping = "dropping" in said
    store, archive = folder / "store", folder / "archive"
    if acknowledged and (why := unsound(store, archive)):
        return why
    life = Archiving(folder)
    try:
        if life.backend.statistics()["lacking"]:
            return "the archive is said to be away"
        if why := unexpected(life.backend) or wrong(life.backend, acknowledged, dropping=dropping):
            return why
        for number in TOLD:
            life.told(number)
        life.moved(END)
        if why := differs(life.backend, tuple(TOLD), dropping=dropping):
            return f"at the end: {why}"
        life.dropped()
        why = differs(life.backend, tuple(TOLD), dropping=True)
        left = [path.relative_to(archive).as_posix() for path in files.files(archive)]
        called = [name for name in read_roll(life.path / "blocks")[0] if "/archive/" in name]
        more = [path.name for path in (*life.path.glob("blocks/*/raw/*"), *archive.rglob("*.new"))]
        if why or left != LEFT or called != CALLED or more:
            return f"after dropping: {why or left}, the roll has {called}, {more} are there too"
    finally:
        life.close()
    return unsound(store, archive)


def wrong(backend: Backend, acknowledged: list[int], *, dropping: bool) -> str:
    """What is not as it was told; of the message after the last one a part may be there, which was not acknowledged."""
    following = [step for step in LIFE if step in TOLD][: len(acknowledged) + 1]
    whys = [differs(backend, last, dropping=dropping) for last in (acknowledged, following)]
    if 1 not in acknowledged and backend.rows("check", "shop", 0, FAR) == []:
        whys.append(differs(backend, [1], dropping=dropping, kinds=("sample",)))
    return "" if "" in whys else " / ".join(whys)


def differs(
    backend: Backend, messages: Sequence[int], *, dropping: bool, kinds: Sequence[str] = ("sample", "check")
) -> str:
    """What is not as in a store in memory that was told these messages."""
    plain = MemoryBackend()
    for number in messages:
        plain.commit(batch(records(number)), NOON)
    for kind in kinds:
        for subject in SUBJECTS[kind]:
            found = numbers(backend.rows(kind, subject, 0, FAR))
            told = numbers(plain.rows(kind, subject, 0, FAR))
            kept = [second for second in told if second >= YOUNG] if dropping else told
            if not (set(kept) <= set(found) <= set(told)) or len(set(found)) < len(found):
                return f"of {subject} there are {found}, told were {told}, kept {kept}"
    for host in HOSTS:
        question = Series(host, ("*",), START, START + 3 * DAY - 1, step=HOUR)
        if summed(backend, question) != summed(plain, question):
            return f"{host} hour by hour: {summed(backend, question)}, told was {summed(plain, question)}"
    return ""


if __name__ == "__main__":
    if "unsynced" in sys.argv:
        unsynced()
    main(Path(sys.argv[1]))
