"""Reads the files of the archive again, a slice at a time, each against the checksum that it has as a whole.

No Parquet is read for that, and nothing large is loaded. A file that was written before there were such checksums is
passed over: ``guardia store verify`` reads it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path

from store.archive.files import files
from store.archive.mark import Mark
from store.archive.whole import AT_ONCE, Passage


class ArchiveFiles:
    """The files of one archive, by their names; a ``store.scrubbing.Reader``."""

    def __init__(
        self, folder: Path, mark: Mark, note: Callable[[str], None], alive: Callable[[], None] = lambda: None
    ) -> None:
        """``note`` is told of damage, in a sentence; ``alive`` is called now and then, and may raise."""
        self._folder = folder
        self._mark = mark
        self._note = note
        self._alive = alive
        self._file: Path | None = None
        """Where it goes on, and what it knows of that file; None: with the first. No path is before all others."""
        self._passage: Passage | None = None

    def on(self, most: int) -> tuple[int, bool]:
        """Read on. What is away, or cannot be read now, is passed over until the next round."""
        read = 0
        try:
            found = [] if self._mark.is_away() else files(self._folder)
        except OSError:
            found = []  # a disk that hung up is not waited for
        for path in found[bisect_left(found, self._file) if self._file is not None else 0 :]:
            if path != self._file:
                self._file, self._passage = path, None
            try:
                while read < most:
                    self._alive()
                    count, ended = self._read_on(path, min(most - read, AT_ONCE))
                    read += count
                    if ended:
                        break
                else:
                    return read, False
            except OSError:
                self._passage = None
        self._file, self._passage = None, None
        return read, True

    def close(self) -> None:
        """Nothing is open between two slices."""

    def _read_on(self, path: Path, most: int) -> tuple[int, bool]:
        passage = self._passage
        if passage is None or passage.is_another():
            passage = self._passage = Passage(path)
        count = 0 if passage.through else passage.on(most)
        if not passage.through:
            return count, False
        if passage.wrong and not passage.is_another():
            self._note(f"{path}: {passage.wrong}")
        return count, True
