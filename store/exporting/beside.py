"""A file beside its place: it takes that when it is whole. What an export left there that was killed is removed.

Who writes one holds it locked, so that what nobody holds is left over. Where a file system has no such locks it stays.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path


@contextlib.contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A new, empty file; at the end it is at ``path``, and on the disk, or, after an exception, gone."""
    _clear(path)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    held = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield fresh
        os.fsync(held)
        os.replace(fresh, path)
    finally:
        os.close(held)
        fresh.unlink(missing_ok=True)


def _clear(path: Path) -> None:
    """Remove what nobody writes any more."""
    names: list[str] = []
    with contextlib.suppress(OSError):  # who may not look may still write
        names = os.listdir(path.parent)
    for name in names:
        if not (name.startswith(f".{path.name}.") and fnmatchcase(name[len(path.name) + 2 :], "[0-9]*.new")):
            continue
        left = path.with_name(name)
        with contextlib.suppress(OSError), left.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()
