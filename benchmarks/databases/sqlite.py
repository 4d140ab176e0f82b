"""SQLite with one row a sample, a hundred a transaction, each on the disk: as the monitor before this one wrote."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from pathlib import Path

import msgpack

from benchmarks.databases.data import Readings
from benchmarks.databases.outcome import Outcome
from benchmarks.databases.peer import size_of

BATCH = 100
MOST = 20_000
"""Samples that are enough to know its pace."""


def measure(data: Readings) -> Outcome:
    """Until the last transaction is committed."""
    rows = [
        (host, int(at), msgpack.packb(dict(zip(data.names, row, strict=True))))
        for host, block in data.values.items()
        for row, at in zip(block.tolist(), data.times.tolist(), strict=True)
    ][:MOST]
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR", "/var/tmp")) as folder:
        database = sqlite3.connect(Path(folder) / "samples.db", isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE s (host TEXT, at INTEGER, body BLOB, PRIMARY KEY (host, at)) WITHOUT ROWID")
        cpu, start = time.process_time(), time.perf_counter()
        for first in range(0, len(rows), BATCH):
            database.execute("BEGIN")
            database.executemany("INSERT INTO s VALUES (?, ?, ?)", rows[first : first + BATCH])
            database.execute("COMMIT")
        took, spent = time.perf_counter() - start, time.process_time() - cpu
        database.close()
        values = len(rows) * len(data.names)
        return Outcome("SQLite, a row a sample", values, took, spent, size_of(Path(folder)))
