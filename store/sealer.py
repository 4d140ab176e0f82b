"""What the sealer does in one turn: one piece of work, whole or not at all, and whatever was left by a death before.

Order makes it safe. A file of blocks is on disk and was read again before anything that it holds is removed. The
rows' partitions are not removed here at all: the writer does it, which alone knows that nothing was added meanwhile
(``store.backends.lmdb``). A day's rollups are finished before the day itself, and both before its hours go. Who dies
leaves a file that nobody sees, or two that say the same, of which the longer one is read.

    hours            partitions to blocks
    days             hours to days, days to rollups, those to months
    archive/moving   old days to the archive
"""

from __future__ import annotations

import logging
import resource
import time
from collections.abc import Callable
from pathlib import Path

from store.archive.files import Archive
from store.archive.moving import Mover
from store.archive.scrubbing import ArchiveFiles
from store.backends.partitions import Partitions
from store.blocks.files import Blocks
from store.care.scrubbing import State
from store.columns import Layouts
from store.days import Days
from store.hours import Hours
from store.keys import SAMPLE
from store.retention import WAITING, Held
from store.rollups import ALL, Pace, Rollups
from store.scrubbing import Blocks as Scrubbed
from store.scrubbing import Reader, Scrubber
from store.sealing_files import Done, Files
from store.spans import RAW

__all__ = ["ALL", "Done", "Pace", "Sealer"]


class Sealer:
    """Looks for what is due, and does it. One process at a time may."""

    def __init__(
        self,
        store: Path,
        rows: Partitions,
        layouts: Layouts,
        pace: Pace,
        log: logging.Logger,
        alive: Callable[[], None] = lambda: None,
        archive: Archive | None = None,
    ) -> None:
        """``alive`` is called now and then during long work; old days go to the ``archive``."""
        self.pace = pace
        self._rows = rows
        self._files = files = Files(store, layouts, log)
        self.mover = Mover(archive, files.blocks, rows, log, alive=alive) if archive is not None else None
        self.rollups = Rollups(files.blocks, layouts, files.segment, files.note, alive, self._paced)
        if self.mover is not None:
            self.mover.lacks = lambda day, sources, now: bool(self.rollups.lacking(day, sources, now))
            self._hours = Hours(files, rows, self._paced, alive, self.mover.bring_back)
        else:
            self._hours = Hours(files, rows, self._paced, alive)
        self._days = Days(files, self.rollups, self._paced, alive, archived=self.mover is not None)
        files.blocks.be_kept(alive)
        readers: list[Reader] = [Scrubbed(files.blocks.folder, files.note, alive)]
        if archive is not None:
            readers.append(ArchiveFiles(archive.folder, archive.mark, files.note, alive))
        self.scrubber = Scrubber([*readers, State(store, files.note)], found=files.found)

    def _paced(self) -> Pace:
        return self.pace

    @property
    def blocks(self) -> Blocks:
        """The files that it makes."""
        return self._files.blocks

    @property
    def done(self) -> Done:
        """What was done since the start."""
        return self._files.done

    @property
    def damaged(self) -> int | None:
        """How much of what is kept is damaged, as far as is known; None while nobody knows that nothing is."""
        return self._files.found.count

    @property
    def settled(self) -> dict[Path, int]:
        """When the partitions were last written to that are in blocks, or were given up."""
        return self._hours.settled

    def turn(self, now: int) -> bool:
        """Do one piece of work; False when there is none now. Raises ``OSError`` when the disk does not let it."""
        started = _cpu_seconds()
        try:
            if self._hours.seal_one(now) or self._days.join_one(now) or self._days.join_one_month(now):
                return True
            return self.mover is not None and self.mover.turn(now)
        finally:
            self.done.seconds += _cpu_seconds() - started

    def spares(self, one: Held, now: int) -> bool:
        """Whether a file may not go yet, although it is past its time."""
        if self.mover is not None and self.mover.spares(one, now):
            return True
        if (one.kind, one.tier) != (SAMPLE, RAW):
            return False
        # Rows that are in it still are removed by the writer, which knows by the file that they are sealed.
        if self._rows.between(SAMPLE, one.start, one.end - 1):
            return True
        # What came late joins its rollups first, if that can be.
        return one.start in self.blocks.late() and now - one.end < self.pace.raw[1] + WAITING

    def close(self) -> None:
        """Close every file, and give up what is under way."""
        self.scrubber.close()
        self.blocks.close()
        if self.mover is not None:
            self.mover.archive.close()


def _cpu_seconds() -> float:
    """CPU of this process and of those that it started and that are over."""
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + others.ru_utime + others.ru_stime
