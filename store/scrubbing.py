"""Reads what is sealed again, a slice at a time, so that what a disk changes is found while there is a copy of it.

Rows are read when they are sealed, soon after they came. A file of blocks may be asked for after years, when each
snapshot that is still there has the same damage.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path

from store.blocks.pressing import Damaged, LeftAlone
from store.blocks.segments import Segment
from store.folders import entries
from store.spans import span_of

SLICE_BYTES = 4 * 1_048_576
"""A slice a minute is 6 GB a day. A part is read as a whole, however large it is."""
ROUND_SECONDS = 86_400.0
"""From the begin of a round to that of the next at least: a small store is not read all day."""


class Scrubber:
    """Goes through the files of blocks, from the first to the last, again and again. Removes nothing, mends nothing."""

    def __init__(
        self,
        folder: Path,
        note: Callable[[str], None],
        alive: Callable[[], None] = lambda: None,
        slice_bytes: int = SLICE_BYTES,
    ) -> None:
        """``note`` is told of damage, in a sentence; ``alive`` is called now and then, and may raise."""
        self._folder = folder
        self._note = note
        self._alive = alive
        self._slice = slice_bytes
        self._file, self._part = "", 0
        """Where it goes on: the name of a file, and the number of a part of it."""
        self._began = float("-inf")
        self.bytes = self.rounds = 0
        """How much was read, and how often all of it was, since the start."""

    def turn(self, now: float) -> None:
        """Read the next slice, if one is due at ``now``, in seconds of a clock that is never set."""
        if not self._file and now - self._began < ROUND_SECONDS:
            return
        try:
            files = sorted(
                path.relative_to(self._folder).as_posix()
                for path in entries(self._folder, "*/*/*")
                if span_of(path.name) is not None
            )
        except OSError:
            return  # a folder cannot be listed now
        if not self._file:
            self._began = now
        end = self.bytes + self._slice
        for name in files[bisect_left(files, self._file) :]:
            if name != self._file:
                self._file, self._part = name, 0
            if self.bytes >= end or not self._read(self._folder / name, end):
                return
        self._file, self._part = "", 0
        self.rounds += 1

    def _read(self, path: Path, end: int) -> bool:
        """Read on in a file; whether there is no more of it to be read."""
        try:
            segment = Segment(path)
        except (LeftAlone, OSError):
            return True  # it was taken up by another, or cannot be had now
        except Damaged as error:
            self._note(str(error))
            return True
        try:
            for place in segment.index.parts[self._part :]:
                if self.bytes >= end:
                    return False
                self._alive()
                if wrong := segment.wrong(place):
                    self._note(wrong)
                self._part += 1
                self.bytes += place.length
        except OSError:
            return True
        finally:
            segment.close()
        return True
