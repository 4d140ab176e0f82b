"""VictoriaMetrics by remote write."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import requests

from benchmarks.databases import remote_write
from benchmarks.databases.data import Readings
from benchmarks.databases.outcome import Outcome, asked, from_prometheus
from benchmarks.databases.peer import running

OPTIONS = ("-retentionPeriod=100y", "-loggerLevel=ERROR", "-search.latencyOffset=0s")


def command(folder: Path, port: int) -> Sequence[str]:
    """How it is started."""
    place = (f"-storageDataPath={folder}/data", f"-httpListenAddr=127.0.0.1:{port}")
    return ("victoria-metrics", *place, *OPTIONS)


def measure(data: Readings) -> Outcome:
    """Until a snapshot says that all is on the disk; the size after a forced merge."""
    told = list(remote_write.bodies(data))
    with running(command, "/health") as peer:
        cpu, start = peer.cpu_seconds(), time.perf_counter()
        remote_write.pushed(f"{peer.url}/api/v1/write", told, 4)
        requests.get(f"{peer.url}/snapshot/create", timeout=60).raise_for_status()
        took = time.perf_counter() - start
        requests.get(f"{peer.url}/snapshot/delete_all", timeout=60)
        requests.get(f"{peer.url}/internal/force_merge", timeout=60)
        time.sleep(3)
        found = Outcome("VictoriaMetrics", data.count, took, peer.cpu_seconds() - cpu, peer.bytes("data/data"))
        found.queries = asked(from_prometheus(peer.url, data))
        return found
