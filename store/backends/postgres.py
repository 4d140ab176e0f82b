"""Records in PostgreSQL, for a hub that outgrows one machine: rows and streams in one transaction of a server.

``synchronous_commit`` stays on: a commit that returned is on the server's disk. What the server cannot do now ends the
writer with a sentence, and it tries again; its producers keep what was not acknowledged.
"""

from __future__ import annotations

import contextlib
import time
from _blake2 import blake2b
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, LiteralString

import msgpack
from psycopg import sql

from bus.messages import BY_CODE, KINDS
from bus.questions import Stored, Subject
from bus.secret import Secret
from bus.timing import SECOND
from bus.wire import HEADER
from store.backends import StoreBroken, StoreFull, Streams, busy, pieces_of_rows
from store.backends.postgres_layouts import TableLayouts
from store.backends.postgres_server import Server
from store.backends.postgres_tables import FORMAT, Db, Partitions, rows_of
from store.backends.values import told_of
from store.backends.witness import Witness
from store.batch import Batch, Latest, Newest, is_newer
from store.columns import Steps
from store.keys import FAR, LAYOUT, kept_at, kinds
from store.pieces import Piece
from store.rows import Row

LATEST_EVERY = SECOND
"""ns between two writings of the series' newest records; after a crash they may be so much behind their rows."""
RETAIN_SECONDS = 5.0
"""So long it drops what is too old: nothing is stored meanwhile."""
WIDEST = 2**63 - 1
DIGEST = 16


class PostgresBackend:
    """See ``store.backends.Backend``. One process may ``write``; many may read beside it, on any machine."""

    shared = True
    generation = 0

    def __init__(self, path: Path, *, write: bool, url: Secret, schema: str = "guardia") -> None:
        """``path`` holds only the witness of the generation; ``url`` as libpq takes it."""
        self._write = write
        self._schema = schema
        self._partitions = Partitions(schema)
        self._server = Server(url, schema)
        self._series: dict[tuple[int, bytes], int] = {}
        self._layouts = TableLayouts()
        self._latest_at: dict[int, int] = {}
        self._first_at: dict[int, int] = {}
        self._waiting: dict[int, Newest] = {}
        self._written = 0
        self._meta: dict[str, Any] = {}
        self._witness = Witness(path.with_name(path.name + ".generation"))
        if write:
            with self._server.using() as db:
                self._load(db)
        else:
            with self._server.using() as db:
                if db.execute("SELECT to_regclass('meta')").fetchone() == (None,):
                    raise StoreBroken("the database has no tables yet: the writer makes them")

    # -- writing ---

    def _load(self, db: Db) -> None:
        self._partitions.set_up(db)
        self._meta = self._read_meta(db)
        known = int(self._meta.setdefault("format", FORMAT))
        if known != FORMAT:
            raise StoreBroken(f"the database is of format {known}, this Guardia writes {FORMAT}")
        for number, kind, subject, first, at in db.execute("SELECT number, kind, subject, first_at, at FROM series"):
            self._series[kind, subject.encode()] = number
            self._first_at[number] = first
            self._latest_at[number] = at
        self._layouts.load(db, time.time_ns())
        known = int(self._meta.get("generation", 0))
        self.generation = self._witness.judged(known, int(self._meta.get("commits", 0)), time.time_ns())
        self._meta["generation"] = self.generation
        self._write_meta(db, self._meta)

    def commit(self, batch: Batch, now: int, streams: Streams = ((), ())) -> None:
        """Make the batch durable; see ``Backend``."""
        latest = batch.latest()
        try:
            with self._server.using() as db:
                new = self._intern(db, latest)
                began = self._put_first(db, batch, self._series | new)
                layouts = self._layouts.keep(db, batch, now)
                counts = self._insert(db, batch, self._series | new)
                self._move_streams(db, streams)
                meta = self._counted(counts, now)
                self._write_meta(db, meta)
                waiting = self._gathered(latest, self._series | new)
                due = not 0 <= now - self._written < LATEST_EVERY  # a clock that was set back keeps nothing waiting
                if due:
                    self._write_latest(db, waiting)
        except BaseException:
            self._partitions.forget()
            raise
        # Only now does any of it hold.
        self._series |= new
        self._first_at |= began
        self._layouts.noted(layouts)
        self._meta = meta
        for number, newest in waiting.items():
            self._latest_at[number] = newest.at
        self._waiting = {} if due else waiting
        if due:
            self._written = now
            self._witness.note(self.generation, int(meta["commits"]))

    def _intern(self, db: Db, latest: Latest) -> dict[tuple[int, bytes], int]:
        """Give new series their numbers; a series is made with its first record."""
        new = [(key, newest) for key, newest in latest.items() if key not in self._series]
        found: dict[tuple[int, bytes], int] = {}
        for (code, subject), newest in new:
            row = db.execute(
                "INSERT INTO series (kind, subject, first_at, at, received, record) VALUES (%s, %s, %s, %s, %s, %s)"
                " ON CONFLICT (kind, subject) DO UPDATE SET kind = excluded.kind RETURNING number",
                (code, subject.decode(), newest.at, newest.at, newest.received, newest.record),
            ).fetchone()
            assert row is not None  # RETURNING always gives one
            found[code, subject] = row[0]
        return found

    def _put_first(self, db: Db, batch: Batch, series: dict[tuple[int, bytes], int]) -> dict[int, int]:
        """Write of each series when its first record was, where one of the batch is older."""
        groups = {series[key]: group for key, group in batch.earliest().items()}
        found = {n: group.first for n, group in groups.items() if group.begin < self._first_at.get(n, FAR)}
        if found:
            db.execute(
                "UPDATE series SET first_at = LEAST(series.first_at, n.at)"
                " FROM unnest(%s::int[], %s::bigint[]) AS n(number, at) WHERE series.number = n.number",
                (list(found), list(found.values())),
            )
        return {number: min(at, self._first_at.get(number, FAR)) for number, at in found.items()}

    def _insert(self, db: Db, batch: Batch, series: dict[tuple[int, bytes], int]) -> dict[str, int]:
        """Add the rows; returns how many of each kind were new."""
        counts: dict[str, int] = {}
        for (code, start), groups in batch.groups.items():
            kind = BY_CODE[code].name
            self._partitions.need(db, kind, start)
            db.execute(
                "CREATE TEMP TABLE IF NOT EXISTS incoming (series integer, at bigint, digest bytea, received bigint,"
                " record bytea) ON COMMIT DELETE ROWS"
            )
            columns = ("int4", "int8", "bytea", "int8", "bytea")
            with db.cursor() as cursor:
                with cursor.copy("COPY pg_temp.incoming FROM STDIN (FORMAT BINARY)") as copy:
                    copy.set_types(columns)
                    for (subject, _), group in groups.items():
                        number = series[code, subject]
                        for received, record in group.dated():
                            copy.write_row((number, kept_at(record), _digest(record), received, record))
                cursor.execute(
                    sql.SQL("INSERT INTO {} SELECT * FROM pg_temp.incoming ON CONFLICT DO NOTHING").format(
                        rows_of(kind)
                    )
                )
                counts[kind] = counts.get(kind, 0) + cursor.rowcount
                cursor.execute("TRUNCATE pg_temp.incoming")
        return counts

    def _move_streams(self, db: Db, streams: Streams) -> None:
        puts, deletes = streams
        if deletes:
            db.execute("DELETE FROM streams WHERE key = ANY(%s)", (list(deletes),))
        if puts:
            db.execute(
                "INSERT INTO streams SELECT * FROM unnest(%s::bytea[], %s::bytea[])"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                ([key for key, _ in puts], [value for _, value in puts]),
            )

    def _gathered(self, latest: Latest, series: dict[tuple[int, bytes], int]) -> dict[int, Newest]:
        """What waits to be written as the newest of its series, with this batch."""
        waiting = dict(self._waiting)
        for key, newest in latest.items():
            number = series[key]
            held = waiting.get(number)
            before = held.at if held else self._latest_at.get(number)
            if before is None or is_newer(newest.at, before, newest.received):
                waiting[number] = newest
        return waiting

    def _write_latest(self, db: Db, waiting: dict[int, Newest]) -> None:
        if waiting:
            found = sorted(waiting.items())
            db.execute(
                "UPDATE series SET at = n.at, received = n.received, record = n.record"
                " FROM unnest(%s::int[], %s::bigint[], %s::bigint[], %s::bytea[]) AS n(number, at, received, record)"
                " WHERE series.number = n.number",
                (
                    [number for number, _ in found],
                    [newest.at for _, newest in found],
                    [newest.received for _, newest in found],
                    [newest.record for _, newest in found],
                ),
            )

    def _counted(self, counts: dict[str, int], now: int) -> dict[str, Any]:
        records = dict(self._meta.get("records", {}))
        for kind, count in counts.items():
            records[kind] = records.get(kind, 0) + count
        return self._meta | {
            "records": records,
            "commits": int(self._meta.get("commits", 0)) + 1,
            "last_commit": now,
        }

    def retain(self, keep: dict[str, int], now: int, *, short: bool = False) -> int:
        """Drop whole partitions whose last instant is older than ``keep[kind]``; of very many a part."""
        until = time.monotonic() + RETAIN_SECONDS
        dropped = self._drop(keep, now)
        while self._partitions.left and time.monotonic() < until:
            dropped += self._drop(keep, now)
        return dropped

    def _drop(self, keep: dict[str, int], now: int) -> int:
        self._partitions.left = False
        with self._server.using() as db:
            dropped = {kind: self._partitions.drop_before(db, kind, now - age, now) for kind, age in keep.items()}
            deleted = self._meta.get("deleted", {})
            total = {kind: int(deleted.get(kind, 0)) + dropped.get(kind, 0) for kind in {*deleted, *dropped}}
            meta = self._meta | {"last_cleanup": now, "deleted": total}
            self._write_meta(db, meta)
            gone = self._layouts.forget(db, now - keep["sample"]) if "sample" in keep else []
        self._meta = meta
        self._layouts.gone(gone)
        return sum(dropped.values())

    def may_learn(self, source: str, names: tuple[str, ...], now: int, most: int) -> bool:
        """Whether the names of a layout are kept; see ``Backend``."""
        return self._layouts.may_learn(source, names, now, most)

    # -- reading ---

    def streams(self) -> list[tuple[bytes, bytes]]:
        """How far each stream is stored; see ``Backend``."""
        return [(key, value) for key, value in self._server.asked("SELECT key, value FROM streams")]

    def subjects(self, kind: str) -> list[Subject]:
        """All subjects of ``kind``; see ``Backend``."""
        if kind not in KINDS:
            return []
        query = 'SELECT subject, first_at, record, received FROM series WHERE kind = %s ORDER BY subject COLLATE "C"'
        found = self._server.asked(query, KINDS[kind].code)
        return [told_of(name, first, Stored(received, record)) for name, first, record, received in found]

    def latest(self, kind: str, subjects: tuple[str, ...] | None) -> list[Stored]:
        """The newest record of each subject; see ``Backend``."""
        if kind not in KINDS:
            return []
        query = 'SELECT received, record FROM series WHERE kind = %s {} ORDER BY subject COLLATE "C"'
        if subjects is None:
            found = self._server.asked(query.format(""), KINDS[kind].code)
        else:
            found = self._server.asked(
                query.format("AND subject = ANY(%s)"), KINDS[kind].code, list(_tellable(subjects))
            )
        return [Stored(received, record) for received, record in found]

    def rows(self, kind: str, subject: str, start: int, end: int) -> list[Row]:
        """The records in a range; see ``Backend``."""
        return self._rows(kind, subject, start, end, "ORDER BY r.at, r.received, r.digest")

    def newest_rows(self, kind: str, subject: str, start: int, end: int, limit: int) -> list[Row]:
        """The newest rows in a range; see ``Backend``."""
        if limit <= 0:
            return []
        return self._rows(kind, subject, start, end, "ORDER BY at DESC, received DESC, digest DESC LIMIT %s", limit)[
            ::-1
        ]

    def _rows(self, kind: str, subject: str, start: int, end: int, order: LiteralString, *more: int) -> list[Row]:
        if kind not in kinds() or start > end or not _tellable((subject,)):
            return []
        query = sql.SQL(
            "SELECT r.at, r.received, r.record FROM {} r JOIN series s ON s.number = r.series"
            " WHERE s.kind = %s AND s.subject = %s AND r.at BETWEEN %s AND %s "
        ).format(rows_of(kind)) + sql.SQL(order)
        window = max(start, -WIDEST), min(end, WIDEST)
        return list(self._server.asked(query, KINDS[kind].code, subject, *window, *more))

    def finest(self, subject: str, at: int) -> int:
        """Rows, always."""
        return 0

    def pieces(self, subject: str, globs: Sequence[str], grid: Steps, start: int, end: int) -> list[Piece]:
        """From rows; see ``Backend``."""
        return pieces_of_rows(self, subject, globs, grid, start, end)

    def layouts(self, ids: tuple[int, ...]) -> dict[int, tuple[str, ...]]:
        """The names behind layout ids; see ``Backend``."""
        known = [LAYOUT.pack(wanted) for wanted in ids if 0 <= wanted < 2**64]
        found = self._server.asked("SELECT id, names FROM layouts WHERE id = ANY(%s)", known)
        return {LAYOUT.unpack(packed)[0]: tuple(names.split("\n")) for packed, names in found}

    def statistics(self) -> dict[str, Any]:
        """What the store holds; see ``Backend``."""
        size = (
            "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c"
            " WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'm')"
        )
        with self._server.using() as db:
            meta = self._read_meta(db)
            found = db.execute(size, (self._schema,)).fetchone()
            partitions = self._partitions.count(db)
        known = ("records", "deleted", "commits", "last_cleanup", "last_commit", "generation")
        return {
            **{name: meta[name] for name in known if meta.get(name) is not None},
            "bytes": int(found[0]) if found else 0,
            "partitions": partitions,
        }

    def damage(self) -> dict[str, float]:
        """The server looks after its files; initdb --data-checksums makes it notice damage."""
        return {"damaged_total": 0.0, "put_aside": 0.0}

    def refresh(self, idle: Callable[[], bool] = busy) -> None:
        """Write what is due when no commit comes."""
        if self._write and self._waiting:
            with contextlib.suppress(StoreFull):  # until there is room they wait
                with self._server.using() as db:
                    self._write_latest(db, self._waiting)
                self._waiting = {}

    def close(self) -> None:
        """Write what waits, and leave."""
        if not self._server.connected:
            return
        if self._write:
            with contextlib.suppress(StoreBroken):
                self.refresh()
            self._witness.note(self.generation, int(self._meta.get("commits", 0)))
        self._server.close()

    def _read_meta(self, db: Db) -> dict[str, Any]:
        row = db.execute("SELECT value FROM meta WHERE key = 'state'").fetchone()
        return dict(msgpack.unpackb(row[0])) if row else {}

    def _write_meta(self, db: Db, meta: dict[str, Any]) -> None:
        db.execute(
            "INSERT INTO meta VALUES ('state', %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (msgpack.packb(meta),),
        )


def _digest(record: bytes) -> bytes:
    return blake2b(record[HEADER.size :], digest_size=DIGEST).digest()


def _tellable(names: Sequence[str]) -> list[str]:
    """Those that the server takes: it has no text with a zero byte."""
    return [name for name in names if "\0" not in name]
