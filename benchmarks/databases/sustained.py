"""Guardia's whole pipeline for as long as several sealings take: the clock stops when all that is due is sealed."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import zmq

from benchmarks.databases import load
from benchmarks.databases.client import cpu_seconds
from benchmarks.databases.data import Readings, generated
from benchmarks.databases.run import Run
from benchmarks.hub import Hub, hub
from bus.delivery.stream import Stream, read_key
from bus.sockets import Push
from bus.timing import DAY, HOUR
from store.backends.lmdb import LmdbBackend
from store.blocks.segments import Segment
from store.sealer import Pace
from store.spans import RAW, TIERS, name_of

STEP_MS = 10_000
HOURS = 26.2
"""A day, its rollups two hours after its end, and the ten minutes after which an hour is sealed."""
WINDOW = 60_000
"""Samples on the way at most: producers wait for receipts too."""
LOOK_SECONDS = 0.02
PATIENCE = 240.0
PROGRAMS = ("collector", "store-writer", "store-sealer")


def readings(hosts: int, metrics: int = 60) -> Readings:
    """A bit more than a day of these hosts, from the midnight of some days ago on."""
    start = (time.time_ns() // DAY - 3) * DAY // 1_000_000
    samples = int(HOURS * 3_600_000 / STEP_MS)
    return generated(hosts, metrics, samples, STEP_MS, start + samples * STEP_MS)


class _Watched:
    """How far the store is, and the sealer's clock, which goes on with it."""

    def __init__(self, store: Path, clock: Path, data: Readings) -> None:
        self._backend = LmdbBackend(store, write=False)
        self._clock = clock
        self._times = data.times
        self._hosts = len(data.values)
        self._next = 0.0
        self.committed = 0

    def look(self) -> int:
        """Samples that are durable."""
        now = time.perf_counter()
        if now < self._next:
            return self.committed
        self._next = now + LOOK_SECONDS
        numbers = []
        for key, value in self._backend.streams():
            source, epoch = read_key(key)
            if source.startswith("host-"):
                stream = Stream(source, epoch)
                stream.load(value)
                numbers.append(stream.watermark)
        self.committed = sum(numbers) - len(numbers)
        if len(numbers) == self._hosts and min(numbers) > 1:
            self.set(int(self._times[min(numbers) - 2]) * 1_000_000)
        return self.committed

    def set(self, at: int) -> None:
        """It is this late."""
        fresh = self._clock.with_suffix(".new")
        fresh.write_bytes(at.to_bytes(8, "little"))
        fresh.rename(self._clock)

    def close(self) -> None:
        """Close every file."""
        self._backend.close()


def ours(data: Readings, told: Sequence[load.Told], together: int) -> Run:
    """One run. Raises ``SystemExit`` when not all comes to the disk, or not all of it to the blocks."""
    wanted = len(data.times) * len(data.values)
    each = len(data.names)
    with hub(load.UNLIMITED) as made:
        store = made.folder / "var" / "store"
        made.start("collector", "bus.command", "collector")
        made.start("store-writer", "bus.command", "store", "writer")
        clock = made.folder / "clock"
        watched = _Watched(store, clock, data)
        watched.set(int(data.times[0]) * 1_000_000)
        os.environ["GUARDIA_CLOCK"] = str(clock)
        made.start("store-sealer", "benchmarks.databases.simulated_sealer")
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        push = Push(context)
        push.connect(made.door)
        for one in load.layouts(data):
            push.raw.send(one)
        time.sleep(1.5)
        before = _cpu(made)
        start = time.perf_counter()
        sent = 0
        for frame in told:
            push.raw.send(frame.body)
            sent += frame.values // each
            while sent - watched.look() > WINDOW:
                _patience(start, f"{watched.committed} of {wanted} samples are stored")
                time.sleep(0.002)
        while watched.look() < wanted:
            _patience(start, f"{watched.committed} of {wanted} samples are stored")
            time.sleep(0.002)
        stored = time.perf_counter() - start
        late = len(_missing(store, data))
        while missing := _missing(store, data):
            _patience(start, f"not sealed: {', '.join(missing[:5])}")
            time.sleep(0.01)
        took = time.perf_counter() - start
        cpu = {name: spent - before[name] for name, spent in _cpu(made).items()}
        watched.close()
        push.close()
        context.term()
        _all_there(store, data)
    way = "a sample a message" if together == 1 else f"{together} samples of a host a message"
    notes = [f"committed after {stored:.1f} s, then {late} files were still to be sealed"]
    return Run(f"Guardia, all of it, {way}", data.count, took, cpu, notes)


def _cpu(made: Hub) -> dict[str, float]:
    return {name.removeprefix("store-"): cpu_seconds(made.programs[name].pid) for name in PROGRAMS}


def _patience(start: float, what: str) -> None:
    if time.perf_counter() - start > PATIENCE:
        raise SystemExit(f"after {PATIENCE:.0f} s {what}")


def _due(data: Readings) -> list[str]:
    """The files of blocks that there must be: days with their rollups, and the hours since."""
    pace, now = Pace(), int(data.times[-1]) * 1_000_000
    start = int(data.times[0]) * 1_000_000
    days = [at for at in range(start, now, DAY) if at + DAY + pace.day_after <= now]
    hours = [at for at in range(start + len(days) * DAY, now, HOUR) if at + HOUR + pace.after <= now]
    tiers = (RAW, *TIERS)
    return [f"{tier}/{name_of(day, '1d')}" for day in days for tier in tiers] + [
        f"{RAW}/{name_of(hour, '1h')}" for hour in hours
    ]


def _missing(store: Path, data: Readings) -> list[str]:
    blocks = store / "blocks" / "sample"
    return [name for name in _due(data) if not (blocks / name).exists()]


def _all_there(store: Path, data: Readings) -> None:
    """Raise when the raw blocks do not hold each sample that is due, once."""
    for name in _due(data):
        tier, _, of = name.partition("/")
        if tier != RAW:
            continue
        segment = Segment(store / "blocks" / "sample" / name)
        times = data.times * 1_000_000
        expected = int(np.count_nonzero((times >= segment.index.start) & (times < segment.index.end)))
        rows = [sum(place.rows for place in segment.places(host)) for host in data.values]
        segment.close()
        if rows != [expected] * len(rows):
            raise SystemExit(f"{of} holds {sum(rows)} of {expected * len(rows)} samples")
