"""A store that moves its days to an archive."""

from __future__ import annotations

import logging
from pathlib import Path

from store.archive import files
from store.archive.files import Archive
from store.archive.mark import OURS
from store.backends.lmdb import LmdbBackend
from store.backends.memory import MemoryBackend
from store.sealer import Sealer
from tests.store.given import DAY, HOUR, SECOND, check, sample
from tests.store.test_sealer import NOW, START, TWO_DAYS, Store

FLOATS = (float("nan"), -0.0, 5e-324, -1.7e308, 0.1)


class Archiving(Store):
    """A store whose sealer moves days that are a day old."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.archive = path.with_name("archive")
        self.backend = LmdbBackend(path, write=True, archive=self.archive)
        self.reference = MemoryBackend()
        self.damaged: list[str] = []
        old = Archive(self.archive, self.damaged.append, path / "blocks" / OURS)
        log = logging.getLogger("sealer")
        self.sealer = Sealer(path, self.backend._partitions, self.backend.layouts, NOW, log, archive=old)
        assert self.sealer.mover is not None
        self.mover = self.sealer.mover
        self.mover.after = DAY

    def archived(self) -> list[str]:
        """Seal, remove the rows, and move; returns the archive's files."""
        self.sealed()
        self.unlink()
        self.sealed()
        return [path.relative_to(self.archive).as_posix() for path in files.files(self.archive)]

    def raw(self) -> list[Path]:
        """The raw blocks."""
        return [path for path in self.path.glob("blocks/*/raw/*") if path.is_file()]


def told_everything(store: Archiving) -> None:
    odd = [
        sample(900 + n, host="odd", at=START + 3 * HOUR + n * SECOND, cpu=value) for n, value in enumerate(FLOATS, 1)
    ]
    store.told([*TWO_DAYS, *odd, *(check(n, "down" if n % 7 == 0 else "up") for n in range(1, 300))])
