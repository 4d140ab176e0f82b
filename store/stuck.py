"""What is to be gone and cannot be removed: told once, tried again seldom, and no reason to end or to stop.

A file may be immutable or another user's, its disk may not let it go, somebody may have mounted something in a folder.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

RETRY_SECONDS = 600.0
log = logging.getLogger("guardia")


class _Kept(NamedTuple):
    inode: int
    due: float
    alone: bool
    """Whether it is tried again for itself; else by whoever comes by when it is due."""


class Stuck:
    """Knows what one process could not remove, for as long as it is there and no other has taken its name."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[Path, _Kept] = {}

    def __len__(self) -> int:
        return sum(path in self for path in list(self._kept))

    def __contains__(self, path: Path) -> bool:
        """Whether it could not be removed and is there still."""
        known = self._kept.get(path)
        if known is not None and known.inode != _inode(path):
            del self._kept[path]
            return False
        return known is not None

    def waits(self, path: Path) -> bool:
        """Whether it is not tried again yet."""
        return path in self and self._clock() < self._kept[path].due

    def failed(self, path: Path, error: OSError, *, alone: bool = False) -> None:
        """It could not be removed, which is said once; see ``due`` for ``alone``."""
        if path not in self:
            why = (error.strerror or str(error)).lower()
            log.error("cannot remove %s: %s; it is tried again every %g min", path, why, RETRY_SECONDS / 60)
        self._kept[path] = _Kept(_inode(path), self._clock() + RETRY_SECONDS, alone)

    def gone(self, path: Path) -> None:
        """It is removed."""
        if self._kept.pop(path, None) is not None:
            log.info("removed %s at last", path)

    def stays(self, path: Path) -> None:
        """It is not to be removed any more."""
        self._kept.pop(path, None)

    def remove(self, path: Path, *, alone: bool = True) -> bool:
        """Remove a file, or a folder with all that is in it; False when it is there still, also as it waits."""
        if self.waits(path):
            return False
        try:
            _removed(path)
        except OSError as error:
            self.failed(path, error, alone=alone)
            return False
        self.gone(path)
        return True

    def due(self) -> list[Path]:
        """What is to be tried again now, though nobody comes by it."""
        found = [path for path, known in self._kept.items() if known.alone and self._clock() >= known.due]
        return [path for path in found if path in self]


def free(path: Path) -> Path:
    """This name, or a longer one that nothing has."""
    while os.path.lexists(path):
        path = path.with_name(path.name + "+")
    return path


def _removed(path: Path) -> None:
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    try:
        shutil.rmtree(path)
    except OSError:
        shutil.rmtree(path, ignore_errors=True)  # as much of it as can be
        if os.path.lexists(path):
            raise


def _inode(path: Path) -> int:
    try:
        return path.lstat().st_ino
    except OSError:
        return 0
