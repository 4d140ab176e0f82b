"""What delivery costs: the same samples plain, with keys, with receipts, with a spool, with all of it, in one run.

Twenty hosts in two processes, each host with connections of its own. All have their samples ready when the clock
starts: packed where there is no spool, on the disk where there is one, as after an outage. In the last two lines they
are told while the clock runs: then the hosts' own work, encoding and fsync, stands on the same two cores.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import multiprocessing
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zmq

from benchmarks.agents import enrol
from benchmarks.fleet import MemorySpool
from benchmarks.hub import Hub, hub
from benchmarks.producers import NAMES, VALUES, samples
from bus import enrolled, keys
from bus.delivering import Deliverer
from bus.keys import KeyPair
from bus.loop import Loop
from bus.messages import Layout, Sample, layout_id
from bus.sockets import Hear, Push, Road
from bus.spool import Spool, SpoolLimits

HOSTS, PROCESSES, RUNS = 20, 2, 3
PER_SECOND = 150_000
"""Samples that are made ready for each second of the measurement."""
AT_ONCE = 100
"""Samples that are made durable together where they are told while the clock runs."""


@dataclass(frozen=True)
class Way:
    """One way to do it. ``live``: told while the clock runs."""

    name: str
    keys: bool = False
    receipts: bool = False
    spool: bool = False
    live: bool = False


WAYS = (
    Way("plain: one sample a frame, told once"),
    Way("keys (CURVE)", keys=True),
    Way("receipts", receipts=True),
    Way("receipts, spool", receipts=True, spool=True),
    Way("receipts, spool, keys", receipts=True, spool=True, keys=True),
    Way("receipts, spool, told live", receipts=True, spool=True, live=True),
    Way("receipts, spool, keys, told live", receipts=True, spool=True, keys=True, live=True),
)
ALL_ON = WAYS[4]


def measure(seconds: float) -> None:
    """Print throughput to the disk for each way, and its ratio to the plain one."""
    found: dict[Way, list[float]] = {way: [] for way in WAYS}
    for _ in range(RUNS):
        for way in WAYS:
            found[way].append(stored(way, seconds))
    plain = statistics.median(found[WAYS[0]])
    for way, rates in found.items():
        rate = statistics.median(rates)
        print(f"{way.name:<40} {rate:>9,.0f} samples/s durable, {rate / plain:.2f} of plain")


def stored(way: Way, seconds: float) -> float:
    """Samples a second to the disk; nothing may be missing."""
    each = int(PER_SECOND * seconds / HOSTS / (4 if way.live else 1))
    with hub("[collector]\nmessages_per_second = 1_000_000.0\nbytes_per_second = '1GB'\n") as made:
        hosts = [(f"host-{number}", keys.new()) for number in range(HOSTS)]
        public = ""
        if way.keys:
            enrol(made, hosts)
            public = enrolled.hub_key(made.folder / "var").public
        made.start("collector", "bus.command", "collector")
        result = made.folder / "result.json"
        made.start("store-writer", "benchmarks.observed", str(result))
        context = multiprocessing.get_context("spawn")
        barrier, done = context.Barrier(PROCESSES), context.Array("q", PROCESSES, lock=False)
        runners = [
            context.Process(
                target=_play,
                args=(
                    *(way, hosts[place::PROCESSES], public, made.door, made.receipts, str(made.folder), each),
                    *(barrier, done, place),
                ),
            )
            for place in range(PROCESSES)
        ]
        for runner in runners:
            runner.start()
        _wait(made, way, runners, done, each * HOSTS)
        for runner in runners:
            runner.terminate()
            runner.join()
        made.stop("store-writer")
        seen = json.loads(result.read_text())
    if seen["samples"] < each * HOSTS:
        told = ", ".join(f"{name} {seen[name]}" for name in seen if name.startswith("store."))
        raise SystemExit(f"{way.name}: {each * HOSTS - seen['samples']} samples are missing ({told})")
    return float(seen["samples"] / ((seen["last"] - seen["first"]) / 1e9))


def _wait(made: Hub, way: Way, runners: Sequence[Any], done: Any, count: int) -> None:
    """Wait until everything is acknowledged or, where nobody acknowledges, until the writer is idle."""
    until = time.monotonic() + 300
    while sum(done) < count:
        if time.monotonic() > until or any(runner.exitcode for runner in runners):
            raise SystemExit(f"{way.name}: {sum(done)} of {count} samples went")
        time.sleep(0.1)
    before = -1.0
    while (now := made.cpu_seconds("store-writer")) != before:
        before = now
        time.sleep(2.0)


def _play(
    way: Way,
    hosts: Sequence[tuple[str, KeyPair]],
    hub_key: str,
    door: str,
    receipts: str,
    folder: str,
    each: int,
    barrier: Any,
    done: Any,
    place: int,
) -> None:
    player = _delivered if way.receipts else _pushed
    player(way, hosts, hub_key, door, receipts, Path(folder), each, barrier, done, place)


def _keyed(road: Road, own: KeyPair, hub_key: str) -> None:
    if hub_key:
        road.show_key(own, hub_key)


def _pushed(
    way: Way,
    hosts: Sequence[tuple[str, KeyPair]],
    hub_key: str,
    door: str,
    receipts: str,
    folder: Path,
    each: int,
    barrier: Any,
    done: Any,
    place: int,
) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    pushes, made = [], []
    for name, own in hosts:
        push = Push(context)
        _keyed(push, own, hub_key)
        push.connect(door)
        pushes.append(push.raw)
        made.append(samples(name, each, time.time_ns(), 1000, numbered=False))
    for road, packed in zip(pushes, made, strict=True):
        road.send(packed[0])
    barrier.wait(120)
    for turn in range(1, each + 1):
        for road, packed in zip(pushes, made, strict=True):
            road.send(packed[turn])
    done[place] = each * len(hosts)
    # A connection that ends while its last messages wait at the hub may take them along: it is kept.
    time.sleep(600)


def _delivered(
    way: Way,
    hosts: Sequence[tuple[str, KeyPair]],
    hub_key: str,
    door: str,
    receipts: str,
    folder: Path,
    each: int,
    barrier: Any,
    done: Any,
    place: int,
) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    loop, log = Loop(), logging.getLogger("bench")
    made: list[Deliverer] = []
    for name, own in hosts:
        push, hear = Push(context), Hear(context)
        for road in (push, hear):
            _keyed(road, own, hub_key)
        now, wall = time.monotonic(), time.time_ns()
        spool = (
            Spool(folder / name / "spool", SpoolLimits(bytes=2**32), source=name, now=now, wall=wall)
            if way.spool
            else MemorySpool()
        )
        made.append(Deliverer(loop, push, hear, spool, name, door=door, receipts=receipts, log=log))
    start = time.time_ns()
    for one in made:
        one.tell(Layout(NAMES), at=start)
        if not way.live:
            for first in range(0, each, 1000):
                _tell(one, first, min(1000, each - first), start)
        one.flush()
    barrier.wait(300)
    for one in made:
        one.start()
    told = 0

    def tell() -> None:
        nonlocal told
        if told < each:
            # Whoever has too much under way waits: this is not about what a full window looks like.
            if sum(one.courier.sender.unacknowledged for one in made) < 20_000:
                for one in made:
                    _tell(one, told, min(AT_ONCE, each - told), start)
                told += AT_ONCE
            loop.after(0.001, tell)

    def report() -> None:
        waiting = sum(one.courier.sender.unacknowledged + one.courier.pending for one in made)
        if waiting == 0 and (told >= each or not way.live):
            done[place] = each * len(made)

    if way.live:
        loop.after(0.0, tell)
    loop.every(0.05, report)
    with contextlib.suppress(KeyboardInterrupt):
        loop.run()


def _tell(one: Deliverer, first: int, count: int, start: int) -> None:
    """Make so many samples durable."""
    layout = layout_id(NAMES)
    for number in range(first, first + count):
        values = tuple(round(50 + 40 * math.sin(number / 50 + wave), 2) for wave in range(VALUES))
        one.tell(Sample(layout, values), at=start + number * 1000)
    one.flush()
