"""Reads what is sealed again, a slice at a time, so that what a disk changes is found while there is a copy of it.

Rows are read when they are sealed, soon after they came. A file of blocks, or of the archive, may be asked for after
years, when each snapshot that is still there has the same damage. The state is read as a whole, after the files.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from store.blocks.pressing import Damaged, LeftAlone
from store.blocks.segments import Segment
from store.folders import entries
from store.spans import span_of

SLICE_BYTES = 4 * 1_048_576
"""A slice a minute is 6 GB a day. A part is read as a whole, however large it is."""
ROUND_SECONDS = 86_400.0
"""From the begin of a round to that of the next at least: a small store is not read all day."""


class Reader(Protocol):
    """Reads something of the store again, from its begin to its end, and then anew."""

    def on(self, most: int) -> tuple[int, bool]:
        """Read on, about ``most`` bytes; how many were read, and whether that was the end."""

    def close(self) -> None:
        """Give up what is under way."""


class Found:
    """How much damage there is, as far as is known: what was met since the last whole round began, and since then."""

    def __init__(self) -> None:
        self._met, self._before = set[str](), set[str]()
        """In the round that is under way, or the last one, and in the one before that as long as one is under way."""
        self._whole = False
        """Whether all was read since the start."""

    def met(self, what: str) -> None:
        """This is damaged, in a sentence that is the same whenever it is met."""
        self._met.add(what)

    def begins(self) -> None:
        """A round begins: what is still damaged is going to be met again."""
        self._met, self._before = set(), self._met

    def ends(self) -> None:
        """It ends: what was not met in it is there no more, or well."""
        self._before, self._whole = set(), True

    @property
    def count(self) -> int | None:
        """How much; None while nobody knows that there is none."""
        found = len(self._met | self._before)
        return found if found or self._whole else None


class Scrubber:
    """Has its readers read, one after the other, again and again. Removes nothing, mends nothing."""

    def __init__(self, readers: Sequence[Reader], slice_bytes: int = SLICE_BYTES, found: Found | None = None) -> None:
        """``found`` is told of rounds, and of damage by whoever meets it."""
        self._readers = tuple(readers)
        self._found = found or Found()
        self._left: list[Reader] = []
        """Those that are not at their end in this round."""
        self._slice = slice_bytes
        self._began = float("-inf")
        self.bytes = self.rounds = 0
        """How much was read, and how often all of it was, since the start."""

    def turn(self, now: float) -> None:
        """Read the next slice, if one is due at ``now``, in seconds of a clock that is never set."""
        if not self._left:
            if now - self._began < ROUND_SECONDS:
                return
            self._left, self._began = list(self._readers), now
            self._found.begins()
        end = self.bytes + self._slice
        while self._left and self.bytes < end:
            count, ended = self._left[0].on(end - self.bytes)
            self.bytes += count
            if not ended:
                return
            self._left.pop(0)
        if not self._left:
            self.rounds += 1
            self._found.ends()

    def close(self) -> None:
        """Give up what is under way."""
        for one in self._readers:
            one.close()


class Blocks:
    """The files of blocks, part by part."""

    def __init__(self, folder: Path, note: Callable[[str], None], alive: Callable[[], None] = lambda: None) -> None:
        """``note`` is told of damage, in a sentence; ``alive`` is called now and then, and may raise."""
        self._folder = folder
        self._note = note
        self._alive = alive
        self._file, self._part = "", 0
        """Where it goes on: the name of a file, and the number of a part of it."""
        self._read = 0

    def on(self, most: int) -> tuple[int, bool]:
        """As ``Reader`` has it."""
        try:
            files = sorted(
                path.relative_to(self._folder).as_posix()
                for path in entries(self._folder, "*/*/*")
                if span_of(path.name) is not None
            )
        except OSError:
            return 0, False  # a folder cannot be listed now
        self._read = 0
        for name in files[bisect_left(files, self._file) :]:
            if name != self._file:
                self._file, self._part = name, 0
            if self._read >= most or not self._read_on(self._folder / name, most):
                return self._read, False
        self._file, self._part = "", 0
        return self._read, True

    def close(self) -> None:
        """Nothing is under way between two slices."""

    def _read_on(self, path: Path, most: int) -> bool:
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
                if self._read >= most:
                    return False
                self._alive()
                if wrong := segment.wrong(place):
                    self._note(wrong)
                self._part += 1
                self._read += place.length
        except OSError:
            return True
        finally:
            segment.close()
        return True
