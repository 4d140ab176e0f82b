"""What a batch is about, on disk before the batch is worked on (rule R9), and what could not be stored.

The marker needs no fsync: a killed process leaves the page cache as it is. Its file: length u32, then the marker.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

MOST_FILES = 1000
MOST_BYTES = 64 * 1_048_576


class Marker:
    """The marker's file; ``found`` is what the last process left in it."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        content = os.pread(self._file, MOST_BYTES, 0)
        self.found = content[4 : 4 + int.from_bytes(content[:4], "big")]

    def write(self, marker: bytes) -> None:
        """Leave ``marker`` for whoever comes after a death. On a full disk there is none."""
        with contextlib.suppress(OSError):
            os.pwrite(self._file, len(marker).to_bytes(4, "big") + marker, 0)

    def close(self) -> None:
        """Nothing was under way."""
        self.write(b"")
        os.close(self._file)


class Quarantine:
    """A folder of records that will never be stored, as they came; the oldest make room."""

    def __init__(self, folder: Path, *, files: int = MOST_FILES, size: int = MOST_BYTES) -> None:
        self._folder = folder
        self._files = files
        self._size = size

    def keep(self, source: str, epoch: int, number: int, record: bytes) -> None:
        """Put one aside for whoever wants to look at it; what the disk has no room for is only counted."""
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            files = sorted(self._folder.glob("*.record"), key=lambda file: file.stat().st_mtime)
            size = sum(file.stat().st_size for file in files) + len(record)
            while files and (len(files) >= self._files or size > self._size):
                size -= files[0].stat().st_size
                files.pop(0).unlink()
            (self._folder / f"{source}-{epoch:016x}-{number}.record").write_bytes(record)
