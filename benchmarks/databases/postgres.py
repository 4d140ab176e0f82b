"""PostgreSQL by COPY, a row a sample with an array of its values, in batches of a thousand."""

from __future__ import annotations

import time

import psycopg

from benchmarks.databases.data import Readings
from benchmarks.databases.outcome import Outcome
from benchmarks.process import cpu_seconds
from tests.store.servers import Postgres, programs

BATCH = 1000


def measure(data: Readings) -> Outcome:
    """Until the last batch is committed, with synchronous_commit."""
    found = programs()
    if found is None:
        raise SystemExit("PostgreSQL is not installed")
    rows = [
        (host, at, row)
        for host, block in data.values.items()
        for row, at in zip(block.tolist(), data.times.tolist(), strict=True)
    ]
    server = Postgres(found)
    try:
        with psycopg.connect(server.database().reveal(), autocommit=True) as db:
            db.execute("CREATE TABLE s (host text, at bigint, value float8[], PRIMARY KEY (host, at))")
            pid = db.info.backend_pid
            before, start = cpu_seconds(pid), time.perf_counter()
            for first in range(0, len(rows), BATCH):
                with db.transaction(), db.cursor() as cursor, cursor.copy("COPY s FROM STDIN (FORMAT BINARY)") as copy:
                    copy.set_types(["text", "int8", "float8[]"])
                    for row in rows[first : first + BATCH]:
                        copy.write_row(row)
            took, spent = time.perf_counter() - start, cpu_seconds(pid) - before
            [size] = db.execute("SELECT pg_total_relation_size('s')").fetchone() or (0,)
        return Outcome("PostgreSQL, COPY", data.count, took, spent, int(size))
    finally:
        server.stop()
