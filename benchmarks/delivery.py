"""What delivery costs: the same samples plain, with keys, with receipts, with a spool, with all of it, turn by turn.

    python -m benchmarks.pipeline delivery [--seconds 2.5]

Rounds of all ways are run one after the other until ``BUDGET_SECONDS`` are gone, so that a change of the machine's mood
meets all of them; each run is held against the plain one of its own round, and the median of these ratios is printed.

Twenty hosts in two processes, each host with connections of its own. All have their samples ready when the clock
starts: packed where there is no spool, on the disk where there is one, as after an outage. In the last two lines they
are told while the clock runs: then the hosts' own work, encoding and fsync, stands on the same two cores.
"""

from __future__ import annotations

import contextlib
import functools
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
from benchmarks.producers import NAMES, VALUES, WAVE, samples
from bus import enrolled, keys
from bus.delivering import Deliverer
from bus.keys import KeyPair
from bus.loop import Loop
from bus.messages import Layout, Sample, layout_id
from bus.sockets import Hear, Push, Road
from bus.spool import Spool, SpoolLimits

HOSTS, PROCESSES = 20, 2
MOST_SECONDS = 2.5
"""One run is at most about so long: there are many."""
BUDGET_SECONDS = 270.0
"""After so long no further round is begun that would not end in time; two rounds are held in any case."""
LEAST_ROUNDS, MOST_ROUNDS = 2, 9
PER_SECOND = 150_000
"""Samples that are made ready for each second of the measurement."""
IDLE_SECONDS = 0.02
"""CPU of half a second in which a writer does nothing but look after itself."""
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
PLAIN = WAYS[0]


@dataclass(frozen=True)
class Seen:
    """What one run took: samples/s to the disk, and CPU seconds of collector and writer for a million samples."""

    rate: float
    cpu: float


def measure(seconds: float) -> None:
    """Print throughput to the disk for each way, and its ratio to the plain one."""
    seconds = min(seconds, MOST_SECONDS)
    rounds: list[dict[Way, Seen]] = []
    began = time.monotonic()
    while len(rounds) < MOST_ROUNDS:
        spent = time.monotonic() - began
        if len(rounds) >= LEAST_ROUNDS and spent + spent / len(rounds) > BUDGET_SECONDS:
            break
        found: dict[Way, Seen] = {}
        for way in WAYS:
            found[way] = stored(way, seconds)
            print(
                f"  round {len(rounds) + 1}, {time.monotonic() - began:.0f} s: {_line(way, [found], seconds)}",
                flush=True,
            )
        rounds.append(found)
    print(f"{len(rounds)} rounds in {time.monotonic() - began:.0f} s, medians:")
    for way in WAYS:
        print(_line(way, rounds, seconds))


def _line(way: Way, rounds: Sequence[dict[Way, Seen]], seconds: float) -> str:
    rate = statistics.median(found[way].rate for found in rounds)
    cpu = statistics.median(found[way].cpu for found in rounds)
    ratio = statistics.median(found[way].rate / found[PLAIN].rate for found in rounds)
    dearer = statistics.median(found[way].cpu / found[PLAIN].cpu for found in rounds)
    return (
        f"{way.name:<36} {rate:>8,.0f} samples/s durable, {ratio:.2f} of plain; "
        f"hub {cpu:.1f} CPU s a million samples, {dearer:.2f} of plain"
    )


def stored(way: Way, seconds: float) -> Seen:
    """One run; nothing may be missing."""
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
        barrier, done = context.Barrier(PROCESSES + 1), context.Array("q", PROCESSES, lock=False)
        runners = [
            context.Process(
                target=_play,
                args=(
                    Share(way, hosts[place::PROCESSES], public, made.door, made.receipts, made.folder, each),
                    *(barrier, done, place),
                ),
            )
            for place in range(PROCESSES)
        ]
        for runner in runners:
            runner.start()
        barrier.wait(300)
        before = made.cpu_seconds("collector") + made.cpu_seconds("store-writer")
        _wait(made, way, runners, done, each * HOSTS)
        cpu = made.cpu_seconds("collector") + made.cpu_seconds("store-writer") - before
        for runner in runners:
            runner.terminate()
            runner.join()
        made.stop("store-writer")
        seen = json.loads(result.read_text())
    if seen["samples"] < each * HOSTS:
        told = ", ".join(f"{name} {seen[name]}" for name in seen if name.startswith("store."))
        raise SystemExit(f"{way.name}: {each * HOSTS - seen['samples']} samples are missing ({told})")
    return Seen(seen["samples"] / ((seen["last"] - seen["first"]) / 1e9), cpu / (seen["samples"] / 1e6))


def _wait(made: Hub, way: Way, runners: Sequence[Any], done: Any, count: int) -> None:
    """Wait until everything is acknowledged or, where nobody acknowledges, until the writer is idle."""
    until = time.monotonic() + 300
    while sum(done) < count:
        if time.monotonic() > until or any(runner.exitcode for runner in runners):
            raise SystemExit(f"{way.name}: {sum(done)} of {count} samples went")
        time.sleep(0.1)
    before = -1.0
    while (now := made.cpu_seconds("store-writer")) - before > IDLE_SECONDS:
        before = now
        time.sleep(0.5)


@dataclass(frozen=True)
class Share:
    """What one process plays: its hosts, where the hub is, and how many samples each host has."""

    way: Way
    hosts: Sequence[tuple[str, KeyPair]]
    hub_key: str
    door: str
    receipts: str
    folder: Path
    each: int


def _play(share: Share, barrier: Any, done: Any, place: int) -> None:
    player = _delivered if share.way.receipts else _pushed
    player(share, barrier, done, place)


def _keyed(road: Road, own: KeyPair, hub_key: str) -> None:
    if hub_key:
        road.show_key(own, hub_key)


def _pushed(share: Share, barrier: Any, done: Any, place: int) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    pushes, made = [], []
    for name, own in share.hosts:
        push = Push(context)
        _keyed(push, own, share.hub_key)
        push.connect(share.door)
        pushes.append(push.raw)
        made.append(samples(name, share.each, time.time_ns(), 1000, numbered=False))
    for road, packed in zip(pushes, made, strict=True):
        road.send(packed[0])
    barrier.wait(120)
    for turn in range(1, share.each + 1):
        for road, packed in zip(pushes, made, strict=True):
            road.send(packed[turn])
    done[place] = share.each * len(share.hosts)
    # A connection that ends while its last messages wait at the hub may take them along: it is kept.
    time.sleep(600)


def _delivered(share: Share, barrier: Any, done: Any, place: int) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    loop, log = Loop(), logging.getLogger("bench")
    made: list[Deliverer] = []
    for name, own in share.hosts:
        push, hear = Push(context), Hear(context)
        for road in (push, hear):
            _keyed(road, own, share.hub_key)
        now, wall = time.monotonic(), time.time_ns()
        spool = (
            Spool(share.folder / name / "spool", SpoolLimits(bytes=2**32), source=name, now=now, wall=wall)
            if share.way.spool
            else MemorySpool()
        )
        made.append(Deliverer(loop, push, hear, spool, name, door=share.door, receipts=share.receipts, log=log))
    start = time.time_ns()
    for one in made:
        one.tell(Layout(NAMES), at=start)
        if not share.way.live:
            for first in range(0, share.each, 1000):
                _tell(one, first, min(1000, share.each - first), start)
        one.flush()
    barrier.wait(300)
    for one in made:
        one.start()
    told = 0

    def tell() -> None:
        nonlocal told
        if told < share.each:
            # Whoever has too much under way waits: this is not about what a full window looks like.
            if sum(one.courier.sender.unacknowledged for one in made) < 20_000:
                for one in made:
                    _tell(one, told, min(AT_ONCE, share.each - told), start)
                told += AT_ONCE
            loop.after(0.001, tell)

    def report() -> None:
        waiting = sum(one.courier.sender.unacknowledged + one.courier.pending for one in made)
        if waiting == 0 and (told >= share.each or not share.way.live):
            done[place] = share.each * len(made)

    if share.way.live:
        loop.after(0.0, tell)
    loop.every(0.05, report)
    with contextlib.suppress(KeyboardInterrupt):
        loop.run()


def _tell(one: Deliverer, first: int, count: int, start: int) -> None:
    """Make so many samples durable."""
    for number in range(first, first + count):
        one.tell(_sample(number % WAVE), at=start + number * 1000)
    one.flush()


@functools.cache
def _sample(place: int) -> Sample:
    values = tuple(round(50 + 40 * math.sin(place / 50 + wave), 2) for wave in range(VALUES))
    return Sample(layout_id(NAMES), values)
