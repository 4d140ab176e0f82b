"""As ``tests.powercut.storing``, where all that is stored is fresh at first, and is regrouped by later commits."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import lmdb

from store.backends import regrouping
from tests.powercut.storing import checked, main

__all__ = ["checked", "main"]

regrouping.MANY = regrouping.EACH = 1
regrouping.TOGETHER = 3

if __name__ == "__main__":
    if "unsynced" in sys.argv:
        lmdb.open = partial(lmdb.open, sync=False)  # type: ignore[assignment]
    main(Path(sys.argv[1]))
