"""A sealer to be killed: ``python -m tests.store.sealing STORE NOW [ARCHIVE]`` does all that is due, then leaves."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from store.archive.files import Archive
from store.archive.mark import OURS
from store.backends.lmdb import LmdbBackend
from store.sealer import Pace, Sealer
from tests.store.given import DAY


def main(store: Path, now: int, archive: Path | None = None) -> None:
    """Seal."""
    backend = LmdbBackend(store, write=False)
    pace = Pace(quiet=-(2**62), keep={"1m": 400 * DAY, "5m": 400 * DAY})
    old = Archive(archive, backend.damaged.append, store / "blocks" / OURS) if archive else None
    sealer = Sealer(store, backend._partitions, backend.layouts, pace, logging.getLogger("sealer"), archive=old)
    if sealer.mover is not None:
        sealer.mover.after = DAY
    while sealer.turn(now):
        pass
    sealer.close()
    backend.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *map(Path, sys.argv[3:]))
