"""The peers' sustained ingest: requests made before, for some seconds, until what was accepted is durable."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgpack
import psycopg
import requests

from benchmarks.databases import influxdb, load, prometheus, victoriametrics
from benchmarks.databases.client import cpu_seconds, pushed
from benchmarks.databases.data import Readings
from benchmarks.databases.peer import Peer, running
from benchmarks.databases.run import Run
from tests.store.servers import Postgres, programs

LANES = 2
"""Connections at once: more are no faster on two cores."""
SQLITE_BATCH = 100


@dataclass(frozen=True)
class Rival:
    """How its requests are made, and how they are sent."""

    made: Callable[[Readings, int], Sequence[load.Told]]
    ran: Callable[[Sequence[load.Told], float], Run]
    most: int
    """Million values that are enough: its pace is known by then."""


def victoria_ran(told: Sequence[load.Told], seconds: float, how: str = "20 samples of a series together") -> Run:
    """Until a snapshot says that all is on the disk."""
    name = f"VictoriaMetrics, remote write, {how}, then a snapshot"
    with running(victoriametrics.command, "/health") as peer:
        return _ran(name, peer, told, seconds, lambda: _asked(f"{peer.url}/snapshot/create"))


def prometheus_ran(told: Sequence[load.Told], seconds: float) -> Run:
    """Until the last request is answered: its log is not synced with each of them."""
    with running(prometheus.command, "/-/ready") as peer:
        return _ran("Prometheus, remote write, not synced", peer, told, seconds)


def influxdb_ran(told: Sequence[load.Told], seconds: float) -> Run:
    """Each request is in its log, synced, when it is answered."""
    with running(influxdb.command, "/ping") as peer:
        requests.post(f"{peer.url}/query", params={"q": "CREATE DATABASE g"}, timeout=30).raise_for_status()
        return _ran("InfluxDB 1.6, line protocol", peer, told, seconds)


def _ran(
    name: str, peer: Peer, told: Sequence[load.Told], seconds: float, durable: Callable[[], object] = lambda: None
) -> Run:
    """Push for so long; ``durable`` returns when all is on the disk."""
    before, start = cpu_seconds(peer.process.pid), time.perf_counter()
    values = pushed(peer.port, told, seconds)
    durable()
    took = time.perf_counter() - start
    return Run(name, values, took, {"server": cpu_seconds(peer.process.pid) - before})


def _asked(url: str) -> None:
    requests.get(url, timeout=60).raise_for_status()


def postgres_ran(told: Sequence[load.Told], seconds: float) -> Run:
    """Each thousand rows are a transaction that is on the disk when it is committed."""
    found = programs()
    if found is None:
        raise SystemExit("PostgreSQL is not installed")
    server = Postgres(found)
    try:
        with psycopg.connect(server.database().reveal(), autocommit=True) as db:
            db.execute("CREATE TABLE s (host text, at bigint, value float8[], PRIMARY KEY (host, at))")
            master = _parent(db.info.backend_pid)
            before, start = cpu_seconds(master), time.perf_counter()
            values = 0
            for one in told:
                with db.cursor() as cursor, cursor.copy("COPY s FROM STDIN (FORMAT BINARY)") as copy:
                    copy.write(one.body)
                values += one.values
                if time.perf_counter() - start > seconds:
                    break
            took = time.perf_counter() - start
            spent = cpu_seconds(master) - before
        return Run("PostgreSQL, COPY, a row a sample", values, took, {"server": spent})
    finally:
        server.stop()


def sqlite_rows(data: Readings, values: int) -> list[load.Told]:
    """Bodies in the order of time; host and time are their place."""
    rows = -(-values // (len(data.names) * len(data.values)))
    return [
        load.Told(len(data.names), place, msgpack.packb(dict(zip(data.names, block[row].tolist(), strict=True))))
        for row in range(min(rows, len(data.times)))
        for place, block in enumerate(data.values.values())
    ]


def sqlite_ran(told: Sequence[load.Told], seconds: float) -> Run:
    """A row a sample, a hundred a transaction, each on the disk."""
    rows = [(f"host-{one.lane}", place, one.body) for place, one in enumerate(told)]
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR", "/var/tmp")) as folder:
        database = sqlite3.connect(Path(folder) / "samples.db", isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE s (host TEXT, at INTEGER, body BLOB, PRIMARY KEY (host, at)) WITHOUT ROWID")
        before, start = time.process_time(), time.perf_counter()
        done = 0
        while done < len(rows) and time.perf_counter() - start < seconds:
            database.execute("BEGIN")
            database.executemany("INSERT INTO s VALUES (?, ?, ?)", rows[done : done + SQLITE_BATCH])
            database.execute("COMMIT")
            done = min(done + SQLITE_BATCH, len(rows))
        took, spent = time.perf_counter() - start, time.process_time() - before
        database.close()
    values = sum(one.values for one in told[:done])
    return Run("SQLite, a row a sample, synchronous=FULL", values, took, {"with its client": spent})


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


RIVALS = {
    "victoriametrics": Rival(lambda data, most: load.remote_writes(data, LANES, most), victoria_ran, 50),
    "victoriametrics-single": Rival(
        lambda data, most: load.remote_writes(data, 1, most, 1),
        lambda told, seconds: victoria_ran(told, seconds, "a sample of a series at a time"),
        20,
    ),
    "prometheus": Rival(lambda data, most: load.remote_writes(data, LANES, most), prometheus_ran, 24),
    "influxdb": Rival(lambda data, most: load.lines(data, LANES, most), influxdb_ran, 12),
    "sqlite": Rival(sqlite_rows, sqlite_ran, 6),
    "postgres": Rival(load.copies, postgres_ran, 40),
}
