"""Guardia through its whole pipeline: producers, the collector, the writer's disk, and the sealer after it."""

from __future__ import annotations

import secrets
import time

import zmq

from benchmarks.databases.data import Readings
from benchmarks.databases.outcome import Outcome
from benchmarks.databases.peer import size_of
from benchmarks.hub import Hub, hub
from bus.messages import Layout, Sample, layout_id
from bus.sockets import Push
from bus.wire import pack, record
from store.backends.lmdb import LmdbBackend

SEALED_SECONDS = 90


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
            sample = Sample(layout, tuple(block[place].tolist()))
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
    """Until every sample is committed; CPU of collector, writer and sealer; the size of the blocks."""
    told = packed(data)
    wanted = len(data.times) * len(data.values)
    with hub() as made:
        made.start("collector", "bus.command", "collector")
        made.start("store-writer", "bus.command", "store", "writer")
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        push = Push(context)
        push.connect(made.door)
        time.sleep(1)
        start = time.perf_counter()
        for message in told:
            push.raw.send(message)
        while stored(made) < wanted:
            if time.perf_counter() - start > 120:
                raise SystemExit(f"{stored(made)} of {wanted} samples are stored")
            time.sleep(0.02)
        took = time.perf_counter() - start
        push.close()
        context.term()
        made.start("store-sealer", "bus.command", "store", "sealer")
        blocks = made.folder / "var" / "store" / "blocks" / "sample"
        end = time.monotonic() + SEALED_SECONDS
        before = -1.0
        while time.monotonic() < end and not (size_of(blocks) and made.cpu_seconds("store-sealer") == before):
            before = made.cpu_seconds("store-sealer")
            time.sleep(2)
        cpu = sum(made.cpu_seconds(name) for name in ("collector", "store-writer", "store-sealer"))
        held = size_of(blocks / "raw")
        print(f"ours: {size_of(blocks) - held} bytes of rollups beside {held} of blocks")
        return Outcome("Guardia, all of it", data.count, took, cpu, held)
