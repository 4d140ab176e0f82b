"""The LMDB file of a spool: its rows, its transactions, and how it is opened and made smaller.

    records   order u32, number u64 -> the packed record (``bus.wire``), base, generation and sent all zero
    epochs    order u32             -> epoch, base, last, acked, once (u64 each)
    marks     running time f64      -> order u32, number u64: the newest message at that time of use
    meta      "totals"              -> running time f64, generation, bytes used, dropped (u64),
                                       first and last time of dropping (i64, ns); then "+journal" as long
                                       as there may be messages in one that are not in here
              "journal"             -> life of the journal that goes on where this ends, 0 for none (u64),
                                       life whose entries it may still begin with, its bytes (u64)

Keys are big-endian, so that messages are appended at the end and dropped at the front. A version that knows no journal
takes the longer totals for damage, moves the file aside and says so: it would pass over messages without a word.
"""

from __future__ import annotations

import errno
import os
import shutil
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import lmdb

from bus import failpoints, process
from bus.delivery.retention import Extent, NoRoom, Place
from bus.folder import sync_folder
from bus.mapped import FILE_DAMAGED, room_for
from bus.wire import HEADER, measured_at, verify

_KEY = struct.Struct(">IQ")
_ORDER = struct.Struct(">I")
_EPOCH = struct.Struct(">QQQQQ")
_RUNNING = struct.Struct(">d")
_TOTALS = struct.Struct(">dQQQqq")
_LIVES = struct.Struct(">QQQ")
_OPEN = b"+journal"
_READERS = 8
_DATABASES = (b"records", b"epochs", b"marks", b"meta")
_PAGE = (lmdb.CorruptedError, lmdb.PageNotFoundError)
"""What LMDB raises over a single page."""
_DAMAGED = (*(error for error in FILE_DAMAGED if error is not lmdb.PanicError), struct.error)
"""All but that a head could not be written, for want of room say: the file is as it was, and is opened anew."""
_FAILURES = (*_DAMAGED, lmdb.Error, OSError)
R = TypeVar("R")


class Damaged(Exception):
    """The file is not what a spool wrote."""


@dataclass(slots=True)
class Totals:
    """What is counted over all starts. ``running``: seconds of use; times in ns since 1970, 0 for never."""

    running: float = 0.0
    generation: int = 0
    used: int = 0
    dropped: int = 0
    dropped_first: int = 0
    dropped_last: int = 0
    life: int = 0
    """Of the journal whose entries go on where the file ends; 0 for none."""
    written: int = 0
    """The life whose entries the journal may still begin with, though all of them are in the file."""
    journal_bytes: int = 0
    """How large the journal of ``life`` is."""

    def row(self) -> tuple[float, int, int, int, int, int]:
        """The totals as they are written."""
        return self.running, self.generation, self.used, self.dropped, self.dropped_first, self.dropped_last

    def count_dropped(self, count: int, wall: int) -> None:
        """So many unacknowledged messages went just now."""
        if count:
            self.dropped += count
            self.dropped_first = self.dropped_first or wall
            self.dropped_last = wall

    def copied(self) -> Totals:
        """One that stays as this one is now."""
        return Totals(*self.row(), self.life, self.written, self.journal_bytes)


def cost(size: int) -> int:
    """Bytes of the file that a record of ``size`` bytes takes when appended, page waste included."""
    if size > 2000:
        return 32 + 4096 * ((size + 16 + 4095) // 4096)
    return 4096 // (4080 // (size + 22 + size % 2))


def is_sound(value: bytes) -> bool:
    """Whether a row is a message whose checksum holds: it may be b"" for one that was lost, or cut short by damage."""
    return len(value) >= HEADER.size and verify(value, 0, len(value))


def _totals(row: bytes | None, lives: bytes | None) -> Totals:
    if row is None:
        return Totals()
    life, written, size = _LIVES.unpack(lives) if lives is not None else (0, 0, 0)
    if row[_TOTALS.size :] == _OPEN:
        return replace(Totals(*_TOTALS.unpack(row[: _TOTALS.size])), life=life, written=written, journal_bytes=size)
    return replace(Totals(*_TOTALS.unpack(row)), written=written)


class Writing:
    """One transaction."""

    def __init__(self, txn: Any, databases: Sequence[Any]) -> None:
        self._txn = txn
        self._records, self._epochs, self._marks, self._meta = databases

    def append(self, order: int, first: int, packed: Sequence[bytes]) -> None:
        """Add messages at the end."""
        if len(packed) == 1:
            if not self._txn.put(_KEY.pack(order, first), packed[0], append=True, db=self._records):
                raise lmdb.CorruptedError(f"message {first} of {order} is not the last")
            return
        keys = (_KEY.pack(order, number) for number in range(first, first + len(packed)))
        with self._txn.cursor(db=self._records) as cursor:
            added: tuple[int, int] = cursor.putmulti(list(zip(keys, packed, strict=True)), append=True)
        if added[1] != len(packed):
            raise lmdb.CorruptedError(f"{added[1]} of {len(packed)} messages could be appended")

    def drop(self, order: int, first: int, upto: int, wanted: int | None, acked: int = 0) -> tuple[int, int, list[int]]:
        """Delete messages until ``wanted`` bytes are free (None: all); returns the last deleted, bytes freed, and when
        the first and the last of those after ``acked`` that are sound were measured.
        """
        failpoints.at("trim")
        freed, number, times = 0, first, list[int]()
        with self._txn.cursor(db=self._records) as cursor:
            more = cursor.set_range(_KEY.pack(order, number))
            while number <= upto and (wanted is None or freed < wanted):
                if more and cursor.key() == _KEY.pack(order, number):
                    value = cursor.value()
                    freed += cost(len(value))
                    if number > acked and is_sound(value):
                        times[1:] = [measured_at(value)]
                    more = cursor.delete()
                number += 1
        return number - 1, freed, times

    def save(self, extents: Sequence[Extent], totals: Totals) -> None:
        """Note how far epochs are."""
        for one in extents:
            row = _EPOCH.pack(one.epoch, one.base, one.last, one.acked, one.once)
            self._txn.put(_ORDER.pack(one.order), row, db=self._epochs)
        self._txn.put(b"totals", _TOTALS.pack(*totals.row()) + (_OPEN if totals.life else b""), db=self._meta)
        self._txn.put(b"journal", _LIVES.pack(totals.life, totals.written, totals.journal_bytes), db=self._meta)

    def forget(self, extent: Extent) -> None:
        """Forget an epoch without messages."""
        self._txn.delete(_ORDER.pack(extent.order), db=self._epochs)

    def mark(self, newest: Sequence[tuple[float, Place]], dropped: Sequence[float]) -> None:
        """Note which message was the newest at which time, and forget other times."""
        for at in dropped:
            self._txn.delete(_RUNNING.pack(at), db=self._marks)
        for at, place in newest:
            self._txn.put(_RUNNING.pack(at), _KEY.pack(*place), db=self._marks)


class SpoolFile:
    """An open file; every failure is ``NoRoom`` (the disk's) or ``Damaged`` (the file's)."""

    def __init__(
        self, path: Path, map_bytes: int, *, is_whole: Callable[[Path], bool] | None = None, readahead: bool = False
    ) -> None:
        """Open or create it. The map is so much larger than the file that it is never resized.

        ``is_whole`` is asked about a file that ends before its last page, which may never have been written.
        ``readahead`` is for who reads all of it, which a disk gives page by page at a fifth of the speed.
        """
        self.path = path
        self._readahead = readahead
        self._is_whole = is_whole
        self._map_bytes = map_bytes
        self._environment: Any = None
        self._fresh = path.with_name(path.name + ".new")
        """Where a smaller one is made."""
        try:
            with self._failing():
                self._open()
        except (NoRoom, Damaged):
            self.close()  # whoever tries it again is this process, which may not open a file twice
            raise

    def _open(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        # It may be of a time when more was allowed, and to let go of something takes room as well.
        data = self.path / "data.mdb"
        there = data.stat().st_size if data.exists() else 0
        with room_for(self.path, _READERS):
            self._environment = lmdb.open(
                str(self.path),
                map_size=self._map_bytes + there,
                max_dbs=len(_DATABASES),
                mode=0o600,
                max_readers=_READERS,
                readahead=self._readahead,
            )
        pages = self._environment.info()["last_pgno"] + 1
        short = data.stat().st_size < pages * self._environment.stat()["psize"]
        if short and self._is_whole is not None and not self._is_whole(self.path):
            raise lmdb.CorruptedError(f"the file ends before its page {pages - 1}")
        self._databases = tuple(self._environment.open_db(name) for name in _DATABASES)

    @contextmanager
    def _failing(self, *, but: tuple[type[Exception], ...] = ()) -> Iterator[None]:
        """Raise ``NoRoom`` or ``Damaged`` for what LMDB and the system say; ``but`` these as they are."""
        try:
            yield
        except but:
            raise
        except _FAILURES as error:
            raise self._meant(error) from None

    def _meant(self, error: Exception) -> NoRoom | Damaged:
        """What a failure means; closes the file where what it holds is only known after opening anew."""
        if isinstance(error, _DAMAGED):
            self.close()
            return Damaged(f"{self.path}: {error}")
        full = isinstance(error, lmdb.MapFullError) or (isinstance(error, OSError) and error.errno == errno.ENOSPC)
        full = full or (isinstance(error, lmdb.DiskError) and "No space" in str(error))
        if not full:
            self.close()
        return NoRoom(f"{self.path}: {error}")

    @property
    def closed(self) -> bool:
        """Whether it has to be opened anew before it is used."""
        return self._environment is None

    def close(self) -> None:
        """Let go of it."""
        environment, self._environment = self._environment, None
        if environment is not None:
            environment.close()

    def load(self) -> tuple[list[Extent], list[tuple[float, Place]], Totals]:
        """(epochs by order, marks by time, totals); raises ``Damaged`` when they do not match the messages."""
        # Whoever had it before may have died while he made it smaller.
        shutil.rmtree(self._fresh, ignore_errors=True)
        records, epochs, marks, meta = self._databases
        with self._failing(), self._environment.begin() as txn:
            totals = _totals(txn.get(b"totals", db=meta), txn.get(b"journal", db=meta))
            extents = []
            for key, value in txn.cursor(db=epochs):
                order: int = _ORDER.unpack(key)[0]
                extents.append(Extent(order, *_EPOCH.unpack(value)))
            times: list[tuple[float, Place]] = [
                (_RUNNING.unpack(key)[0], _KEY.unpack(value)) for key, value in txn.cursor(db=marks)
            ]
            with txn.cursor(db=records) as cursor:
                found = [cursor.key() if cursor.first() else b"", cursor.key() if cursor.last() else b""]
            count = txn.stat(records)["entries"]
        held = [extent for extent in extents if extent.count]
        ends = [(held[0].order, held[0].base), (held[-1].order, held[-1].last)] if held else []
        if found != ([_KEY.pack(*place) for place in ends] or [b"", b""]) or count != sum(
            extent.count for extent in held
        ):
            self.close()
            raise Damaged(f"{self.path}: the messages are not those that the epochs tell of")
        return extents, times, totals

    def write(self, work: Callable[[Writing], R]) -> R:
        """Do ``work`` in a transaction: durable when this returns, and nothing of it done when it raises."""
        if self.closed:
            raise NoRoom(f"{self.path}: the file must be opened anew")
        try:
            with self._environment.begin(write=True) as txn:
                found = work(Writing(txn, self._databases))
                failpoints.at("spool.commit")
            return found
        except _FAILURES as error:
            raise self._meant(error) from None

    def read(self, order: int, first: int, last: int) -> Iterator[bytes]:
        """The messages ``first`` to ``last`` of an epoch, b"" for one that is not there, or whose page is damaged."""
        number = first
        while number <= last:
            try:
                for value in self._read(order, number, last):
                    yield value
                    number += 1
            except _PAGE:
                # Those on other pages can be read.
                yield b""
                number += 1

    def _read(self, order: int, first: int, last: int) -> Iterator[bytes]:
        with self._failing(but=_PAGE), self._environment.begin() as txn, txn.cursor(db=self._databases[0]) as cursor:
            more = cursor.set_range(_KEY.pack(order, first))
            for number in range(first, last + 1):
                if more and cursor.key() == _KEY.pack(order, number):
                    yield cursor.value()
                    more = cursor.next()
                else:
                    yield b""

    def let_go(self) -> None:
        """Let go of what of the file is in memory, which would be all of it in the end: it is seldom read again."""
        with suppress(OSError):
            process.let_go(self.path / "data.mdb")

    def size(self) -> int:
        """Bytes on the disk."""
        try:
            return (self.path / "data.mdb").stat().st_blocks * 512
        except OSError:
            return 0

    def compact(self) -> None:
        """Write a new file of what is left and put it in the old one's place; failing leaves the old one.

        A disk that it would nearly fill is left as it is: it is tried every minute, and others write there too.
        """
        with self._failing():
            if shutil.disk_usage(self.path).free < self.size() // 2:
                return
        fresh = self._fresh
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            with self._failing(), suppress(lmdb.DiskError):
                fresh.mkdir(mode=0o700)
                self._environment.copy(str(fresh), compact=True)
                with (fresh / "data.mdb").open("rb") as copied:
                    os.fsync(copied.fileno())
                self.close()
                os.rename(fresh / "data.mdb", self.path / "data.mdb")
                sync_folder(self.path)
                self._open()
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def walk(self) -> int:
        """Read everything; returns the number of rows. Raises, or does not return, when that cannot be done."""
        count = 0
        with self._failing(), self._environment.begin() as txn:
            for one in self._databases:
                most = txn.stat(one)["entries"]
                found = sum(len(value) > 0 for _, value in islice(txn.cursor(db=one), most + 1))
                if found > most:
                    raise lmdb.CorruptedError(f"it has more than its {most} rows")  # pages that lead in a circle
                count += found
        return count
