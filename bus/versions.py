"""The version of what the store holds of each host, in memory that programs of one machine share.

Whoever keeps answers of the store can see by it that they still hold, without asking. The writer raises a host's
version after each commit that has samples of it, and before it acknowledges them: so an answer whose version was
looked at before the store was asked, and is the same now, lacks nothing that is acknowledged. Hosts share versions
by chance (crc32 of their names); one may rise where nothing of a host is new, and never stays where something is.

The file, in the byte order of the machine:

    offset size            field
         0    8            magic, b"GDVERS\\x01\\x00"
         8    8            life: raised when a writer starts
        16    8 * SLOTS    versions

It is made once and changed in place, for others have it in their memory. A writer whose life ended between a commit
and its version acknowledged nothing of that commit; the next one may, and raises ``life`` before.
"""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Iterable
from pathlib import Path
from zlib import crc32

from bus.mapped import allocated

MAGIC = int.from_bytes(b"GDVERS\x01\x00", "little")
SLOTS = 4096
"""A power of two: 32 kB."""
_LIFE, _FIRST = 1, 2
_MASK = SLOTS - 1
SIZE = 8 * (_FIRST + SLOTS)

Version = tuple[int, int]
"""The life of the writer, and the version of the host in it."""


class Versions:
    """The writer's side. One process may have it."""

    def __init__(self, path: Path) -> None:
        """Raise ``life``. Where the file cannot be had nobody is told anything, and it is gone; raises ``OSError``."""
        try:
            self._map = _mapped(path)
        except OSError:
            path.unlink(missing_ok=True)  # else others would go by what nobody changes any more
            raise
        self._numbers = memoryview(self._map).cast("Q")
        self._numbers[0] = MAGIC
        self._numbers[_LIFE] += 1

    def changed(self, hosts: Iterable[bytes]) -> None:
        """Raise the versions of these, by their names."""
        numbers = self._numbers
        for host in hosts:
            numbers[_FIRST + (crc32(host) & _MASK)] += 1

    def close(self) -> None:
        """Let go of the file, which stays."""
        self._numbers.release()
        self._map.close()


class Seen:
    """The side of whoever keeps answers."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._numbers: memoryview | None = None
        self._identity: tuple[int, int] | None = None

    def of(self, host: str) -> Version | None:
        """The version of a host; None while nobody tells it, and nothing may be kept."""
        numbers = self._numbers
        if numbers is None:
            return None
        return numbers[_LIFE], numbers[_FIRST + (crc32(host.encode()) & _MASK)]

    def look(self) -> None:
        """See whether the file is there, and still the same one. Not for each question: it asks the system."""
        try:
            found = os.stat(self._path)
        except OSError:
            found = None
        identity = (found.st_dev, found.st_ino) if found is not None and found.st_size == SIZE else None
        if identity != self._identity:
            self._identity, self._numbers = identity, None
        if self._numbers is None and identity is not None:
            with contextlib.suppress(OSError, ValueError):
                self._numbers = self._read()

    def _read(self) -> memoryview | None:
        with self._path.open("rb") as file:
            found = os.fstat(file.fileno())
            if (found.st_dev, found.st_ino) != self._identity:
                return None  # another one by now; it is seen at the next look
            numbers = memoryview(mmap.mmap(file.fileno(), SIZE, prot=mmap.PROT_READ)).cast("Q")
        return numbers if numbers[0] == MAGIC else None


def _mapped(path: Path) -> mmap.mmap:
    """The file, made or as it is; one of another size is replaced, for it is in nobody's memory."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size != SIZE:
            path.unlink()
    allocated(path, SIZE)  # on a full disk, writing to memory without blocks behind it would be SIGBUS
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        return mmap.mmap(file, SIZE)
    finally:
        os.close(file)
