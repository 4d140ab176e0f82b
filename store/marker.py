"""What a batch is about, on disk before the batch is worked on (rule R9), and what could not be stored.

The marker needs no fsync: a killed process leaves the page cache as it is. Its file: length u32, then the marker.
"""

from __future__ import annotations

import contextlib
import os
from collections import OrderedDict
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
    """A folder of records that will never be stored, as they came; the oldest make room.

    The folder is listed once. A flood of records that are refused must not cost a look at all files for each.
    """

    def __init__(self, folder: Path, *, files: int = MOST_FILES, size: int = MOST_BYTES) -> None:
        self._folder = folder
        self._files = files
        self._size = size
        self._kept: OrderedDict[str, int] | None = None
        """Names of files and their bytes, the oldest first."""
        self._bytes = 0

    def keep(self, source: str, epoch: int, number: int, record: bytes) -> None:
        """Put one aside for whoever wants to look at it; what the disk has no room for is only counted."""
        with contextlib.suppress(OSError):
            kept = self._kept if self._kept is not None else self._listed()
            name = f"{source}-{epoch:016x}-{number}.record"
            self._bytes -= kept.pop(name, 0)
            while kept and (len(kept) >= self._files or self._bytes + len(record) > self._size):
                oldest, size = kept.popitem(last=False)
                self._bytes -= size
                (self._folder / oldest).unlink(missing_ok=True)
            # Counted before it is written: what a full disk cut short is there, too.
            kept[name] = len(record)
            self._bytes += len(record)
            try:
                (self._folder / name).write_bytes(record)
            except FileNotFoundError:
                # Somebody took the folder away: it is made again for the next.
                self._kept = None

    def _listed(self) -> OrderedDict[str, int]:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        entries = [(entry.name, entry.stat()) for entry in os.scandir(self._folder) if entry.name.endswith(".record")]
        entries.sort(key=lambda entry: entry[1].st_mtime_ns)
        self._kept = OrderedDict((name, about.st_size) for name, about in entries)
        self._bytes = sum(self._kept.values())
        return self._kept
