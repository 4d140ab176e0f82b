"""Sealing: values/s a core and bytes per value, beside VictoriaMetrics with the same data.

    python -m benchmarks.sealing [HOSTS] [--recording FILE] [--peer]

The rows of a day of HOSTS are stored as the writer stores them; the sealer makes hour blocks, a day's file and its
rollups of them, what it reads is in its CPU, and every value is compared. Without ``--recording`` the hosts are made
up: bounded walks, counters, whole pages, constants, bursts, one value in ten seconds. With it they are what
``benchmarks.recording`` recorded, and the day is as long as the recording.
``--peer`` sends the same to VictoriaMetrics and has it merge.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import requests

from benchmarks.recording import MILLISECOND, loaded
from bus.messages import Layout, Sample, layout_id
from bus.process import collect_seldom, keep_heap, large_pages
from bus.timing import DAY, HOUR, MINUTE, SECOND
from bus.wire import pack, record, stamped, unstamped
from store.backends.lmdb import LmdbBackend
from store.batch import Batch
from store.blocks.scaled import Floats, Integers
from store.blocks.segments import Segment
from store.joining_apart import HEAP_BYTES, LARGE_BYTES
from store.sealer import Pace, Sealer
from store.spans import RAW, TIERS
from tests.ports import free_port

START = 1_769_817_600 * SECOND
STEP = 10 * SECOND
ROWS = DAY // STEP
METRICS = 60
Names = tuple[str, ...]
Group = tuple[int, bytes]
"""(received, records back to back)."""


@dataclass
class Data:
    """A day of some hosts: a matrix (metrics by rows) each."""

    names: Names
    hosts: list[Floats]
    times: Integers
    late: Integers | None = None
    """By how many ns later each sample of each host was received; None where those of a minute were together."""

    @property
    def count(self) -> int:
        """How many values there are; what has no reading is none."""
        return sum(int(np.count_nonzero(~np.isnan(matrix))) for matrix in self.hosts)


def made_up(hosts: int) -> Data:
    """Numbers as hosts have them."""
    chance = np.random.default_rng(7)
    matrices = []
    for _ in range(hosts):
        rows = np.empty((METRICS, ROWS))
        for metric in range(METRICS):
            rows[metric] = _metric(metric % 12, metric, chance)
        matrices.append(rows)
    times = START + STEP * np.arange(ROWS) + np.arange(ROWS) * 7919 % 3 * MILLISECOND
    return Data(tuple(f"metric[{metric}].value" for metric in range(METRICS)), matrices, times)


def _metric(kind: int, metric: int, chance: np.random.Generator) -> Any:
    if kind < 3:
        return np.full(ROWS, float(8_192 * 1024 * (metric + 1)))
    if kind == 3:
        return np.round(np.clip(chance.normal(0, 1.5, ROWS).cumsum() % 200 - 100, -100, 100) / 2 + 50, 1)
    if kind == 4:
        return chance.integers(0, 2_000, ROWS).cumsum().astype(float)
    if kind == 5:
        return 4096.0 * (1_000_000 + chance.integers(-40, 41, ROWS).cumsum())
    if kind == 6:
        return np.round(np.where(chance.random(ROWS) < 0.05, chance.exponential(50_000, ROWS), 0), 1)
    if kind == 7:
        return np.round(np.abs(chance.normal(0.8, 0.1, ROWS).cumsum() % 4), 2)
    if kind == 8:
        return (chance.random(ROWS) < 0.001).astype(float)
    if kind == 9:
        return 42.0 + np.repeat(chance.integers(-3, 4, ROWS // 60 + 1), 60)[:ROWS]
    if kind == 10:
        return np.round(chance.normal(2.0, 0.7, ROWS).clip(0), 1)
    return np.repeat(chance.integers(100, 130, ROWS // 6 + 1), 6)[:ROWS].astype(float)


def recorded(hosts: int, file: Path) -> Data:
    """What was recorded, from the first hour of the day on; each host tells the same.

    That is the best case for whoever keeps equal times of several series once, and none for those who do not.
    """
    made = loaded(file)
    times = START + made.times - made.times[0]
    chance = np.random.default_rng(3)
    # Received a little later than taken: the time on the way and in the queue, to the microsecond.
    late = 400 + np.rint(chance.exponential(600, (hosts, len(times)))).astype(np.int64)
    return Data(made.names, [made.values] * hosts, times, late * 1000)


def groups(data: Data, host: int, hour: int) -> list[Group]:
    """A host's hour as the writer stores it: what came together; of the made-up hosts the samples of a minute."""
    layout = layout_id(data.names)
    first, last = np.searchsorted(data.times, [START + hour * HOUR, START + (hour + 1) * HOUR]).tolist()
    found: list[Group] = []
    minute = -1
    for row in range(first, last):
        values = tuple(None if value != value else value for value in data.hosts[host][:, row].tolist())
        at = int(data.times[row])
        one = pack(record(Sample(layout, values), source=f"host-{host}", at=at, epoch=host + 1, number=row + 1))
        if data.late is not None:
            found.append((at + int(data.late[host, row]), one))
        elif at // MINUTE == minute:
            found[-1] = found[-1][0], found[-1][1] + one
        else:
            minute = at // MINUTE
            found.append((minute * MINUTE + 4_000_000 + host * 1000, one))
    return found


def sealed(data: Data, folder: Path) -> dict[str, float]:
    """Have the sealer seal what the writer's backend stored; returns CPU seconds of the sealer by step, and bytes."""
    store = folder / "store"
    backend = LmdbBackend(store, write=True)
    sealer = Sealer(store, backend.partitions, backend.layouts, Pace(quiet=-(2**62)), logging.getLogger("sealer"))
    hosts, last = range(len(data.hosts)), int(data.times[-1] - START) // HOUR
    told = [record(Layout(data.names), source=f"host-{host}", at=START, epoch=host + 1, number=1) for host in hosts]
    _commit(backend, "layout", [(START, pack(one)) for one in told])
    seconds = []
    for hour in range(last + 1):
        for host in hosts:
            _commit(backend, "sample", groups(data, host, hour))
        seconds.append(_turned(sealer, START + (hour + 2) * HOUR))
    sizes = {"hours": _size(store, RAW)}
    day_seconds = _turned(sealer, START + DAY + 3 * HOUR)
    sealer.close()
    backend.close()
    (file,) = (store / "blocks" / "sample" / RAW).iterdir()
    compared(data, file)
    sizes |= {"day": _size(store, RAW)} | {tier: _size(store, tier) for tier in TIERS}
    return {"hours_seconds": sum(seconds), "day_seconds": day_seconds, **sizes}


def _commit(backend: LmdbBackend, kind: str, told: list[Group]) -> None:
    batch = Batch()
    for received, records in told:
        frame = stamped(kind, 1, 1, received, [records])
        batch.add(frame, unstamped(frame)[1], received)
    if told:
        backend.commit(batch, told[-1][0])


def _turned(sealer: Sealer, now: int) -> float:
    """CPU seconds until all is sealed that is due."""
    began = time.process_time()
    while sealer.turn(now):
        pass
    return time.process_time() - began


def _size(store: Path, tier: str) -> float:
    return float(sum(path.stat().st_size for path in (store / "blocks" / "sample" / tier).iterdir()))


def compared(data: Data, file: Path) -> None:
    """Raises when a value does not come back bit for bit."""
    segment = Segment(file)
    for host, expected in enumerate(data.hosts):
        (place,) = segment.places(f"host-{host}")
        found = segment.part(place).told()
        same = found.values is not None and np.array_equal(found.values.view(np.uint64), _told(expected))
        if not same or not np.array_equal(found.at, data.times):
            raise SystemExit(f"host-{host} does not come back as it was")
    segment.close()


def _told(values: Floats) -> Any:
    """The bits as they travel: what has no reading is one NaN of all."""
    return np.where(np.isnan(values), np.nan, values).view(np.uint64)


def peer(data: Data) -> float:
    """Bytes that VictoriaMetrics takes for the same after its merge."""
    program = shutil.which("victoria-metrics")
    if program is None:
        raise SystemExit("victoria-metrics is not installed")
    with _server(program) as (url, folder):
        for host, matrix in enumerate(data.hosts):
            times = (data.times // MILLISECOND).tolist()
            lines = []
            for name, values in zip(data.names, matrix, strict=True):
                there = ~np.isnan(values)
                if not there.any():
                    continue
                kept = [time for time, is_there in zip(times, there.tolist(), strict=True) if is_there]
                metric = {"__name__": name, "host": f"host-{host}"}
                lines.append(json.dumps({"metric": metric, "values": values[there].tolist(), "timestamps": kept}))
            requests.post(f"{url}/api/v1/import", data="\n".join(lines), timeout=120).raise_for_status()
        requests.get(f"{url}/internal/force_flush", timeout=60).raise_for_status()
        requests.get(f"{url}/internal/force_merge", timeout=60).raise_for_status()
        size, steady = -1, 0
        while steady < 5:
            time.sleep(1)
            now = sum(path.stat().st_size for path in (folder / "data").rglob("*") if path.is_file())
            steady, size = (steady + 1 if now == size else 0), now
        return float(size)


@contextlib.contextmanager
def _server(program: str) -> Iterator[tuple[str, Path]]:
    with tempfile.TemporaryDirectory(prefix="guardia-vm-") as folder:
        port = free_port()
        command = [program, f"-storageDataPath={folder}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=100y"]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            url = f"http://127.0.0.1:{port}"
            for _ in range(200):
                with contextlib.suppress(requests.ConnectionError):
                    if requests.get(f"{url}/health", timeout=2).ok:
                        break
                time.sleep(0.1)
            yield url, Path(folder)
        finally:
            server.terminate()
            server.wait(30)


def main() -> None:
    """Measure, and say it."""
    parser = argparse.ArgumentParser("python -m benchmarks.sealing", description=__doc__)
    parser.add_argument("hosts", nargs="?", type=int, default=20)
    parser.add_argument("--recording", type=Path, metavar="FILE")
    parser.add_argument("--peer", action="store_true")
    given = parser.parse_args()
    keep_heap(HEAP_BYTES)
    large_pages(LARGE_BYTES)
    collect_seldom()
    data = recorded(given.hosts, given.recording) if given.recording else made_up(given.hosts)
    values = data.count
    rows = len(data.times)
    print(f"{len(data.hosts)} hosts, {len(data.names)} metrics, {rows} rows each: {values / 1e6:.1f} million values")
    with tempfile.TemporaryDirectory(prefix="guardia-blocks-") as folder:
        found = sealed(data, Path(folder))
    seconds, million = found["hours_seconds"] + found["day_seconds"], values / 1e6
    print(f"hours: {million / found['hours_seconds']:.1f} million values/s a core, {found['hours'] / values:.3f} B")
    print(f"day and rollups: {million / found['day_seconds']:.1f} million values/s a core")
    print(f"together: {million / seconds:.1f} million values/s a core, {seconds / million:.3f} CPU s a million")
    print(f"a day's file: {found['day'] / values:.3f} bytes a value, every value compared")
    print("rollups: " + ", ".join(f"{tier} {found[tier] / values:.3f}" for tier in TIERS) + " bytes a raw value")
    if given.peer:
        size = peer(data)
        print(f"VictoriaMetrics, merged: {size / values:.3f} bytes a value; ratio {found['day'] / size:.2f}")


if __name__ == "__main__":
    main()
