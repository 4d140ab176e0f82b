"""What the alerter must not forget, in LMDB: alarms, incidents, silences, notices. One transaction per judgement.

Everything that a judgement changes, and every notice that follows from it, is committed with fsync before anything is
sent; a kill in between repeats the judgement or the sending, and forgets neither. A value is its CRC-32 and a msgpack
map. This is the only file of the room that knows LMDB.
"""

from __future__ import annotations

import contextlib
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
    """The disk has no room: nothing of the transaction holds, and nothing may be done that rests on it."""


class MemoryBroken(TryAgain):
    """The files cannot be used; the text names them. The next start looks into them."""


class Transaction:
    """One view of all tables, changed as a whole or not at all. Keys are text of at most 500 bytes."""

    def __init__(self, txn: lmdb.Transaction, tables: dict[str, Any], damaged: set[str]) -> None:
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
        self._txn.put(key.encode(), _CRC.pack(crc32(packed)) + packed, db=self._tables[table])

    def delete(self, table: str, key: str) -> bool:
        """Forget ``key``; False when there was none."""
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

    def __init__(self, path: Path) -> None:
        self._path = path
        self.damaged: set[str] = set()
        """Values whose checksum does not hold, named; they count as absent."""
        self.broken = False
        """Whether the files were found damaged: they cannot be used any more."""
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            with room_for(path):
                self._env = lmdb.open(
                    str(path),
                    map_size=MAP_BYTES,
                    max_dbs=len(TABLES) + 4,
                    max_readers=READERS,
                    mode=0o600,
                    metasync=True,
                )
            self._tables = {name: self._env.open_db(name.encode()) for name in TABLES}
        except (lmdb.Error, OSError) as error:
            raise MemoryBroken(f"{path}: {in_words(error)}") from None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Change things; committed with fsync at the end, or not at all. Raises ``MemoryFull`` or ``MemoryBroken``."""
        try:
            with self._env.begin(write=True) as txn:
                yield Transaction(txn, self._tables, self.damaged)
        except lmdb.Error as error:
            if isinstance(error, (lmdb.DiskError, lmdb.MapFullError)) or is_full(error):
                raise MemoryFull(f"{self._path}: {error}") from None
            raise self._broken(error) from None

    @contextlib.contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Look only. Raises ``MemoryBroken``."""
        try:
            with self._env.begin() as txn:
                yield Transaction(txn, self._tables, self.damaged)
        except lmdb.Error as error:
            raise self._broken(error) from None

    def _broken(self, error: lmdb.Error) -> MemoryBroken:
        self.broken = self.broken or is_damage(error)
        return MemoryBroken(f"{self._path}: {error}")

    def close(self) -> None:
        """Give back the files."""
        self._env.close()
