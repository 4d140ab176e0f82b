"""The folder ``rows``: its LMDB environments listed, opened, read through, put aside, removed.

A partition that cannot be read is moved aside and named.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import lmdb

from bus.folder import sync_folder
from bus.timing import MINUTE
from bus.wire import Malformed, walk
from store.backends import StoreBroken, StoreDamaged, StoreFull
from store.backends.doubt import DOUBT, Look, Presence, after_the_dead, doubt, is_doubted, trust
from store.backends.environments import DAMAGED, environment, explained
from store.backends.exchange import GONE, exchange, left_over, prepared, swept
from store.backends.listed import Listed, listed, start_of
from store.backends.regrouping import Regrouping, Rows, fresh_in, fresh_of, series_in
from store.folders import Folders, entries
from store.keys import COUNT, COUNT_KEY, ROW, period, row_key
from store.rows import Damaged, Row, Seen, salvaged, spread
from store.stuck import Stuck, free

MOST_OPEN = 48
"""Partitions open at once: 47 bits of address space hold 128 maps of ``MAP_BYTES``."""
CHUNK = 256
"""Groups read in one transaction: a long one keeps old pages alive and the file grows."""
MOST_DAMAGED = 1000
"""Damages remembered, so that each is told once."""
BAD = ".bad-"
SURE_SECONDS = 5.0
"""So long a commit waits for the look into a partition that is doubted; then it is tried again later."""
DOUBT_SECONDS = 15.0
"""So long a question that touches a doubted partition is refused rather than answered without it."""


class Partitions:
    """The folder ``rows``: its partitions by kind and time, the most recently used of them open."""

    def __init__(self, rows: Path, presence: Presence, *, write: bool) -> None:
        self.damaged: list[str] = []
        """What was found damaged since the start, a sentence each."""
        self.noted = 0
        """How often damage was met, the same as well."""
        self.dead_readers = 0
        """Places in lock files that processes left when they were killed."""
        self._rows = rows
        self._presence = presence
        self._write = write
        self._open: OrderedDict[Path, tuple[lmdb.Environment, int]] = OrderedDict()
        self._listings = Folders(listed)
        self._look: Look | None = None
        self._regrouping = Regrouping(self.note)
        self.stuck = Stuck()
        """What could not be removed."""
        if write:
            swept(rows, self.stuck)

    def note(self, damage: str) -> None:
        """Tell of a damage, once."""
        self.noted += 1
        if damage not in self.damaged and len(self.damaged) < MOST_DAMAGED:
            self.damaged.append(damage)
            logging.getLogger("guardia").error("damaged: %s", damage)

    def _noting(self, path: Path) -> Callable[[str], None]:
        return lambda what: self.note(f"{path}: {what}")

    def path(self, kind: str, name: str) -> Path:
        """Where a partition is."""
        return self._rows / kind / name

    def listing(self, kind: str) -> Listed:
        """The kind's partitions; while it is the same object, they are the same."""
        return self._listings.of(f"{self._rows}/{kind}")

    def between(self, kind: str, start: int | None = None, end: int | None = None) -> list[Path]:
        """The kind's partitions that may hold something of the range, by time; none that is doubted."""
        length = period(kind)
        return [
            path
            for begin, path in self.listing(kind).sound
            if (end is None or begin <= end) and (start is None or begin + length > start)
        ]

    def settled(self, kind: str, start: int, end: int) -> None:
        """Raise ``StoreBroken`` while a part of the range is just being looked into: without it the answer would lie.

        A doubt that nobody settles for long, because no writer runs, is no reason to give none: the log has said so.
        """
        for begin, note in self.listing(kind).doubts:
            with suppress(FileNotFoundError):
                fresh = abs(time.time() - note.stat().st_mtime) < DOUBT_SECONDS
                if fresh and begin <= end and begin + period(kind) > start:
                    raise StoreBroken(f"{kind} of {note.stem} are looked into after a crash, ask again in a moment")

    def put_aside(self, kind: str = "*") -> list[Path]:
        """Partitions that were found damaged, and are kept for whoever wants to look at them."""
        return sorted(entries(self._rows, f"{kind}/*{BAD}*"))

    def put(self, path: Path, commit: int, rows: Rows, records: int, *, again: bool) -> None:
        """Make ``rows`` durable; see ``Regrouping``. Raises ``lmdb.Error``, ``StoreBroken``."""
        if is_doubted(path):
            self._be_sure(path)
        try:
            with self._presence.at(path):
                self._regrouping.put(path, self._at(path), commit, rows, records, again=again)
        except DAMAGED as error:
            # Nothing but this partition is concerned: it is put aside, and the rows go to a new one.
            self._set_aside(path, str(error))
            self._regrouping.put(path, self._at(path), commit, rows, records, again=False)

    def regroup(self) -> None:
        """Give what is fresh its rows where nothing was written since the last call; a writer's duty."""
        for path in self._regrouping.idle():
            # What cannot be regrouped now is read as it is.
            with suppress(lmdb.Error, StoreBroken):
                if _inode(path) and not is_doubted(path):
                    with self._presence.at(path):
                        self._regrouping.regroup(path, self._at(path))

    def rows_of(self, path: Path, number: int, start: int, end: int) -> Iterator[Row]:
        """The rows of series ``number`` between two instants, as they stand; what is damaged is left out.

        Raises ``StoreBroken`` where they cannot be read now, for a reason that says nothing about them.
        """
        for value in self._groups_of(path, number, start, end):
            try:
                rows = list(spread(value))
            except (Damaged, Malformed) as error:
                rows = list(salvaged(value))
                self.note(f"{path}: a group of series {number}: {error}; {len(rows)} records of it are whole")
            yield from (row for row in rows if start <= row[0] <= end)

    def _groups_of(self, path: Path, number: int, start: int, end: int) -> Iterator[bytes]:
        """The groups that may have such rows, unopened; raises as ``rows_of``."""
        key, last = row_key(number, max(start, 0) // MINUTE, 0), ROW.pack(number, max(end, 0) // MINUTE, 2**64 - 1)
        fresh: list[bytes] | None = None
        while key:
            try:
                # Before the rows: what is regrouped meanwhile is in both, never in neither.
                values, key, fresh = self._chunk(path, key, last, fresh)
            except (StoreBroken, lmdb.Error) as error:
                # A partition that is just being made, or was just removed, holds nothing and is no damage.
                if not _inode(path):
                    break
                if not isinstance(error, (StoreDamaged, *DAMAGED)):
                    raise error if isinstance(error, StoreBroken) else explained(error, path) from None
                self.note(f"{path}: {error}")
                doubt(path)
                break
            yield from values
        yield from fresh or ()

    def changed(self, path: Path) -> int:
        """When it was last written to, ns; raises ``StoreBroken`` when it is not there."""
        try:
            return (path / "data.mdb").stat().st_mtime_ns
        except OSError as error:
            raise StoreBroken(f"{path}: {error}") from None

    def transaction(self, path: Path) -> int:
        """The number of its last transaction; raises ``StoreBroken``, ``lmdb.Error``."""
        with self._presence.at(path):
            return int(self._at(path).info()["last_txnid"])

    @contextmanager
    def at(self, path: Path) -> Iterator[lmdb.Environment]:
        """Its environment, another object when it was opened anew; raises ``StoreBroken``, ``lmdb.Error``."""
        with self._presence.at(path):
            yield self._at(path)

    @contextmanager
    def scanned(self, path: Path) -> Iterator[tuple[int, Iterator[list[Seen]]]]:
        """(transaction, the groups of each series) as of one instant; raises ``StoreBroken``, ``lmdb.Error``."""
        with self._presence.at(path), self._at(path).begin() as txn:
            yield int(txn.id()), series_in(txn, self._noting(path))

    def newer(self, path: Path, commit: int) -> Iterator[bytes]:
        """The groups that were written by commits after ``commit``; raises ``StoreBroken``, ``lmdb.Error``."""
        key, last = row_key(0, 0, 0), ROW.pack(2**32 - 1, 2**32 - 1, 2**64 - 1)
        try:
            # All of it at once: what is regrouped meanwhile may go to where the rows were read already.
            with self.at(path) as source, source.begin() as txn:
                fresh = fresh_in(txn, self._noting(path), commit)
            yield from (value for values in fresh.values() for value in values)
            while key:
                values, key, _ = self._chunk(path, key, last, [], commit)
                yield from values
        except (StoreDamaged, *DAMAGED):
            doubt(path)
            raise

    def count(self, path: Path) -> int:
        """How many records it holds; 0 when it cannot be read."""
        try:
            with self._presence.at(path), self._at(path).begin() as txn:
                return int(COUNT.unpack(bytes(txn.get(COUNT_KEY) or COUNT.pack(0, 0)))[0])
        except (StoreBroken, lmdb.Error):
            return 0

    def lacking(self, path: Path) -> int:
        """How many of its records cannot be read any more; raises ``StoreBroken``, ``lmdb.Error``."""
        with self.scanned(path) as (_, series):
            there = sum(sum(1 for _ in walk(bytes(records))) for groups in series for _, records, _ in groups)
        return max(0, self.count(path) - there)

    def remove(self, path: Path) -> bool:
        """Drop a whole partition; False when it cannot be, which is told, and when that is not tried again yet."""
        if self.stuck.waits(path):
            return False
        # Renamed first: whoever looks meanwhile sees a whole partition or none; and after a power cut none comes back.
        self._forget(path)
        gone = free(path.with_name(path.name + GONE))
        try:
            path.rename(gone)
            self.stuck.gone(path)
            sync_folder(path.parent)
        except OSError as error:
            if not gone.exists():
                self.stuck.failed(path, error)
                return False
        self.stuck.remove(gone)
        return True

    def drop_put_aside(self, kind: str, before: int) -> None:
        """Forget what was put aside and ended before this instant."""
        for path in self.put_aside(kind):
            begin = start_of(path.name.partition(BAD)[0])
            if begin is not None and begin + period(kind) <= before:
                self.stuck.remove(path)

    def tidy(self) -> None:
        """Remove what others left here who were killed; a writer's duty."""
        left_over(self._rows, self.stuck)

    def refresh(self) -> None:
        """Close partitions that were removed, so that their space comes back, or put aside and made anew."""
        for path in [path for path, (_, inode) in self._open.items() if _inode(path) != inode]:
            self._forget(path)
        for path in self.stuck.due():
            self.stuck.remove(path)
        if self._write:
            self._forget_the_dead()

    def _forget_the_dead(self) -> None:
        """Who was killed while it read keeps the pages that it saw from being used again: the file would grow on."""
        with suppress(lmdb.Error):
            self.dead_readers += sum(opened.reader_check() for opened, _ in self._open.values())

    def take_over(self) -> None:
        """Let what was written anew take the place of its partition, unless rows came meanwhile; a writer's duty."""
        for ready, path, transaction in prepared(self._rows):
            if self.stuck.waits(ready):  # it was taken over, or not, and is of no use any more
                continue
            if not is_doubted(path) and _inode(path) and self._at(path).info()["last_txnid"] == transaction:
                self._forget(path)
                with suppress(OSError):  # a file system that cannot do it keeps what it has
                    exchange(ready, path)
            self.stuck.remove(ready)

    def look(self) -> None:
        """Go on looking into what is doubted, one at a time; a writer's duty."""
        after_the_dead(self._rows.parent)
        if self._look is None:
            notes = sorted(entries(self._rows, f"*/*{DOUBT}"))
            doubted = [note.with_name(note.name.removesuffix(DOUBT)) for note in notes if not self.stuck.waits(note)]
            if not doubted:
                return
            self._begin_look(doubted[0])
        self._judge(0.0)

    def _be_sure(self, path: Path) -> None:
        """Look into ``path`` before it is written to; raises ``StoreFull`` when that takes its time."""
        if self._look is None:
            self._begin_look(path)
        self._judge(SURE_SECONDS)
        if is_doubted(path):
            raise StoreFull(f"{path} may be damaged and is being looked into")

    def _begin_look(self, path: Path) -> None:
        self._forget(path)
        self._look = Look(path)

    def _judge(self, seconds: float) -> None:
        look = self._look
        if look is None:
            return
        sound = look.verdict(seconds)
        if not look.over:
            return
        self._look = None
        try:
            if sound is False:
                self._set_aside(look.path, "not all of it can be read")
            if sound is not None:
                trust(look.path)
        except OSError as error:  # it stays doubted, and nobody reads it
            self.stuck.failed(look.path.with_name(look.path.name + DOUBT), error)

    def close(self) -> None:
        """Close every file."""
        if self._look is not None:
            self._look.close()
            self._look = None
        for path in list(self._open):
            self._forget(path)

    def _at(self, path: Path) -> lmdb.Environment:
        found = self._open.get(path)
        if found is not None and not self._write and _inode(path) not in (0, found[1]):
            self._forget(path)  # another has its name, with rows that came late
            found = None
        if found is not None:
            self._open.move_to_end(path)
            return found[0]
        while len(self._open) >= MOST_OPEN:
            self._open.popitem(last=False)[1][0].close()
        if self._write:
            path.mkdir(parents=True, exist_ok=True)
        inode = _inode(path)  # before it is opened: what takes its place meanwhile has another
        try:
            opened = environment(path, write=self._write)
        except StoreDamaged as error:
            if not self._write:
                raise
            self._set_aside(path, str(error))
            path.mkdir(parents=True, exist_ok=True)
            opened, inode = environment(path, write=True), 0
        self._open[path] = opened, inode or _inode(path)
        return opened

    def _forget(self, path: Path) -> None:
        found = self._open.pop(path, None)
        self._regrouping.forget(path)
        if found is not None:
            found[0].close()

    def _set_aside(self, path: Path, why: str) -> None:
        self._forget(path)
        aside = free(path.with_name(f"{path.name}{BAD}{int(time.time())}"))
        if path.exists():
            path.rename(aside)
        self.note(f"{path} ({why}), put aside as {aside.name}")

    def _chunk(
        self, path: Path, first: bytes, last: bytes, fresh: list[bytes] | None, after: int = -1
    ) -> tuple[list[bytes], bytes, list[bytes]]:
        """Values from ``first`` to ``last`` of commits after ``after``; the key to go on from, empty at the end.

        And what is fresh of that series and time, unless that is given.
        """
        values: list[bytes] = []
        with self._presence.at(path), self._at(path).begin() as txn, txn.cursor() as cursor:
            if fresh is None:
                number, minute, _ = ROW.unpack(first)
                last_minute = ROW.unpack(last)[1]
                fresh = fresh_of(txn, number, minute, last_minute, self._noting(path))
            more = cursor.set_range(first)
            while more and len(values) < CHUNK:
                key = bytes(cursor.key())
                if key > last:
                    return values, b"", fresh
                if after < 0 or (len(key) == ROW.size and ROW.unpack(key)[2] > after):
                    values.append(bytes(cursor.value()))
                more = cursor.next()
            following = bytes(cursor.key()) if more else b""
            return values, following if following <= last else b"", fresh


def _inode(path: Path) -> int:
    """The number of a partition's file; 0 when there is none, or nothing in it yet."""
    try:
        found = (path / "data.mdb").stat()
    except OSError:
        return 0
    return found.st_ino if found.st_size else 0
