"""The tables in PostgreSQL, and their partitions; as hypertables where TimescaleDB is in the database.

    meta     a word                       ->  msgpack
    series   number, kind, subject        ->  first_at, and its newest record with its times
    layouts  layout id, 8 bytes           ->  names joined by newlines, whose, when heard of and needed
    streams  source, 0x00, epoch          ->  how far it is stored (``bus/delivery/stream.py``)
    rows_<kind>  series, at, digest       ->  received, the record as it came on the wire

Rows are partitioned by their own time, an hour of samples and a day of everything else, so that retention drops whole
tables. ``digest`` is BLAKE2b of the record behind its header: a message that comes again falls on itself.
"""

from __future__ import annotations

from typing import Any

from psycopg import Connection, errors, sql

from store.keys import kinds, partition, partition_start, period

FORMAT = 1
"""Of these tables."""
TABLES = """
CREATE TABLE IF NOT EXISTS meta (key text PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE IF NOT EXISTS series (
    number serial PRIMARY KEY, kind smallint NOT NULL, subject text NOT NULL, first_at bigint NOT NULL,
    at bigint NOT NULL, received bigint NOT NULL, record bytea NOT NULL, UNIQUE (kind, subject)
) WITH (fillfactor = 50);
CREATE TABLE IF NOT EXISTS layouts (id bytea PRIMARY KEY, names text NOT NULL);
CREATE TABLE IF NOT EXISTS streams (key bytea PRIMARY KEY, value bytea NOT NULL) WITH (fillfactor = 50);
"""
COLUMNS = """
ALTER TABLE layouts ADD COLUMN IF NOT EXISTS source text NOT NULL DEFAULT '';
ALTER TABLE layouts ADD COLUMN IF NOT EXISTS heard bigint NOT NULL DEFAULT 0;
ALTER TABLE layouts ADD COLUMN IF NOT EXISTS needed bigint NOT NULL DEFAULT 0;
"""
"""Where one is lacking: it waits for everybody who reads the table, also where all are there."""
ROWS = """
CREATE TABLE IF NOT EXISTS {rows} (
    series integer NOT NULL, at bigint NOT NULL, digest bytea NOT NULL, received bigint NOT NULL,
    record bytea NOT NULL, PRIMARY KEY (series, at, digest)
)"""
COMPRESS_AFTER = 2
"""Chunks of TimescaleDB are compressed when they are older than so many periods."""
DROP_SECONDS = 2.0
"""So long a table that is past its time is waited for, while others wait in turn; a backup reads all for hours."""
AT_ONCE = 50
"""Tables of a kind that are dropped in one transaction: for each the server keeps some of its few thousand locks."""
COUNTED_BYTES = 256 << 20
"""What is larger is not counted before it goes: of each it would take seconds, and nothing is stored meanwhile."""
Db = Connection[Any]


def rows_of(kind: str) -> sql.Identifier:
    """The table of a kind's rows."""
    return sql.Identifier(f"rows_{kind}")


class Partitions:
    """Makes and drops the tables that hold a period each."""

    def __init__(self, schema: str) -> None:
        self._schema = schema
        self._there: set[str] = set()
        self.hyper = False
        """Whether TimescaleDB cuts the rows itself."""
        self.left = False
        """Whether more is past its time than was dropped since this was set."""

    def set_up(self, db: Db) -> None:
        """Make what is not there."""
        db.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(self._schema)))
        db.execute(TABLES)
        there = db.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'layouts'::regclass AND attname = 'needed'"
        )
        if there.fetchone() is None:
            db.execute(COLUMNS)
        self.hyper = db.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone() is not None
        for kind in kinds():
            made = sql.SQL(ROWS).format(rows=rows_of(kind))
            if not self.hyper:
                db.execute(made + sql.SQL(" PARTITION BY RANGE (at)"))
                continue
            db.execute(made)
            db.execute(
                "SELECT create_hypertable(%s, 'at', chunk_time_interval => %s::bigint, if_not_exists => true)",
                (f"{self._schema}.rows_{kind}", period(kind)),
            )
            compressed = "ALTER TABLE {} SET (timescaledb.compress, timescaledb.compress_segmentby = 'series')"
            db.execute(sql.SQL(compressed).format(rows_of(kind)))

    def need(self, db: Db, kind: str, start: int) -> None:
        """See to it that the period that begins at ``start`` has a table.

        It is made alone and then attached: made as a partition it would wait for everybody who reads the others.
        """
        name = f"rows_{kind}_{partition(kind, start).lower()}"
        if self.hyper or name in self._there:
            return
        if db.execute("SELECT to_regclass(%s)", (f"{self._schema}.{name}",)).fetchone() == (None,):
            table, rows = sql.Identifier(name), rows_of(kind)
            db.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(table, rows))
            db.execute(
                sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
                    rows, table, sql.Literal(start), sql.Literal(start + period(kind))
                )
            )
        self._there.add(name)

    def forget(self) -> None:
        """What was made in a transaction that failed is not there."""
        self._there.clear()

    def drop_before(self, db: Db, kind: str, limit: int, now: int) -> int:
        """Drop the oldest of the periods that end at ``limit`` or before, and say in ``left`` whether there are more.

        Returns how many rows went: none while somebody reads them for long.
        """
        if self.hyper:
            return self._drop_chunks(db, kind, limit - limit % period(kind), now)
        every = sorted(
            name
            for name in self._names(db, kind)
            if partition_start(name.rpartition("_")[2].upper()) + period(kind) <= limit
        )
        over = every[:AT_ONCE]
        # Before the first goes: from then on nobody reads.
        rows = sum(self._count(db, name) for name in over)
        try:
            with db.transaction():
                db.execute("SELECT set_config('lock_timeout', %s, true)", (f"{int(DROP_SECONDS * 1000)}ms",))
                for name in over:
                    db.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
                db.execute("SET LOCAL lock_timeout TO DEFAULT")
        except errors.LockNotAvailable:
            return 0  # next time
        self._there.clear()
        self.left |= len(every) > len(over)
        return rows

    def _count(self, db: Db, name: str) -> int:
        """How many rows a period has; of a large one about."""
        found = db.execute(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass AND pg_table_size(oid) > %s",
            (f"{self._schema}.{name}", COUNTED_BYTES),
        ).fetchone()
        if found is None or found[0] <= 0:  # nobody has looked into it yet
            found = db.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone()
        return int(found[0]) if found else 0

    def _drop_chunks(self, db: Db, kind: str, cut: int, now: int) -> int:
        table = f"{self._schema}.rows_{kind}"
        counted = sql.SQL("SELECT count(*) FROM {} WHERE at < %s").format(rows_of(kind))
        found = db.execute(counted, (cut,)).fetchone()
        db.execute("SELECT drop_chunks(%s::regclass, older_than => %s::bigint)", (table, cut))
        db.execute(
            "SELECT compress_chunk(c, true) FROM show_chunks(%s::regclass, older_than => %s::bigint) c",
            (table, now - COMPRESS_AFTER * period(kind)),
        )
        return int(found[0]) if found else 0

    def count(self, db: Db) -> int:
        """How many periods there are."""
        return sum(len(self._names(db, kind)) for kind in kinds())

    def _names(self, db: Db, kind: str) -> list[str]:
        found = db.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = %s::regclass",
            (f"{self._schema}.rows_{kind}",),
        )
        return [row[0] for row in found]
