"""A sealer to be killed: ``python -m tests.store.sealing STORE NOW`` seals all that is due, then leaves."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from store.backends.lmdb import LmdbBackend
from store.sealer import Pace, Sealer
from tests.store.given import DAY


def main(store: Path, now: int) -> None:
    """Seal."""
    backend = LmdbBackend(store, write=False)
    pace = Pace(quiet=-(2**62), keep={"1m": 400 * DAY, "5m": 400 * DAY})
    sealer = Sealer(store, backend._partitions, backend.layouts, pace, logging.getLogger("sealer"))
    while sealer.turn(now):
        pass
    sealer.close()
    backend.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
