"""What the prober must not forget, in LMDB: each service's standing and its job's last report.

A value is its CRC-32 and a msgpack list. What one pass of the loop changes is one transaction; a kill in between
repeats the counting of at most one check. This is the only file of the room that knows LMDB.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import lmdb
import msgpack

from bus.faults import in_words
from bus.fields import Unfit, build, plain
from bus.mapped import READERS, room_for
from bus.salvage import is_damage
from bus.spool.doubt import move_aside
from prober.machine import Standing, State
from prober.probe import Report

TABLES = ("standings", "reports", "since")
MAP_BYTES = 1 << 32
_CRC = struct.Struct(">I")


class MemoryFault(Exception):
    """The file cannot be read or written; the text names it."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A standing as it is written."""

    state: str
    since: int = 0
    known: str = State.NEW
    worse: int = 0
    better: int = 0
    last: str = ""
    turns: int = 0
    flapping: bool = False

    def standing(self) -> Standing:
        """The standing; raises ``ValueError`` for a state that nobody knows."""
        state, known = State(self.state), State(self.known)
        return Standing(state, self.since, known, self.worse, self.better, self.last, self.turns, self.flapping)


class Memory:
    """Standings and reports by service. One process has it open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.damaged = 0
        """Values whose checksum does not hold; they count as absent."""
        self.broken = False
        """Whether the file was found damaged: it cannot be used any more."""
        self._open()

    def _open(self) -> None:
        path = self._path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            with room_for(path):
                self._env = lmdb.open(str(path), map_size=MAP_BYTES, max_dbs=3, max_readers=READERS, mode=0o600)
            self._tables = {name: self._env.open_db(name.encode()) for name in TABLES}
        except (lmdb.Error, OSError) as error:
            raise MemoryFault(f"{path}: {in_words(error)}") from None

    def renew(self) -> None:
        """Put aside a file that cannot be used any more, and begin a new one, with nothing in it; ``MemoryFault``."""
        self._env.close()
        try:
            if (self._path / "data.mdb").exists():
                move_aside(self._path, time.time_ns())
        except OSError as error:
            raise MemoryFault(f"{self._path}: {in_words(error)}") from None
        self._open()
        self.broken = False

    def standings(self) -> dict[str, Standing]:
        """What is known of each service."""
        found = {}
        for name, value in self._all("standings").items():
            try:
                found[name] = build(_Kept, value).standing()
            except (Unfit, ValueError):
                self.damaged += 1
        return found

    def reports(self) -> dict[str, Report]:
        """The last report of each job."""
        found = {}
        for name, value in self._all("reports").items():
            try:
                found[name] = build(Report, value)
            except Unfit:
                self.damaged += 1
        return found

    def since(self) -> dict[str, int]:
        """When each service was first seen, in ns."""
        return {name: value for name, value in self._all("since").items() if type(value) is int}

    def keep(
        self,
        standings: Mapping[str, Standing],
        reports: Mapping[str, Report] | None = None,
        since: Mapping[str, int] | None = None,
    ) -> None:
        """Write these, with one fsync; raises ``MemoryFault``."""
        try:
            with self._env.begin(write=True) as txn:
                for table, found in (("standings", standings), ("reports", reports or {}), ("since", since or {})):
                    for name, value in found.items():
                        packed: bytes = msgpack.packb(plain(value))
                        txn.put(name.encode(), _CRC.pack(crc32(packed)) + packed, db=self._tables[table])
        except lmdb.Error as error:
            raise self._fault(error) from None

    def forget(self, names: set[str]) -> None:
        """These are watched no more."""
        try:
            with self._env.begin(write=True) as txn:
                for name in names:
                    for table in self._tables.values():
                        txn.delete(name.encode(), db=table)
        except lmdb.Error as error:
            raise self._fault(error) from None

    def _fault(self, error: lmdb.Error) -> MemoryFault:
        self.broken = self.broken or is_damage(error)
        return MemoryFault(f"{self._path}: {error}")

    def close(self) -> None:
        """Give the file back."""
        self._env.close()

    def _all(self, table: str) -> dict[str, object]:
        found: dict[str, object] = {}
        try:
            with self._env.begin() as txn, txn.cursor(self._tables[table]) as cursor:
                for key, value in cursor:
                    packed = bytes(value)[_CRC.size :]
                    if len(value) <= _CRC.size or crc32(packed) != _CRC.unpack_from(value)[0]:
                        self.damaged += 1
                        continue
                    found[bytes(key).decode()] = msgpack.unpackb(packed)
        except lmdb.Error as error:
            raise self._fault(error) from None
        return found
