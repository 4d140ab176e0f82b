"""Producers for measuring: processes that push wide samples, as fast as they can or at a rate."""

from __future__ import annotations

import functools
import math
import multiprocessing
import secrets
import struct
import time
from collections.abc import Sequence

import zmq

from bus.messages import KINDS, Layout, Sample, encode, layout_id
from bus.sockets import Push
from bus.wire import HEADER, Record, pack, record

VALUES = 60
NAMES = tuple(f"load[{place}].value" for place in range(VALUES))
LAYOUT = layout_id(NAMES)
SENT = struct.Struct(">q")
SENT_AT = HEADER.size - SENT.size
"""Where a record says when it was sent; see ``bus/wire.py``."""
WAVE = 314
"""Samples after which the values come again, so that millions of them are made in seconds."""


def samples(source: str, count: int, start: int, step: int, *, numbered: bool = True) -> list[bytes]:
    """A layout and ``count`` samples of 60 values, packed; from ``start`` on, ``step`` ns apart.

    Those that are not ``numbered`` are told once: nobody keeps an account of them.
    """
    epoch = secrets.randbits(64) if numbered else 0
    first = record(Layout(NAMES), source=source, at=start, epoch=epoch, number=1, sent=start)
    times = range(start, start + count * step, step) if step else [start] * count
    made = (
        Record(KINDS["sample"].name, source, source, at, epoch, number, _body(number % WAVE), sent=at)
        for number, at in enumerate(times, 2)
    )
    return [pack(first), *map(pack, made)]


@functools.cache
def _body(place: int) -> bytes:
    values = tuple(round(50 + 40 * math.sin(place / 50 + wave), 2) for wave in range(VALUES))
    return encode(Sample(LAYOUT, values))[1]


def pushed(addresses: Sequence[str], hosts: int, seconds: float, rate: float, processes: int) -> int:
    """Push ``rate`` samples/s for ``seconds`` from some processes; returns how many.

    Every process plays some of the hosts. Packing is done before the clock starts: a real producer packs one
    sample a second. The time of sending is written into each sample before it goes, by pyzmq's backend itself,
    past the Python around it, since whatever a producer takes here the hub does not have.
    """
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(processes)
    each = int(rate * seconds / processes)
    runners = [
        context.Process(
            target=_push,
            args=(addresses[0], f"host-{place}", max(hosts // processes, 1), each, rate / processes, barrier),
        )
        for place in range(processes)
    ]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
        if runner.exitcode:
            raise SystemExit("a producer failed")
    return each * processes


def _push(address: str, name: str, hosts: int, count: int, rate: float, barrier: object) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    push = Push(context)
    push.connect(address)
    now = time.time_ns()
    step = int(1e9 * hosts / rate)
    shares = [count // hosts + (place < count % hosts) for place in range(hosts)]
    made = [samples(f"{name}-{place}", share, now, step) for place, share in enumerate(shares)]
    layouts = [one[0] for one in made]
    rows = [bytearray(one[turn]) for turn in range(1, max(shares) + 1) for one in made if turn < len(one)]
    for layout in layouts:
        push.raw.send(layout)
    barrier.wait(120)  # type: ignore[attr-defined]
    send, write, clock = functools.partial(zmq.backend.Socket.send, push.raw), SENT.pack_into, time.time_ns
    start = time.perf_counter()
    for turn, packed in enumerate(rows):
        if not turn % 16:
            ahead = start + turn / rate - time.perf_counter()
            if ahead > 0.0005:
                time.sleep(ahead)
        write(packed, SENT_AT, clock())
        send(packed)
    push.raw.setsockopt(zmq.LINGER, 60_000)
    push.close()
    context.term()
