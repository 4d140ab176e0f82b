"""Whether the archive that is there is the store's own: a disk that is not mounted leaves an empty folder.

    PATH/guardia-archive     a random number, written before the first day is moved there
    blocks/archive           the same number, in the store
    blocks/restored          the store was restored: the archive may have more than its rollups were made of

A snapshot carries the store's: what is restored while the archive's disk is away knows that it is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from bus.folder import sync_folder
from store.durable import rewrite

MARK = "guardia-archive"
OURS = "archive"
RESTORED = "restored"
LOOK_SECONDS = 1.0
"""So long a look holds for those who only read."""


class Mark:
    """Of the archive in ``folder``; ``ours`` is the store's file, None for who does not mind."""

    def __init__(self, folder: Path, ours: Path | None) -> None:
        self._folder = folder
        self._theirs = folder / MARK
        self._ours = ours
        self._looked_at = -LOOK_SECONDS
        self._lacking = ""

    def is_away(self, *, now: bool = False) -> bool:
        """Whether days were moved to an archive that is not there; ``now`` looks in any case."""
        return bool(self.lacking(now=now))

    def lacking(self, *, now: bool = False) -> str:
        """A sentence while the archive is away, or is not the store's own; empty when it is there."""
        if now or time.monotonic() - self._looked_at >= LOOK_SECONDS:
            number = _read(self._ours) if self._ours is not None else ""
            theirs = _read(self._theirs) if number else ""
            self._lacking = ""
            if number and not theirs:
                self._lacking = f"the archive {self._folder} is not there: is its disk mounted?"
            elif number != theirs:
                self._lacking = f"the archive {self._folder} is that of another store"
            self._looked_at = time.monotonic()
        return self._lacking

    def claim(self, begins: Callable[[], None] = lambda: None) -> None:
        """Mark an archive as the store's own, before the first day is moved there; raises ``OSError``.

        ``begins`` is called before one is made that is new.
        """
        if self._ours is None or _sure(self._ours):
            return
        folder = self._theirs.parent
        number = _sure(self._theirs)
        fresh = [above for above in folder.parents if not above.exists()]
        if not number:
            begins()
            number = os.urandom(16).hex()
            folder.mkdir(parents=True, exist_ok=True)
            rewrite(self._theirs, number + "\n")
        # The store may not know of an archive whose folder went in a power cut: it would wait for it for ever.
        for above in (folder.parent, *(made.parent for made in fresh)):
            sync_folder(above)
        rewrite(self._ours, number + "\n")


def _sure(path: Path) -> str:
    """The number in a file, empty where there is no such file; raises ``OSError`` where nobody can know now."""
    try:
        return path.read_text().strip()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return ""


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, ValueError):
        return ""
