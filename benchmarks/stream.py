"""How soon a sample is on the WebSocket stream after it was taken, at 1,000 samples/s from 1,000 hosts."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import websockets
import zmq

from benchmarks.hub import Hub, hub
from bus.producer import Producer
from bus.sockets import Push

RATE = 1000
HOSTS = 1000


def measure(seconds: float) -> None:
    """Print the percentiles."""
    with hub() as made:
        for name, command in (
            ("collector", ("collector",)),
            ("store-writer", ("store", "writer")),
            ("store-reader", ("store", "reader")),
            ("api", ("api",)),
        ):
            made.start(name, "bus.command", *command)
        delays = asyncio.run(_delays(made, seconds))
    delays.sort()
    p50, p99 = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
    print(f"on the stream at {RATE:,} samples/s: p50 {p50:.1f} ms, p99 {p99:.1f} ms, {len(delays):,} events")


async def _delays(made: Hub, seconds: float) -> list[float]:
    delays: list[float] = []
    stop = threading.Event()
    async with websockets.connect(f"ws://127.0.0.1:{made.api_port}/api/v1/stream?values=true&kinds=metric") as stream:
        pushing = threading.Thread(target=_push, args=(made.door, stop))
        pushing.start()
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until:
                event = json.loads(await asyncio.wait_for(stream.recv(), 10))
                now = time.time()
                taken = (event.get("values") or {}).get("clock.seconds")
                if taken:
                    delays.append((now - taken) * 1000)
        finally:
            stop.set()
            pushing.join()
    return delays[len(delays) // 10 :]


def _push(door: str, stop: threading.Event) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    push = Push(context)
    push.connect(door)
    producers = [Producer(push, f"host-{place}") for place in range(HOSTS)]
    # Without cpu.percent there is no event: clients rely on that number being one.
    names = ("clock.seconds", "cpu.percent", "memory.total", "memory.used", *(f"load[{n}].value" for n in range(56)))
    start, turn = time.perf_counter(), 0
    while not stop.is_set():
        at = time.time_ns()
        producers[turn % HOSTS].sample(names, (at / 1e9, *(float(turn % 100),) * 59), at=at)
        turn += 1
        ahead = start + turn / RATE - time.perf_counter()
        if ahead > 0:
            time.sleep(ahead)
    push.close()
    context.destroy(linger=0)
