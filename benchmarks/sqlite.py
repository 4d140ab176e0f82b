"""The peer: samples into SQLite, one row each, a hundred a transaction, durable like ours."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from pathlib import Path

from benchmarks.producers import samples

BATCH = 100


def stored(seconds: float) -> float:
    """Samples/s that one process inserts; the samples are packed before the clock starts."""
    rows = [(f"host-{place % 1000}", place, body) for place, body in enumerate(samples("host", 20_000, 0, 1)[1:])]
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR", "/var/tmp")) as folder:
        database = sqlite3.connect(Path(folder) / "samples.db", isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute(
            "CREATE TABLE samples (host TEXT, at INTEGER, body BLOB, PRIMARY KEY (host, at)) WITHOUT ROWID"
        )
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            database.execute("BEGIN")
            for turn in range(done, done + BATCH):
                host, _, body = rows[turn % len(rows)]
                database.execute("INSERT INTO samples VALUES (?, ?, ?)", (host, turn, body))
            database.execute("COMMIT")
            done += BATCH
        took = time.perf_counter() - start
        database.close()
    return done / took
