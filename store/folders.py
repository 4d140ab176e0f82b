"""What stands in folders: once, or looked up again when they changed."""

from __future__ import annotations

import fnmatch
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from bus.timing import SECOND

T = TypeVar("T")
SETTLED = 2 * SECOND
"""A folder that did not change for so long, ns, is listed once: its time is no finer than the clock's tick."""

NOTHING_THERE = (FileNotFoundError, NotADirectoryError, PermissionError)
"""What is raised over a folder that is none, or is nobody's to look into; whatever else it is will be over."""
ABSENT = -1
"""In the place of the time of a folder that is not there."""


def entries(folder: Path, pattern: str) -> Iterator[Path]:
    """What stands below ``folder`` and is called so, part by part; raises ``OSError`` where a folder cannot be listed.

    One that is not there, or may not be looked into, has nothing in it. ``Path.glob`` takes from Python 3.13 on any
    folder that cannot be listed for an empty one, as while too many files are open: what is in it would be missing.
    """
    head, _, rest = pattern.partition("/")
    try:
        names = fnmatch.filter(os.listdir(folder), head)
    except NOTHING_THERE:
        return
    for name in names:
        if rest:
            yield from entries(folder / name, rest)
        else:
            yield folder / name


def below(folder: Path) -> Iterator[Path]:
    """All that stands below ``folder``; raises ``OSError`` where a folder cannot be listed."""
    for path in folder.iterdir():
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from below(path)


class Folders(Generic[T]):
    """What ``read`` makes of the names in a folder.

    While it is the same object, nothing came into the folder, left it or took another's place.
    """

    def __init__(self, read: Callable[[str, Sequence[str]], T]) -> None:
        """``read`` is given the folder and the names in it, none where there is no such folder."""
        self._read = read
        self._known: dict[str, tuple[int, T]] = {}

    def of(self, folder: str) -> T:
        """What stands there now; raises ``OSError`` where the folder is there and cannot be listed."""
        try:
            changed = os.stat(folder).st_mtime_ns
            known = self._known.get(folder)
            if known is not None and known[0] == changed:
                return known[1]
            names = os.listdir(folder)
        except NOTHING_THERE:
            known = self._known.get(folder)
            if known is None or known[0] != ABSENT:
                known = self._known[folder] = ABSENT, self._read(folder, ())
            return known[1]
        found = self._read(folder, names)
        if time.time_ns() - changed > SETTLED:
            self._known[folder] = changed, found
        return found

    def clear(self) -> None:
        """Look everything up anew."""
        self._known.clear()
