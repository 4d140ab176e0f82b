"""InfluxDB 1.6 by its line protocol: a line a host and instant, a field a metric."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import requests

from benchmarks.databases.data import Readings
from benchmarks.databases.outcome import Outcome
from benchmarks.databases.peer import running
from tests.ports import free_ports

CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
"""
AT_ONCE = 5000


def command(folder: Path, port: int) -> Sequence[str]:
    """How it is started."""
    file = folder / "influxdb.conf"
    file.write_text(CONFIG.format(folder=folder, port=port, rpc=free_ports(1)[0]), encoding="ascii")
    return ("influxd", "-config", str(file))


def measure(data: Readings) -> Outcome:
    """Each request is in its write-ahead log, synced, when it is answered; the size is from before it compacts."""
    names = [name.replace(" ", "_") for name in data.names]
    lines = [
        f"guardia,host={host} " + ",".join(f"{n}={v}" for n, v in zip(names, row, strict=True)) + f" {at}"
        for host, block in data.values.items()
        for row, at in zip(block.tolist(), data.times.tolist(), strict=True)
    ]
    bodies = ["\n".join(lines[start : start + AT_ONCE]).encode() for start in range(0, len(lines), AT_ONCE)]

    with running(command, "/ping") as peer:
        requests.post(f"{peer.url}/query", params={"q": "CREATE DATABASE g"}, timeout=30).raise_for_status()
        cpu, start = peer.cpu_seconds(), time.perf_counter()
        for body in bodies:
            url = f"{peer.url}/write"
            answer = requests.post(url, params={"db": "g", "precision": "ms"}, data=body, timeout=120)
            if answer.status_code >= 300:
                raise SystemExit(answer.text[:300])
        took = time.perf_counter() - start
        held = peer.bytes("data") + peer.bytes("wal")
        return Outcome("InfluxDB 1.6", data.count, took, peer.cpu_seconds() - cpu, held)
