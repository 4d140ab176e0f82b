"""Whether the archive that is there is the store's own: a disk that is not mounted leaves an empty folder.

    PATH/guardia-archive     a random number, written before the first day is moved there
    blocks/archive           the same number, in the store

A store that was restored has none, and takes that of the archive.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from bus.mapped import settle

MARK = "guardia-archive"
OURS = "archive"
LOOK_SECONDS = 1.0
"""So long a look holds for those who only read."""


class Mark:
    """Of the archive in ``folder``; ``ours`` is the store's file, None for who does not mind."""

    def __init__(self, folder: Path, ours: Path | None) -> None:
        self._theirs = folder / MARK
        self._ours = ours
        self._looked_at = -LOOK_SECONDS
        self._away = False

    def is_away(self, *, now: bool = False) -> bool:
        """Whether days were moved to an archive that is not there; ``now`` looks in any case."""
        if now or time.monotonic() - self._looked_at >= LOOK_SECONDS:
            number = _read(self._ours) if self._ours is not None else ""
            self._away = bool(number) and number != _read(self._theirs)
            self._looked_at = time.monotonic()
        return self._away

    def claim(self) -> None:
        """Mark an archive as the store's own, before the first day is moved there; raises ``OSError``."""
        if self._ours is None or _read(self._ours):
            return
        folder = self._theirs.parent
        number = _read(self._theirs)
        fresh = [above for above in folder.parents if not above.exists()]
        if not number:
            number = os.urandom(16).hex()
            folder.mkdir(parents=True, exist_ok=True)
            _write(self._theirs, number)
        # The store may not know of an archive whose folder went in a power cut: it would wait for it for ever.
        for above in (folder.parent, *(made.parent for made in fresh)):
            settle(above)
        _write(self._ours, number)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, ValueError):
        return ""


def _write(path: Path, number: str) -> None:
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("w") as file:
        file.write(number + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
    settle(path.parent)
