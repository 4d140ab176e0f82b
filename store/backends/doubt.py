"""Which files can be trusted: a damaged LMDB file may kill the process that touches it (SIGABRT, SIGBUS).

    at/<process>-<n>                  the file at which a living process is just now, held by flock
    rows/<kind>/<partition>.doubt     somebody died at this partition, or found it damaged

Who starts finds what the dead were at, and doubts it. Nobody reads a doubted partition until the writer has had a
child process read all of it (``store.backends.walking``): a sound one is trusted again, a damaged one put aside.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import mmap
import os
import struct
import subprocess
import sys
from pathlib import Path

from bus.mapped import NOT_NOW, SOUND, looked
from store.folders import entries

DOUBT = ".doubt"
ROOT = Path(__file__).parents[2]
PAGE = 4096
HEADS = 2
"""The first pages of a file say which of the others hold what; these are all of an empty one."""
MAGIC = struct.pack("=I", 0xBEEFC0DE)
MAGIC_AT = 16
_MARK_BYTES = 512
_MOST_MARKS = 256
"""Marks that are kept made: some are written for every question."""
_COUNT = itertools.count()


class Presence:
    """Shows at which file this process is, for whoever comes after its death."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._folder = store / "at"
        self._path = self._folder / f"{os.getpid()}-{next(_COUNT)}"
        self._file = -1
        self._mark: mmap.mmap | None = None
        self._marks: dict[Path, bytes] = {}
        # Without room for the marker there is none: that must not keep anybody from reading.
        with contextlib.suppress(OSError):
            self._make()

    def _make(self) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        fresh = self._path.with_name(f".{self._path.name}")
        file = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.pwrite(file, bytes(_MARK_BYTES), 0) < _MARK_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(fresh))
            # Held before it has its name: nobody takes it for a dead one's.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Written for every question: through a map that is no call of the system, and waits for no journal.
            self._mark = mmap.mmap(file, _MARK_BYTES)
            os.rename(fresh, self._path)
        except OSError:
            os.close(file)
            raise
        self._file = file

    def at(self, path: Path) -> _At:
        """Within the block this process is at ``path``, a folder of the store."""
        mark = self._marks.get(path)
        if mark is None:
            if len(self._marks) >= _MOST_MARKS:
                self._marks.clear()
            mark = os.fsencode(path.relative_to(self._store)).ljust(_MARK_BYTES, b"\0")
            self._marks[path] = mark
        return _At(self, mark)

    def write(self, mark: bytes) -> None:
        """Write over the mark from its start on; without a file nothing happens."""
        if self._mark is not None:
            self._mark[: len(mark)] = mark

    def close(self) -> None:
        """This process is nowhere any more."""
        if self._file >= 0:
            with contextlib.suppress(OSError):  # nobody holds it any more: whoever starts next removes it
                self._path.unlink(missing_ok=True)
            if self._mark is not None:
                self._mark.close()
                self._mark = None
            os.close(self._file)
            self._file = -1


class _At:
    """A block within which a mark stands. Not made of a generator, which would cost as much as the writing."""

    __slots__ = ("_mark", "_presence")

    def __init__(self, presence: Presence, mark: bytes) -> None:
        self._presence = presence
        self._mark = mark

    def __enter__(self) -> None:
        self._presence.write(self._mark)

    def __exit__(self, *_: object) -> None:
        self._presence.write(b"\0")


def after_the_dead(store: Path) -> list[Path]:
    """Doubt what those who died were at, and forget them; returns what is doubted anew."""
    doubted = []
    for marker in entries(store / "at", "[0-9]*-*"):
        with contextlib.suppress(OSError), marker.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            name = file.read(_MARK_BYTES).rstrip(b"\0")
            if name and not name.startswith(b"\0") and (path := store / os.fsdecode(name)).exists():
                doubt(path)
                doubted.append(path)
            marker.unlink()
    return doubted


def doubt(path: Path) -> None:
    """Let nobody read ``path`` before it was looked into."""
    with contextlib.suppress(OSError):
        path.with_name(path.name + DOUBT).touch(mode=0o600)


def is_doubted(path: Path) -> bool:
    """Whether somebody doubts it."""
    return path.with_name(path.name + DOUBT).exists()


def trust(path: Path) -> None:
    """Let it be read again, or what takes its place."""
    path.with_name(path.name + DOUBT).unlink(missing_ok=True)


def is_unborn(file: Path) -> bool:
    """Whether a power cut left it before anything was in it: it has no page of its own, and not both heads."""
    return file.stat().st_size <= HEADS * PAGE and not has_heads(file)


def has_heads(file: Path) -> bool:
    """Whether both heads are there, which are written when a file is made and are on the disk with its first entry."""
    with file.open("rb") as data:
        heads = data.read(HEADS * PAGE)
    return all(heads[MAGIC_AT + page * PAGE :].startswith(MAGIC) for page in range(HEADS))


class Look:
    """A child process that reads all of a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        command = [sys.executable, "-m", "store.backends.walking", str(path.resolve())]
        self._child = subprocess.Popen(  # noqa: S603 - our own
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def verdict(self, seconds: float = 0.0) -> bool | None:
        """True when it is sound, False when it is damaged; None when that is not known after so many seconds.

        Of a child that somebody killed, or that could not begin, it never is: another look has to tell.
        """
        try:
            code = self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        found = looked(code)
        return None if found == NOT_NOW else found == SOUND

    @property
    def over(self) -> bool:
        """Whether the child has ended."""
        return self._child.poll() is not None

    def close(self) -> None:
        """End it."""
        self._child.kill()
        self._child.wait()
