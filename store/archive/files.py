"""The folder of the archive: ``PATH/kind=sample/day=2026-01-31/part.parquet``, a file a kind and day.

Only the sealer writes here, and it never changes a file: it puts a new one in the place of the old. A day may be in a
block as well (it was just moved, or taken back because rows came late): then the block holds all that the file does.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bus.messages import KINDS
from bus.timing import DAY, SECOND
from store.archive.index import NAME, path_of
from store.archive.mark import Mark
from store.blocks.gather import records, taken
from store.blocks.pressing import Damaged, LeftAlone, Newer
from store.columns import Columns, matching
from store.folders import entries
from store.keys import EARLIEST, FAR
from store.retention import Held
from store.rows import Row
from store.spans import ARCHIVE, Span, day_of, name_of
from store.stuck import Stuck

if TYPE_CHECKING:
    from store.archive.index import Place
    from store.archive.parquet import Archived

MOST_OPEN = 16
BAD = ".bad-"


class Archive:
    """Reads what the sealer moved. ``note`` is told of damage, which is left out of answers.

    ``ours`` is the store's file that says which archive is its own (``store.archive.mark``). While that is away,
    nothing is found here.
    """

    there = True
    """Whether the store has an archive."""

    def __init__(self, folder: Path, note: Callable[[str], None], ours: Path | None = None) -> None:
        self.folder = folder
        self.mark = Mark(folder, ours)
        self._note = note
        self._open: OrderedDict[Path, tuple[Archived, tuple[int, int]]] = OrderedDict()
        self._listed: dict[str, tuple[int, list[Span]]] = {}

    @property
    def lacking(self) -> str:
        """A sentence while the archive is away; empty when it is there."""
        return self.mark.lacking()

    def path(self, kind: str, day: int) -> Path:
        """The file of a kind and day."""
        return path_of(self.folder, kind, day)

    def spans(self, kind: str, start: int = EARLIEST, end: int = FAR) -> list[Span]:
        """The days that may hold something between two times (both included), by time."""
        return [one for one in self._listing(kind) if one.start <= end and one.end > start]

    def opened(self, kind: str, span: Span) -> Archived | None:
        """The open file; None when it is not there, or damaged."""
        path = self.path(kind, span.start)
        try:
            found = path.stat()
        except OSError:
            self._forget(path)
            return None
        identity = found.st_ino, found.st_mtime_ns
        known = self._open.get(path)
        if known is not None and known[1] == identity:
            self._open.move_to_end(path)
            return known[0]
        self._forget(path)
        # pyarrow is large: who never reads a file of the archive never has it in memory.
        from store.archive.parquet import Archived

        try:
            file = Archived(path)
            if other := file.misplaced():
                file.close()
                raise Damaged(other)
        except FileNotFoundError:
            return None
        except (Damaged, OSError) as error:
            self._note(f"{path}: {error}")
            return None
        while len(self._open) >= MOST_OPEN:
            self._open.popitem(last=False)[1][0].close()
        self._open[path] = file, identity
        return file

    def rows(self, kind: str, subject: str, start: int, end: int, limit: int | None = None) -> list[Row]:
        """The records of a subject between two times, in no order; with ``limit`` at least the newest so many."""
        code = KINDS[kind].code
        found: list[Row] = []
        for span in reversed(self.spans(kind, start, end)):
            for file, place in self._places(kind, span, subject, start, end):
                with self._whole(file, place):
                    told = taken(file.told(place), start, end)
                    if limit is not None and len(told) > limit:
                        told = taken(told, int(told.kept[-limit]), FAR)
                    found += records(place.origin, told, code)
            if limit is not None and len(found) >= limit:
                break
        return found

    def columns(self, subject: str, globs: Sequence[str], start: int, end: int) -> list[Columns]:
        """The metrics of a host that match, between two times (both included): a piece for each day and origin."""
        found: list[Columns] = []
        for span in self.spans("sample", start, end):
            for file, place in self._places("sample", span, subject, start, end):
                names = file.index.layouts.get(place.layout or 0, ())
                wanted = matching(names, globs)
                if not wanted or len(names) != place.values:
                    continue
                where = {name: at for at, name in enumerate(names)}
                with self._whole(file, place):
                    times = file.times(place).clip(EARLIEST, FAR)
                    first, last = int(times.searchsorted(start)), int(times.searchsorted(end, "right"))
                    values = file.numbers(place, [where[name] for name in wanted])
                    some = {name: values[where[name]][first:last] for name in wanted}
                    found.append(Columns(times[first:last], some))
        return found

    def held(self) -> list[Held]:
        """All files, by kind and time; the size is that on the disk."""
        found = []
        for kind in KINDS:
            for span in self.spans(kind):
                with suppress(OSError):
                    size = self.path(kind, span.start).stat().st_blocks * 512
                    found.append(Held(span.name, kind, ARCHIVE, span.start, span.end, size))
        return found

    def put_aside(self, kind: str, span: Span, *, damaged: bool = False) -> None:
        """Keep a file that cannot be read for whoever wants to look at it, and go on without it.

        Unless it is known to be ``damaged`` it is looked into once more.
        Raises ``LeftAlone`` where it is not the file's fault: it stays.
        """
        from store.archive.parquet import Archived

        path = self.path(kind, span.start)
        self._forget(path)
        try:
            file = Archived(path)
            file.close()
            if not (damaged or file.misplaced()):
                raise LeftAlone(f"{path} could not be opened a moment ago")
        except Newer as error:
            raise Newer(f"{path}: {error}") from None
        except OSError as error:
            raise LeftAlone(f"{path} cannot be opened now: {error.strerror}") from None
        except LeftAlone:
            raise
        except Damaged:
            pass
        path.rename(path.with_name(f".{path.name}{BAD}{int(time.time())}"))
        self._listed.clear()

    def remove(self, kind: str, span: Span, stuck: Stuck) -> bool:
        """Remove a day's file, and its folder when that is empty then; False when it cannot be, which is told."""
        path = self.path(kind, span.start)
        self._forget(path)
        if not stuck.remove(path, alone=False):
            return False
        with suppress(OSError):
            path.parent.rmdir()
        self._listed.clear()
        return True

    def refresh(self) -> None:
        """Close what is no more."""
        for path, (_, (inode, _)) in list(self._open.items()):
            with suppress(OSError):
                if path.stat().st_ino == inode:
                    continue
            self._forget(path)

    def close(self) -> None:
        """Close every file."""
        for path in list(self._open):
            self._forget(path)

    def _forget(self, path: Path) -> None:
        known = self._open.pop(path, None)
        if known is not None:
            known[0].close()

    def _listing(self, kind: str) -> list[Span]:
        folder = self.folder / f"kind={kind}"
        if self.mark.is_away():
            return []
        try:
            changed = folder.stat().st_mtime_ns
        except OSError:
            return []
        known = self._listed.get(kind)
        if known is not None and known[0] == changed:
            return known[1]
        found = []
        whole = True
        for path in entries(folder, "day=*"):
            with suppress(ValueError):
                at = datetime.strptime(path.name, "day=%Y-%m-%d").replace(tzinfo=UTC)
                day = day_of(int(at.timestamp()) * SECOND)
                if (path / NAME).exists():
                    found.append(Span(day, day + DAY, name_of(day, "1d")))
                else:
                    whole = False  # it may come at any time, and the folder above does not change
        found.sort()
        # A folder's time is no finer than the clock's tick.
        if whole and time.time_ns() - changed > 2 * SECOND:
            self._listed[kind] = changed, found
        return found

    def _places(self, kind: str, span: Span, subject: str, start: int, end: int) -> Iterator[tuple[Archived, Place]]:
        file = self.opened(kind, span)
        for place in file.places(subject) if file is not None else ():
            if place.first <= end and place.last >= start:
                assert file is not None
                yield file, place

    @contextmanager
    def _whole(self, file: Archived, place: Place) -> Iterator[None]:
        try:
            yield
        except (Damaged, OSError) as error:
            self._note(f"{file.path}: {place.subject}: {error}")


class NoArchive(Archive):
    """The archive of a store that has none: nothing is found in it."""

    there = False

    def __init__(self) -> None:
        super().__init__(Path(), lambda damage: None)

    def spans(self, kind: str, start: int = EARLIEST, end: int = FAR) -> list[Span]:
        """None."""
        return []


def files(folder: Path) -> list[Path]:
    """The files of an archive."""
    return sorted(path for path in entries(folder, f"kind=*/day=*/{NAME}") if path.is_file())
