"""Guardia through its whole pipeline: producers, the collector, the writer's disk, and the sealer after it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import requests
import zmq

from benchmarks.databases.data import Readings
from benchmarks.databases.outcome import Outcome, asked
from benchmarks.databases.peer import size_of
from benchmarks.hub import Hub, hub
from benchmarks.recording import MILLISECOND
from bus.messages import Layout, Sample, layout_id
from bus.sockets import Push
from bus.wire import pack, record
from store.backends.lmdb import LmdbBackend
from store.blocks.gather import Told, joined
from store.blocks.segments import Segment
from store.spans import RAW, TIERS

SEALED_SECONDS = 120
"""An hour is sealed a minute after it was last written to."""


def packed(data: Readings) -> list[bytes]:
    """All messages, by time, as producers pack them: that is done before the clock starts, as for the peers."""
    layout = layout_id(data.names)
    epochs = {host: secrets.randbits(64) for host in data.values}
    start = int(data.times[0]) * 1_000_000
    told = [
        pack(record(Layout(data.names), source=host, at=start, epoch=epochs[host], number=1, sent=start))
        for host in data.values
    ]
    for place, stamp in enumerate(data.times.tolist()):
        at = stamp * 1_000_000
        for host, block in data.values.items():
            sample = Sample(layout, tuple(None if value != value else value for value in block[place].tolist()))
            told.append(pack(record(sample, source=host, at=at, epoch=epochs[host], number=place + 2, sent=at)))
    return told


def stored(made: Hub) -> int:
    """Samples that are durable."""
    reader = LmdbBackend(made.folder / "var" / "store", write=False)
    try:
        records = reader.statistics().get("records", {})
        return sum(count for kind, count in records.items() if kind == "sample") if isinstance(records, dict) else 0
    finally:
        reader.close()


def measure(data: Readings) -> Outcome:
    """Until every sample is committed; CPU of collector, writer and sealer; the size of the blocks, joined to days."""
    messages = packed(data)
    wanted = len(data.times) * len(data.values)
    with hub() as made:
        made.start("collector", "bus.command", "collector")
        made.start("store-writer", "bus.command", "store", "writer")
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        push = Push(context)
        push.connect(made.door)
        time.sleep(1)
        idle = made.cpu_seconds("collector") + made.cpu_seconds("store-writer")
        start = time.perf_counter()
        for message in messages:
            push.raw.send(message)
        while stored(made) < wanted:
            if time.perf_counter() - start > 120:
                raise SystemExit(f"{stored(made)} of {wanted} samples are stored")
            time.sleep(0.02)
        took = time.perf_counter() - start
        cpu = made.cpu_seconds("collector") + made.cpu_seconds("store-writer") - idle
        push.close()
        context.term()
        made.start("store-sealer", "bus.command", "store", "sealer")
        idle = made.cpu_seconds("store-sealer")
        blocks = made.folder / "var" / "store" / "blocks" / "sample"
        end = time.monotonic() + SEALED_SECONDS
        while not _joined(blocks):
            if time.monotonic() > end:
                raise SystemExit(f"after {SEALED_SECONDS} s the hours are not joined to days")
            time.sleep(0.5)
        cpu += made.cpu_seconds("store-sealer") - idle
        held = size_of(blocks / "raw")
        compared(data, blocks / "raw")
        found = Outcome("Guardia, all of it", data.count, took, cpu, held)
        made.start("store-reader", "bus.command", "store", "reader")
        made.start("api", "bus.command", "api")
        _ready(f"http://127.0.0.1:{made.api_port}/api/v1/servers/host-1/series", data)
        found.queries = asked(_questions(f"http://127.0.0.1:{made.api_port}", data))
        print(f"ours: {size_of(blocks) - held} bytes of rollups beside {held} of blocks")
        return found


def _joined(blocks: Path) -> bool:
    """Whether all is in days, with all rollups, as it will be for as long as it is kept: a peer is merged likewise."""
    names = {tier: sorted(path.name for path in (blocks / tier).glob("*")) for tier in (RAW, *TIERS)}
    days = [name for name in names[RAW] if name.endswith(".1d")]
    return bool(days) and all(found == days for found in names.values())


def compared(data: Readings, folder: Path) -> None:
    """Read all blocks back; ends the program when a time or a value is missing or not, bit for bit, as it was told."""
    found: dict[str, list[Told]] = {}
    for path in folder.iterdir():
        segment = Segment(path)
        for subject in segment.subjects():
            found.setdefault(subject, []).extend(segment.part(place).told() for place in segment.places(subject))
        segment.close()
    for host, expected in data.values.items():
        rows = joined(found.get(host, [])) if host in found else None
        if rows is None or rows.values is None or not np.array_equal(rows.at, data.times * MILLISECOND):
            raise SystemExit(f"{host}: not all samples are in the blocks")
        if not np.array_equal(rows.values.view(np.uint64), np.ascontiguousarray(expected.T).view(np.uint64)):
            raise SystemExit(f"{host}: a value does not come back as it was told")
    print(f"ours: {data.count} values read back from the blocks, each as it was told")


def _ready(url: str, data: Readings) -> None:
    """Wait until the reader and the worker, which have just begun, have the newest samples."""
    query = {"metric": data.names[0], "start": str(int(data.times[0])), "end": str(int(data.times[-1])), "step": "60"}
    end = time.monotonic() + 60
    while requests.get(url, params=query, timeout=60).status_code == requests.codes.service_unavailable:
        if time.monotonic() > end:
            raise SystemExit(f"{url} cannot answer after a minute")
        time.sleep(0.2)


def _questions(url: str, data: Readings) -> dict[str, Callable[[], None]]:
    """The same as the peers are asked."""
    session = requests.Session()
    end = int(data.times[-1])

    def ask(path: str, **query: object) -> Callable[[], None]:
        def call() -> None:
            answer = session.get(f"{url}/api/v1/{path}", params={k: str(v) for k, v in query.items()}, timeout=60)
            if answer.status_code != requests.codes.ok:
                raise SystemExit(f"{path} {query}: {answer.text[:300]}")

        return call

    one = {"metric": data.names[0], "agg": "mean", "end": end}
    return {
        "last 5 min": ask("servers/host-1/series", start=end - 300_000, step=6, **one),
        "1 h at 1 min": ask("servers/host-1/series", start=end - 3_600_000, step=60, **one),
        "latest of all": ask("servers"),
        "top 10": ask("top", metric=data.names[0], n=10, start=end - 300_000, end=end),
    }
