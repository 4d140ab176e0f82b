"""Prometheus by remote write."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import requests

from benchmarks.databases import remote_write
from benchmarks.databases.data import Readings
from benchmarks.databases.outcome import Outcome, asked, from_prometheus
from benchmarks.databases.peer import running

CONFIG = "global: {}\nstorage:\n  tsdb:\n    out_of_order_time_window: 1d\n"


def command(folder: Path, port: int) -> Sequence[str]:
    """How it is started."""
    (folder / "prometheus.yml").write_text(CONFIG, encoding="ascii")
    flags = ("--web.enable-remote-write-receiver", "--web.enable-admin-api", "--log.level=error")
    place = (f"--storage.tsdb.path={folder}/data", f"--config.file={folder}/prometheus.yml")
    keep = "--storage.tsdb.retention.time=100y"
    return ("prometheus", *place, keep, f"--web.listen-address=127.0.0.1:{port}", *flags)


def measure(data: Readings) -> Outcome:
    """Its write-ahead log is not synced with each request: not durable. The size is of a snapshot's blocks."""
    told = list(remote_write.bodies(data))
    with running(command, "/-/ready") as peer:
        cpu, start = peer.cpu_seconds(), time.perf_counter()
        remote_write.pushed(f"{peer.url}/api/v1/write", told, 1)
        took = time.perf_counter() - start
        spent = peer.cpu_seconds() - cpu
        requests.post(f"{peer.url}/api/v1/admin/tsdb/snapshot", timeout=120).raise_for_status()
        found = Outcome("Prometheus", data.count, took, spent, peer.bytes("data/snapshots"))
        found.queries = asked(from_prometheus(peer.url, data))
        return found
