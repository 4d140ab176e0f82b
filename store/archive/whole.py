"""The checksum of a whole file of the archive: of what Parquet has none for, its pages' heads, statistics and footer.

    pages | "GALL" | CRC-32 of all other bytes, u32 little-endian | footer | its length, u32 | "PAR1"

Who reads Parquet looks where the footer says, and passes these eight bytes over. Files without them are older.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

KEY = b"guardia.whole"
"""In the file's metadata, where there is such a checksum: a mark that changed is not taken for none."""
MAGIC = b"GALL"
MARK = struct.Struct("<4sI")
TAIL = struct.Struct("<I4s")
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


def is_whole(path: Path, *, promised: bool) -> bool:
    """Whether the checksum holds; True for a file that has none, unless it is ``promised``. Raises ``OSError``."""
    with path.open("rb") as file:
        size = file.seek(-TAIL.size, 2) + TAIL.size
        at = size - TAIL.size - TAIL.unpack(file.read(TAIL.size))[0] - MARK.size
        if at < 0:
            return False
        file.seek(at)
        magic, checksum = MARK.unpack(file.read(MARK.size))
        if magic != MAGIC:
            return not promised
        file.seek(0)
        found, left = 0, at
        while left and (data := file.read(min(left, AT_ONCE))):
            found, left = crc32(data, found), left - len(data)
        file.seek(at + MARK.size)
        while data := file.read(AT_ONCE):
            found = crc32(data, found)
        return bool(found == checksum)
