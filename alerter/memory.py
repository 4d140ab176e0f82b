"""What the alerter must not forget, in LMDB: alarms, incidents, silences, notices. One transaction per judgement.

Everything that a judgement changes, and every notice that follows from it, is committed with fsync before anything is
sent; a kill in between repeats the judgement or the sending, and forgets neither. A value is its CRC-32 and a msgpack
map. This is the only file of the room that knows LMDB.

Where the disk takes nothing a copy of the file in this process's own memory stands in for it, so that people are told
all the same. What was changed there is brought back when the disk takes it; a kill before that forgets it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import lmdb
import msgpack

from bus.faults import in_words
from bus.mapped import READERS, is_full, room_for
from bus.program import TryAgain
from bus.salvage import is_damage

TABLES = (
    "alarms",
    "incidents",
    "incidents_by_time",
    "silences",
    "decisions",
    "untold",
    "outbox",
    "told",
    "state",
)
MAP_BYTES = 1 << 40
"""The map is opened huge and never resized; the file is as large as what is in it."""
_CRC = struct.Struct(">I")


class MemoryFull(Exception):
    """The disk takes nothing: nothing of the transaction holds, and nothing may be done that rests on it.

    The next transaction may find a copy in its place; see ``Memory.away``.
    """


class MemoryBroken(TryAgain):
    """The files cannot be used; the text names them. The next start looks into them."""


class Transaction:
    """One view of all tables, changed as a whole or not at all. Keys are text of at most 500 bytes."""

    def __init__(self, txn: lmdb.Transaction, tables: dict[str, Any], damaged: set[str]) -> None:
        self.changed: set[tuple[str, bytes]] = set()
        """The tables and keys that were put or deleted."""
        self._txn = txn
        self._tables = tables
        self._damaged = damaged

    def get(self, table: str, key: str) -> Any | None:
        """The value of ``key``; None where there is none, or where the disk damaged it."""
        value = self._txn.get(key.encode(), db=self._tables[table])
        return None if value is None else self._opened(table, key, bytes(value))

    def put(self, table: str, key: str, value: Any) -> None:
        """Keep ``value``, of plain types."""
        packed: bytes = msgpack.packb(value)
        self.changed.add((table, key.encode()))
        self._txn.put(key.encode(), _CRC.pack(crc32(packed)) + packed, db=self._tables[table])

    def delete(self, table: str, key: str) -> bool:
        """Forget ``key``; False when there was none."""
        self.changed.add((table, key.encode()))
        return bool(self._txn.delete(key.encode(), db=self._tables[table]))

    def items(
        self, table: str, prefix: str = "", after: str = "", *, backwards: bool = False
    ) -> Iterator[tuple[str, Any]]:
        """Keys that begin with ``prefix`` and come after ``after``, in order, with their values.

        ``backwards``: the last ones first, those that come before ``after``. The table must not change meanwhile.
        """
        begin = prefix.encode()
        with self._txn.cursor(self._tables[table]) as cursor:
            if backwards:
                found = cursor.set_range(after.encode() if after else begin + b"\xff")
                found = cursor.prev() if found else cursor.last()
            else:
                found = cursor.set_range(max(begin, after.encode()))
            while found and bytes(cursor.key()).startswith(begin):
                key = bytes(cursor.key()).decode()
                if key != after or not after:
                    value = self._opened(table, key, bytes(cursor.value()))
                    if value is not None:
                        yield key, value
                found = cursor.prev() if backwards else cursor.next()

    def keys(self, table: str) -> Iterator[str]:
        """All keys, the last one first, whatever became of their values. The table must not change meanwhile."""
        with self._txn.cursor(self._tables[table]) as cursor:
            if cursor.last():
                yield from (bytes(key).decode() for key in cursor.iterprev(keys=True, values=False))

    def count(self, table: str) -> int:
        """How many keys there are."""
        return int(self._txn.stat(self._tables[table])["entries"])

    def _opened(self, table: str, key: str, value: bytes) -> Any | None:
        packed = value[_CRC.size :]
        if len(value) <= _CRC.size or crc32(packed) != _CRC.unpack_from(value)[0]:
            self._damaged.add(f"{table} {key}")
            return None
        return msgpack.unpackb(packed, strict_map_key=False)


class Memory:
    """The alerter's files. One process writes; open it once in a process, and never before a fork."""

    def __init__(self, path: Path, *, map_bytes: int = MAP_BYTES) -> None:
        self.damaged: set[str] = set()
        """Values whose checksum does not hold, named; they count as absent."""
        self.broken = False
        """Whether the files were found damaged: they cannot be used any more."""
        self.away = ""
        """Why what is kept is kept in memory alone, as a sentence; empty: it is on the disk."""
        self._path, self._data = path, path / "data.mdb"
        self._map_bytes = map_bytes
        self._changed: set[tuple[str, bytes]] = set()
        """What the disk does not have, while it is away."""
        self._copied: tuple[int, int] | None = None
        """Which file it was that the copy was made of, as it was left."""
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._env, self._tables = self._opened()
        except (lmdb.Error, OSError) as error:
            raise MemoryBroken(f"{path}: {in_words(error)}") from None

    def _opened(self) -> tuple[lmdb.Environment, dict[str, Any]]:
        with room_for(self._path):
            env = lmdb.open(
                str(self._path),
                map_size=self._map_bytes,
                max_dbs=len(TABLES) + 4,
                max_readers=READERS,
                mode=0o600,
                metasync=True,
            )
        return env, _tables(env)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Change things; committed with fsync at the end, or not at all. Raises ``MemoryFull`` or ``MemoryBroken``."""
        try:
            with self._env.begin(write=True) as txn:
                changes = Transaction(txn, self._tables, self.damaged)
                yield changes
        except lmdb.Error as error:
            if isinstance(error, (lmdb.DiskError, lmdb.MapFullError)) or is_full(error):
                self._leave(f"{self._path}: {error}")
                raise MemoryFull(f"{self._path}: {error}") from None
            raise self._broken(error) from None
        if self.away:
            self._changed |= changes.changed

    @contextlib.contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Look only. Raises ``MemoryBroken``."""
        try:
            with self._env.begin() as txn:
                yield Transaction(txn, self._tables, self.damaged)
        except lmdb.Error as error:
            raise self._broken(error) from None

    def _leave(self, why: str) -> None:
        """Go on with a copy, where one can be made."""
        if self.away:
            return
        try:
            env, tables = _copy(self._data)
        except (lmdb.Error, OSError):
            return
        self._env.close()
        self._env, self._tables, self.away = env, tables, why
        self._copied = _identity(self._data)

    def come_back(self) -> None:
        """Bring to the disk what it does not have, if it takes it; to be tried every so often."""
        if not self.away:
            return
        same = _identity(self._data) == self._copied
        try:
            env, tables = self._opened()
        except (lmdb.Error, OSError):
            return
        try:
            with self._env.begin() as kept, env.begin(write=True) as txn:
                for table, key in self._changed if same else self._all(kept, txn, tables):
                    value = kept.get(key, db=self._tables[table])
                    if value is None:
                        txn.delete(key, db=tables[table])
                    else:
                        txn.put(key, value, db=tables[table])
        except lmdb.Error:
            env.close()
            if same:
                self._copied = _identity(self._data)
            return
        self._env.close()
        self._env, self._tables, self._changed, self.away = env, tables, set(), ""

    def _all(
        self, kept: lmdb.Transaction, txn: lmdb.Transaction, tables: dict[str, Any]
    ) -> Iterator[tuple[str, bytes]]:
        """All tables and keys, for another file that has the place of ours; what is in it goes."""
        for name, table in self._tables.items():
            txn.drop(tables[name], delete=False)
            with kept.cursor(table) as cursor:
                yield from ((name, bytes(key)) for key in cursor.iternext(keys=True, values=False))

    def _broken(self, error: lmdb.Error) -> MemoryBroken:
        self.broken = self.broken or is_damage(error)
        return MemoryBroken(f"{self._path}: {error}")

    def close(self) -> None:
        """Give back the files."""
        self.come_back()
        self._env.close()


def _tables(env: lmdb.Environment) -> dict[str, Any]:
    return {name: env.open_db(name.encode()) for name in TABLES}


def _identity(data: Path) -> tuple[int, int] | None:
    """What tells the file from another, and from itself after it was written to."""
    try:
        found = data.stat()
    except OSError:
        return None
    return found.st_ino, found.st_ctime_ns


def _copy(data: Path) -> tuple[lmdb.Environment, dict[str, Any]]:
    """The file ``data`` in memory that goes with this process; raises ``lmdb.Error`` or ``OSError``.

    It is read and not mapped: a map kills who looks at what the disk cannot read.
    """
    held = os.memfd_create(data.name)
    try:
        place = f"/proc/self/fd/{held}"
        shutil.copyfile(data, place)
        env = lmdb.open(place, subdir=False, lock=False, sync=False, map_size=MAP_BYTES, max_dbs=len(TABLES) + 4)
        return env, _tables(env)
    finally:
        os.close(held)
