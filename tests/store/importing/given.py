"""A file such as the first Guardia wrote."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

NOON_MS = 1_769_860_800_000
METADATA: dict[str, Any] = {
    "system": {"name": "Debian", "kernel_version": "6.1", "os_version": "12", "host_name": "web-1"},
    "memory": {"total": 8000, "used": 2000, "total_swap": 1000, "used_swap": 0},
    "cpus": {
        "total": 2,
        "arch": "x86_64",
        "average_usage": 12.5,
        "cpus": [{"name": "cpu0", "frequency": 2400, "usage": 10.0}, {"name": "cpu1", "frequency": 0, "usage": 15.0}],
    },
    "components": {
        "average_temperature": 50.0,
        "components": [{"name": "Package id 0", "temperature": 50.0}, {"name": "nvme", "temperature": None}],
    },
}


def database(path: Path, rows: Iterable[tuple[Any, ...]] = (), checks: Iterable[tuple[Any, ...]] = ()) -> Path:
    """The file with these rows (of ``metrics``: name, ms, cpu, used, total, temperature, JSON)."""
    file = sqlite3.connect(path)
    file.execute(
        "CREATE TABLE metrics (server_id TEXT NOT NULL, timestamp INTEGER NOT NULL, display_name TEXT NOT NULL, "
        "metric_type TEXT NOT NULL DEFAULT 'resource', cpu_avg REAL, memory_used INTEGER, memory_total INTEGER, "
        "temp_avg REAL, metadata TEXT NOT NULL, PRIMARY KEY (server_id, timestamp)) STRICT"
    )
    file.execute(
        "CREATE TABLE service_checks (service_name TEXT NOT NULL, timestamp INTEGER NOT NULL, url TEXT NOT NULL, "
        "status TEXT NOT NULL, response_time_ms INTEGER, http_status_code INTEGER, error_message TEXT, "
        "PRIMARY KEY (service_name, timestamp)) STRICT"
    )
    file.executemany("INSERT INTO metrics VALUES (?, ?, 'Web', 'resource', ?, ?, ?, ?, ?)", rows)
    file.executemany("INSERT INTO service_checks VALUES (?, ?, ?, ?, ?, ?, ?)", checks)
    file.commit()
    file.close()
    return path


def usual(path: Path, count: int, start: int = NOON_MS) -> Path:
    """Two hosts, measured ``count`` times each in 15 s, and a shop checked as often."""
    details = json.dumps(METADATA)
    hosts = ("192.168.1.100:3000", "10.0.0.9:51243")
    rows = [(host, start + 15_000 * n, float(n % 100), n, 8000, 50.0, details) for n in range(count) for host in hosts]
    checks = [("My Shop", start + 60_000 * n, "https://shop.example", "up", 120, 200, None) for n in range(count)]
    return database(path, rows, checks)
