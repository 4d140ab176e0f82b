"""Whether a spool's LMDB file can be trusted.

A damaged LMDB file may kill the process that reads it (SIGBUS, SIGABRT). So a file is opened with a marker
beside it, and whoever reads or writes it says so in its lock file; when that is found at the next start, it may have
been the file, and a child process walks the
file first: ``python -m bus.spool PATH`` leaves with 0 when every message can be read, with 4 when it is damaged. All
else says nothing about the file. Until it has left, the spool is as one whose disk cannot be written.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bus.delivery.retention import NoRoom
from bus.mapped import NOT_NOW, SOUND, looked

if TYPE_CHECKING:
    import subprocess

BAD = ".bad-"
KEEP_BAD = 2
"""Damaged files that are kept for whoever wants to look at them."""
PATIENCE = 20.0
"""Seconds that whoever opens a spool waits for the child, which a watchdog does not take for silence."""
AT_IT = b"1"
"""The first byte of the lock's file while somebody reads or writes the spool's."""


class AtIt:
    """Who dies in here may have died of the file: it is looked into at the next start."""

    def __init__(self, lock: int) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        # A full disk must not keep anybody from writing less.
        with suppress(OSError):
            os.pwrite(self._lock, AT_IT, 0)

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            os.pwrite(self._lock, b"0", 0)


class Look:
    """A child process that reads all of the file, for as long as it takes: a slow disk says nothing about the file."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def sound(self, path: Path) -> bool:
        """Whether everything in it can be read; raises ``NoRoom`` when that cannot be found out, or is not yet."""
        import subprocess  # needed once in the life of a damaged disk, and half a megabyte

        fresh = self._child is None
        if self._child is None:
            command = [sys.executable, "-m", "bus.spool", str(path.resolve())]
            self._child = subprocess.Popen(  # noqa: S603 - our own
                command, cwd=Path(__file__).parents[2], stdout=subprocess.DEVNULL
            )
        try:
            code = self._child.wait(PATIENCE if fresh else 0)
        except subprocess.TimeoutExpired:
            raise NoRoom(f"{path}: all of it is read first, since who had it last died while at it") from None
        self._child, found = None, looked(code)
        if found == NOT_NOW:
            raise NoRoom(f"{path}: it cannot be looked into now")
        return found == SOUND

    def close(self) -> None:
        """End the child."""
        if self._child is None:
            return
        import subprocess

        self._child.kill()
        with suppress(subprocess.TimeoutExpired):  # one that waits for a disk goes when that answers
            self._child.wait(1.0)


def locked(path: Path) -> tuple[int, bool]:
    """A lock's file, held until it is closed, and whether who held it last died while at the spool's file.

    Raises ``BlockingIOError`` when another process holds it, and ``OSError``.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise
    return file, os.pread(file, 1, 0) == AT_IT


def doubtful(marker: Path) -> bool:
    """Whether the last opening did not end; leaves the marker for this one."""
    found = marker.exists()
    marker.touch(mode=0o600)
    return found


def move_aside(path: Path, wall: int) -> Path:
    """Move a damaged file out of the way, keep it and the newest of the others; returns where it is now."""
    aside = path.with_name(f"{path.name}{BAD}{wall // 10**9}")
    while aside.exists():
        aside = aside.with_name(aside.name + "+")
    path.rename(aside)
    # A clock that was set back makes this one the oldest by its name.
    others = sorted(one for one in path.parent.glob(f"{path.name}{BAD}*") if one != aside)
    for old in others[: 1 - KEEP_BAD]:
        if old.is_dir():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.unlink(missing_ok=True)
    return aside
