"""The checksum of a whole file of the archive: of what Parquet has none for, its pages' heads, statistics and footer.

    pages | "GALL" | CRC-32 of all other bytes, u32 little-endian | footer | its length, u32 | "PAR1"

Who reads Parquet looks where the footer says, and passes these eight bytes over. Files without them are older.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

KEY = b"guardia.whole"
"""In the file's metadata, where there is such a checksum: a mark that changed is not taken for none."""
MAGIC = b"GALL"
MARK = struct.Struct("<4sI")
TAIL = struct.Struct("<I4s")
END = b"PAR1"
AT_ONCE = 1 << 20


class Sink:
    """What pyarrow writes to. From ``hold`` on it is kept back, and written with the checksum by ``finish``."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._held: bytearray | None = None
        self._checksum = 0

    def write(self, data: bytes) -> int:
        """As a file does."""
        if self._held is not None:
            self._held += data
            return len(data)
        self._checksum = crc32(data, self._checksum)
        return self._file.write(data)

    def tell(self) -> int:
        """How much was written, and held back."""
        return self._file.tell() + len(self._held or b"")

    def flush(self) -> None:
        """As a file does."""
        self._file.flush()

    def close(self) -> None:
        """Nothing: whoever opened the file closes it."""

    def hold(self) -> None:
        """The footer comes next, perhaps after the last pages."""
        self._held = bytearray()

    def finish(self) -> None:
        """Write what was held back, and the checksum before the footer."""
        held = bytes(self._held or b"")
        footer = len(held) - TAIL.size - TAIL.unpack(held[-TAIL.size :])[0]
        self._held = None
        self._file.writelines((held[:footer], MARK.pack(MAGIC, crc32(held, self._checksum)), held[footer:]))


class Passage:
    """A file that is read once, a piece at a time, to see whether its checksum holds. Raises ``OSError`` throughout.

    It is open while it is read only: one that another took the place of meanwhile ``is_another``.
    """

    def __init__(self, path: Path) -> None:
        self.wrong = ""
        """What is wrong with it, as far as it was read; part of a sentence."""
        self.marked = False
        """Whether it has a checksum; what has none is not read."""
        self._path = path
        self._found = self._next = self._mark = self._end = 0
        with path.open("rb") as file:
            self._identity = _identity(os.fstat(file.fileno()))
            self._look(file, file.seek(0, 2))

    def _look(self, file: BinaryIO, size: int) -> None:
        file.seek(max(0, size - TAIL.size))
        length, end = TAIL.unpack(file.read(TAIL.size).rjust(TAIL.size, b"\0"))
        mark = size - TAIL.size - length - MARK.size
        if end != END or mark < 0:
            self.wrong = "it does not end as a file of the archive does"
            return
        file.seek(mark)
        magic, self._checksum = MARK.unpack(file.read(MARK.size))
        self.marked = magic == MAGIC
        if self.marked:
            self._mark, self._end = mark, size
        elif KEY in file.read(length):
            self.wrong = "its checksum is not where it was written"

    @property
    def through(self) -> bool:
        """Whether all of it was read."""
        return self._next >= self._end

    def is_another(self) -> bool:
        """Whether the file that is there is not the one that is read."""
        return _identity(self._path.stat()) != self._identity

    def on(self, most: int) -> int:
        """Read on, at most so many bytes; returns how many were read, 0 at the end."""
        with self._path.open("rb") as file:
            stop = self._mark if self._next < self._mark else self._end
            file.seek(self._next)
            data = file.read(min(most, stop - self._next))
        self._found = crc32(data, self._found)
        self._next = self._next + len(data) if data else self._end  # one that was cut ends here
        if self._next == self._mark:
            self._next += MARK.size
        if self.through and self.marked and self._found != self._checksum:
            self.wrong = "it is not as it was written"
        return len(data)


def is_whole(path: Path, *, promised: bool) -> bool:
    """Whether the checksum holds; True for a file that has none, unless it is ``promised``. Raises ``OSError``."""
    passage = Passage(path)
    while not passage.through:
        passage.on(AT_ONCE)
    return not passage.wrong and (passage.marked or not promised)


def _identity(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_size, found.st_mtime_ns
