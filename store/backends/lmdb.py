"""Records in LMDB: one environment per kind and period, one for state; all that Guardia does with LMDB is here.

Always ``sync=True``: a commit that returned is on disk. The data's partitions commit before the state, so that a
crash between them leaves rows which nothing acknowledged; the replay falls on them. Series numbers are the one
exception: they are committed before the first row that uses them.

Maps are opened huge and never resized (resizing under other processes is where LMDB users lose data); the size is
policed by retention and by the writer's low-water mark. A partition that cannot be read is moved aside and named.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import lmdb
import msgpack

from bus import failpoints
from bus.messages import BY_CODE, KINDS, layout_id
from bus.questions import Stored, Subject
from bus.wire import Malformed, read
from store.backends import Row, StoreBroken, StoreFull
from store.batch import Batch, Group, Newest, is_newer
from store.keys import (
    COUNT,
    COUNT_KEY,
    FORMAT,
    LATEST,
    LAYOUT,
    MINUTE,
    NUMBER,
    ROW,
    SERIES,
    partition,
    partition_start,
    period,
    row_key,
    series_key,
)
from store.rows import Damaged, folded, group, spread

MAP_BYTES = 2**40
MOST_OPEN = 48
"""Partitions open at once: 47 bits of address space hold 128 maps of this size."""
MOST_READERS = 512
CHUNK = 256
"""Groups read in one transaction: a long one keeps old pages alive and the file grows."""


class LmdbBackend:
    """See ``store.backends.Backend``. One process may ``write``; many may read beside it."""

    shared = True

    def __init__(self, path: Path, *, write: bool) -> None:
        self._path = path
        self._write = write
        self._open: OrderedDict[Path, lmdb.Environment] = OrderedDict()
        self.damaged: list[str] = []
        """What was found damaged since the start, a sentence each."""
        if write:
            (path / "state").mkdir(parents=True, exist_ok=True)
        self._state = self._environment(path / "state", databases=8)
        names = ("series", "layouts", "latest", "streams", "meta")
        self._db = {name: self._state.open_db(name.encode(), create=write) for name in names}
        if write:
            self._load()

    # -- writing ---

    def _load(self) -> None:
        self._state.reader_check()
        with self._state.begin() as txn:
            self._meta: dict[str, Any] = self._read_meta(txn)
            known = int(self._meta.setdefault("format", FORMAT))
            if known != FORMAT:
                raise StoreBroken(f"{self._path} is of format {known}, this Guardia writes {FORMAT}")
            self._series = {bytes(k): SERIES.unpack(v)[0] for k, v in txn.cursor(self._db["series"])}
            self._layout_ids = {LAYOUT.unpack(k)[0] for k, _ in txn.cursor(self._db["layouts"])}
        self._latest_at: dict[int, int] = {}
        self._meta.setdefault("generation", time.time_ns() // 1_000_000 << 16)

    def commit(self, batch: Batch, now: int) -> None:
        """Make the batch durable; see ``Backend``."""
        try:
            self._intern(batch)
            self._commits = int(self._meta.get("commits", 0)) + 1
            counts: dict[str, int] = {}
            for (code, start), groups in batch.groups.items():
                kind = BY_CODE[code].name
                counts[kind] = counts.get(kind, 0) + self._commit_partition(kind, start, groups)
            failpoints.at("store.before_commit")
            self._commit_state(batch, counts, now)
        except lmdb.Error as error:
            raise self._explained(error, self._path) from None
        except OSError as error:
            if error.errno in (28, 122):  # ENOSPC, EDQUOT
                raise StoreFull(str(error)) from None
            raise StoreBroken(f"{self._path}: {error}") from None

    def _intern(self, batch: Batch) -> None:
        """Give new series their numbers and keep new layouts, durably, before any row needs them."""
        series: dict[bytes, bytes] = {}
        following = len(self._series)
        for (code, subject), newest in batch.latest.items():
            key = series_key(BY_CODE[code].name, subject)
            if key not in self._series:
                series[key] = SERIES.pack(following, newest.at)
                following += 1
        layouts: dict[int, bytes] = {}
        for record in batch.layouts:
            names = _layout_names(record)
            if names and (found := layout_id(names)) not in self._layout_ids:
                text = "\n".join(names).encode()
                layouts[found] = NUMBER.pack(crc32(text)) + text
        if not series and not layouts:
            return
        with self._state.begin(write=True) as txn:
            for key, value in series.items():
                txn.put(key, value, db=self._db["series"])
            for found, text in layouts.items():
                txn.put(LAYOUT.pack(found), text, db=self._db["layouts"])
        self._series.update((key, SERIES.unpack(value)[0]) for key, value in series.items())
        self._layout_ids.update(layouts)

    def _commit_partition(self, kind: str, start: int, groups: dict[tuple[bytes, int], Group]) -> int:
        path = self._path / "rows" / kind / partition(kind, start)
        rows = sorted(
            (row_key(self._series[series_key(kind, subject)], minute, self._commits), group(g.received, g.records))
            for (subject, minute), g in groups.items()
        )
        records = sum(len(g.records) for g in groups.values())
        environment = self._partition(path)
        try:
            self._put(environment, rows, records)
        except lmdb.Error as error:
            if self._is_full(error):
                raise
            # Nothing but this partition is concerned: it is put aside, and the rows go to a new one.
            self._set_aside(path, error)
            self._put(self._partition(path), rows, records)
        return records

    @staticmethod
    def _put(environment: lmdb.Environment, rows: list[tuple[bytes, bytes]], records: int) -> None:
        with environment.begin(write=True) as txn:
            held, size = COUNT.unpack(txn.get(COUNT_KEY) or COUNT.pack(0, 0))
            with txn.cursor() as cursor:
                cursor.putmulti(rows)
            txn.put(COUNT_KEY, COUNT.pack(held + records, size + sum(len(value) for _, value in rows)))

    def _commit_state(self, batch: Batch, counts: dict[str, int], now: int) -> None:
        meta = dict(self._meta, commits=self._commits, last_commit=now)
        meta["records"] = {
            kind: int(self._meta.get("records", {}).get(kind, 0)) + counts.get(kind, 0)
            for kind in {*self._meta.get("records", {}), *counts}
        }
        with self._state.begin(write=True) as txn:
            for (code, subject), newest in batch.latest.items():
                number = self._series[series_key(BY_CODE[code].name, subject)]
                if self._is_latest(txn, number, newest):
                    txn.put(NUMBER.pack(number), _pack_latest(newest.received, newest.record), db=self._db["latest"])
            txn.put(b"state", msgpack.packb(meta), db=self._db["meta"])
        self._meta = meta
        for (code, subject), newest in batch.latest.items():
            self._latest_at[self._series[series_key(BY_CODE[code].name, subject)]] = newest.at

    def _is_latest(self, txn: lmdb.Transaction, number: int, newest: Newest) -> bool:
        if number not in self._latest_at:
            stored = _unpack_latest(txn.get(NUMBER.pack(number), db=self._db["latest"]))
            if stored is None:
                return True
            self._latest_at[number] = _at(stored.record)
        if is_newer(newest.at, self._latest_at[number], newest.received):
            return True
        newest.at = self._latest_at[number]
        return False

    def retain(self, keep: dict[str, int], now: int) -> int:
        """Drop whole partitions whose last instant is older than ``keep[kind]``."""
        dropped: dict[str, int] = {}
        for kind, age in keep.items():
            for path in self._partitions(kind):
                if partition_start(path.name) + period(kind) <= now - age:
                    dropped[kind] = dropped.get(kind, 0) + self._count(path)
                    self._remove(path)
        deleted = self._meta.get("deleted", {})
        meta = dict(self._meta, last_cleanup=now)
        meta["deleted"] = {k: int(deleted.get(k, 0)) + dropped.get(k, 0) for k in {*deleted, *dropped}}
        with contextlib.suppress(lmdb.Error), self._state.begin(write=True) as txn:
            txn.put(b"state", msgpack.packb(meta), db=self._db["meta"])
            self._meta = meta
        return sum(dropped.values())

    def _remove(self, path: Path) -> None:
        # Renamed first: whoever looks meanwhile sees a whole partition or none.
        self._forget(path)
        gone = path.with_name(path.name + ".gone")
        path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def _set_aside(self, path: Path, error: Exception) -> None:
        self._forget(path)
        aside = path.with_name(f"{path.name}.bad-{int(time.time())}")
        if path.exists():
            path.rename(aside)
        self.damaged.append(f"{path} is damaged ({error}), put aside as {aside.name}")

    # -- reading ---

    def subjects(self, kind: str) -> list[Subject]:
        """All subjects of ``kind``; see ``Backend``."""
        prefix = series_key(kind, b"")
        found = []
        with self._state.begin() as txn:
            for key, value in _with_prefix(txn.cursor(self._db["series"]), prefix):
                number, first_at = SERIES.unpack(value)
                stored = _unpack_latest(txn.get(NUMBER.pack(number), db=self._db["latest"]))
                if stored is not None:
                    name = key[len(prefix) :].decode()
                    found.append(Subject(name, first_at, _at(stored.record), stored.received))
        return found

    def latest(self, kind: str, subjects: tuple[str, ...] | None) -> list[Stored]:
        """The newest record of each subject; see ``Backend``."""
        found = []
        with self._state.begin() as txn:
            if subjects is None:
                cursor = txn.cursor(self._db["series"])
                numbers = [SERIES.unpack(value)[0] for _, value in _with_prefix(cursor, series_key(kind, b""))]
            else:
                keys = [series_key(kind, name.encode()) for name in sorted(set(subjects))]
                values = [txn.get(key, db=self._db["series"]) for key in keys]
                numbers = [SERIES.unpack(value)[0] for value in values if value]
            for number in numbers:
                stored = _unpack_latest(txn.get(NUMBER.pack(number), db=self._db["latest"]))
                if stored is not None:
                    found.append(stored)
        return found

    def rows(self, kind: str, subject: str, start: int, end: int) -> list[Row]:
        """The records in a range; see ``Backend``."""
        number = self._series_number(kind, subject)
        if number is None or start > end:
            return []
        rows: list[Row] = []
        for path in self._partitions(kind, start, end):
            rows.extend(self._rows_of(path, number, start, end))
        return folded(rows)

    def newest_rows(self, kind: str, subject: str, start: int, end: int, limit: int) -> list[Row]:
        """The newest rows in a range; partitions are read from the newest on, until there are enough."""
        number = self._series_number(kind, subject)
        if number is None or start > end or limit <= 0:
            return []
        rows: list[Row] = []
        for path in reversed(self._partitions(kind, start, end)):
            first = partition_start(path.name)
            last = min(end, first + period(kind) - 1)
            # Within a partition too: steps back that double, so that the newest ten of an hour cost ten.
            step = 2 * MINUTE
            while last >= max(start, first) and len(rows) < limit:
                begin = max(start, first, last - last % MINUTE - step)
                rows = folded([*self._rows_of(path, number, begin, last), *rows])
                last, step = begin - 1, step * 2
            if len(rows) >= limit:
                break
        return rows[-limit:]

    def layouts(self, ids: tuple[int, ...]) -> dict[int, tuple[str, ...]]:
        """The names behind layout ids; see ``Backend``."""
        found = {}
        with self._state.begin() as txn:
            for wanted in ids:
                value = txn.get(LAYOUT.pack(wanted), db=self._db["layouts"])
                if value and crc32(value[4:]) == NUMBER.unpack_from(value)[0]:
                    found[wanted] = tuple(value[4:].decode().split("\n"))
        return found

    def statistics(self) -> dict[str, Any]:
        """What the store holds; see ``Backend``."""
        with self._state.begin() as txn:
            meta = self._read_meta(txn)
        files = [*self._path.glob("rows/*/*/data.mdb"), self._path / "state" / "data.mdb"]
        known = ("records", "deleted", "commits", "last_cleanup", "last_commit", "generation")
        return {
            **{name: meta[name] for name in known if meta.get(name) is not None},
            "bytes": sum(_disk_bytes(file) for file in files),
            "partitions": len(files) - 1,
        }

    def refresh(self) -> None:
        """Close partitions that were removed, so that their space comes back."""
        for path in [path for path in self._open if not path.exists()]:
            self._forget(path)
        if self._write:
            self._state.reader_check()

    def close(self) -> None:
        """Close every file."""
        for path in list(self._open):
            self._forget(path)
        self._state.close()

    # -- files ---

    def _environment(self, path: Path, databases: int = 0) -> lmdb.Environment:
        try:
            return lmdb.open(
                os.fspath(path),
                map_size=MAP_BYTES,
                max_dbs=databases,
                max_readers=MOST_READERS,
                readonly=not self._write,
                mode=0o600,
                create=self._write,
                readahead=False,
            )
        except lmdb.Error as error:
            raise self._explained(error, path) from None

    def _partition(self, path: Path) -> lmdb.Environment:
        environment = self._open.get(path)
        if environment is not None:
            self._open.move_to_end(path)
            return environment
        while len(self._open) >= MOST_OPEN:
            self._open.popitem(last=False)[1].close()
        if self._write:
            path.mkdir(parents=True, exist_ok=True)
        try:
            environment = self._environment(path)
        except StoreBroken as error:
            if not self._write:
                raise
            self._set_aside(path, error)
            path.mkdir(parents=True, exist_ok=True)
            environment = self._environment(path)
        self._open[path] = environment
        return environment

    def _forget(self, path: Path) -> None:
        environment = self._open.pop(path, None)
        if environment is not None:
            environment.close()

    def _partitions(self, kind: str, start: int | None = None, end: int | None = None) -> list[Path]:
        """The kind's partitions that may hold something of the range, by time."""
        found = []
        for path in (self._path / "rows" / kind).glob("*T??"):
            try:
                begin = partition_start(path.name)
            except ValueError:
                continue
            if (end is None or begin <= end) and (start is None or begin + period(kind) > start):
                found.append((begin, path))
        return [path for _, path in sorted(found)]

    def _rows_of(self, path: Path, number: int, start: int, end: int) -> Iterator[Row]:
        first, last = row_key(number, max(start, 0) // MINUTE, 0), ROW.pack(number, max(end, 0) // MINUTE, 2**64 - 1)
        key = first
        while key:
            try:
                values, key = self._chunk(path, key, last)
            except (StoreBroken, lmdb.Error) as error:
                if path.exists():
                    self.damaged.append(f"{path}: {error}")
                return
            for value in values:
                try:
                    yield from (row for row in spread(value) if start <= row[0] <= end)
                except (Damaged, Malformed) as error:
                    self.damaged.append(f"{path}: a group of series {number}: {error}")

    def _chunk(self, path: Path, first: bytes, last: bytes) -> tuple[list[bytes], bytes]:
        """Values from ``first`` to ``last``, and the key to go on from (empty: that was all)."""
        values: list[bytes] = []
        with self._partition(path).begin() as txn, txn.cursor() as cursor:
            more = cursor.set_range(first)
            while more and len(values) < CHUNK:
                key = cursor.key()
                if key > last:
                    return values, b""
                values.append(cursor.value())
                more = cursor.next()
            return values, cursor.key() if more and cursor.key() <= last else b""

    def _count(self, path: Path) -> int:
        try:
            with self._partition(path).begin() as txn:
                return int(COUNT.unpack(txn.get(COUNT_KEY) or COUNT.pack(0, 0))[0])
        except (StoreBroken, lmdb.Error):
            return 0

    def _series_number(self, kind: str, subject: str) -> int | None:
        if kind not in KINDS:
            return None
        with self._state.begin() as txn:
            value = txn.get(series_key(kind, subject.encode()), db=self._db["series"])
        return int(SERIES.unpack(value)[0]) if value else None

    def _read_meta(self, txn: lmdb.Transaction) -> dict[str, Any]:
        value = txn.get(b"state", db=self._db["meta"])
        return dict(msgpack.unpackb(value)) if value else {}

    @staticmethod
    def _is_full(error: lmdb.Error) -> bool:
        # ext4 says "no space left"; tmpfs ends a write short, which LMDB tells as an input/output error, and
        # fails a file's growth as out of memory.
        return isinstance(error, lmdb.DiskError | lmdb.MapFullError) or "No space left" in str(error)

    def _explained(self, error: lmdb.Error, path: Path) -> StoreFull | StoreBroken:
        return StoreFull(f"{path}: {error}") if self._is_full(error) else StoreBroken(f"{path}: {error}")


def _layout_names(record: bytes) -> tuple[str, ...]:
    try:
        return tuple(read(record)[0].message().names)
    except Malformed:
        return ()  # counted by the writer, which read it first


def _pack_latest(received: int, record: bytes) -> bytes:
    return LATEST.pack(crc32(record), received) + record


def _unpack_latest(value: bytes | None) -> Stored | None:
    if not value:
        return None
    checksum, received = LATEST.unpack_from(value)
    record = value[LATEST.size :]
    return Stored(received, record) if crc32(record) == checksum else None


def _at(record: bytes) -> int:
    return int.from_bytes(record[28:36], "big", signed=True)


def _with_prefix(cursor: lmdb.Cursor, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
    if cursor.set_range(prefix):
        for key, value in cursor:
            if not key.startswith(prefix):
                return
            yield key, value


def _disk_bytes(file: Path) -> int:
    try:
        return file.stat().st_blocks * 512
    except OSError:
        return 0
