"""A thousand hosts with metrics' names as agents have them: minutes of history, thirty days of one host, and now."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np
import zmq

from benchmarks.databases import load
from benchmarks.databases.client import Line
from benchmarks.databases.data import Readings, generated
from bus.sockets import Push

HOSTS = 1000
RATE = 10_000
"""Samples a second of all hosts together while questions are asked."""
EACH = RATE // HOSTS
LONG = "host-0"
DAYS = 30
STEP_MS = 10_000
RECENT = 60
"""Samples of history of each host but the long one: ten minutes."""
NAMES = (
    *(
        "cpu.percent",
        "memory.used",
        "memory.total",
        "memory.percent",
        "disk[/].percent",
        "disk[/].used",
        "disk[/].total",
    ),
    *("disk[/].free", "net[eth0].rx_bytes_per_s", "net[eth0].tx_bytes_per_s", "load.1m", "load.5m", "load.15m"),
    *("swap.total", "swap.used", "cpu.count", "cpu.mhz", "system.uptime_seconds", "processes.count"),
    *("temperature[coretemp/Package id 0].celsius", "cpu.user_percent", "cpu.system_percent", "cpu.iowait_percent"),
    *(f"cpu[{core}].percent" for core in range(8)),
    *(f"disk[/data].{field}" for field in ("percent", "used", "total", "free")),
    *(f"net[eth1].{field}" for field in ("rx_bytes_per_s", "tx_bytes_per_s")),
    *(f"io[vda].{field}" for field in ("read_bytes_per_s", "write_bytes_per_s", "reads_per_s", "writes_per_s")),
    *(f"queue[q{queue}].length" for queue in range(19)),
)
LONG_NAMES = NAMES[:12]


def long_history(now_ms: int) -> Readings:
    """Thirty days of the long host, 10 s apart; its agent measures twelve metrics."""
    samples = DAYS * 86_400_000 // STEP_MS
    made = generated(1, len(LONG_NAMES), samples, STEP_MS, now_ms)
    return Readings(LONG_NAMES, made.times, {LONG: made.values["host-0"]})


def recent_history(now_ms: int) -> Readings:
    """Some minutes of all others."""
    return _fleet(RECENT, STEP_MS, now_ms)


def _fleet(samples: int, step_ms: int, end_ms: int) -> Readings:
    made = generated(HOSTS, len(NAMES), samples, step_ms, end_ms)
    return Readings(NAMES, made.times, {host: block for host, block in made.values.items() if host != LONG})


@dataclass
class Sent:
    """What a load did: values a second that were taken, and of how many a second there should have been."""

    values: float
    wanted: float


class Load:
    """A process that tells 10,000 samples a second from when it is started until it is stopped.

    ``remote_write`` is the port to which the same values go as remote write, a second's of fifty hosts a request;
    else the samples go to the ``door``, one a message.
    """

    def __init__(self, seconds: float, door: str = "", remote_write: int = 0) -> None:
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        given = (there, seconds, door, remote_write)
        self._process = context.Process(target=_run, args=given, daemon=True)
        self._process.start()
        there.close()
        self._answer("ready", 120)

    def start(self) -> None:
        """Returns when the first values are on their way."""
        self._here.send("start")
        self._answer("started", 60)

    def stop(self) -> Sent:
        """What was told."""
        with contextlib.suppress(BrokenPipeError):  # it came to its end
            self._here.send("stop")
        found = self._answer(None, 60)
        if not isinstance(found, Sent):
            raise SystemExit(f"the load: {found}")
        return found

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.terminate()
        self._process.join()

    def _answer(self, word: str | None, seconds: float) -> object:
        if not self._here.poll(seconds):
            raise SystemExit("the load does not answer")
        found = self._here.recv()
        if word is not None and found != word:
            raise SystemExit(f"the load: {found}")
        return found


def _run(there: Connection, seconds: float, door: str, port: int) -> None:
    fleet = _fleet(int(seconds * EACH), 1000 // EACH, 0)
    long = Readings(LONG_NAMES, fleet.times, {LONG: fleet.values["host-1"][:, : len(LONG_NAMES)]})
    there.send("ready")
    there.recv()
    try:
        there.send(_posting(there, fleet, long, port) if port else _pushing(there, fleet, long, door))
    except (OSError, SystemExit) as error:
        there.send(f"{error}")


def _at(data: Readings, start_ms: int) -> Readings:
    return Readings(data.names, data.times - data.times[0] + start_ms, data.values)


def _pushing(there: Connection, fleet: Readings, long: Readings, door: str) -> Sent:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    push = Push(context)
    push.connect(door)
    seconds = len(fleet.times) // EACH
    # Packing takes its time: what is told has the time at which it will be.
    begin = time.time_ns() // 1_000_000 + 3000 + int(seconds * 200)
    every = [_at(fleet, begin), _at(long, begin)]
    for one in every:
        for layout in load.layouts(one, 1):
            push.raw.send(layout)
    frames = [load.frames(one, 1, 1) for one in every]
    turns = [len(one.values) for one in every]
    made = [
        frame
        for turn in range(len(fleet.times))
        for of, width in zip(frames, turns, strict=True)
        for frame in of[turn * width : (turn + 1) * width]
    ]
    start = time.perf_counter() + begin / 1000 - time.time()
    time.sleep(max(0.0, start - time.perf_counter()))
    there.send("started")
    values = 0
    for place, frame in enumerate(made):
        if not place % 20:
            ahead = start + place / RATE - time.perf_counter()
            if ahead > 0.0005:
                time.sleep(ahead)
            if not place % 1000 and there.poll():
                break
        push.raw.send(frame.body)
        values += frame.values
    took = time.perf_counter() - start
    push.close()
    context.term()
    return Sent(values / took, (len(NAMES) * (HOSTS - 1) + len(LONG_NAMES)) * EACH)


def _posting(there: Connection, fleet: Readings, long: Readings, port: int) -> Sent:
    hosts = list(fleet.values)
    groups = [(fleet, hosts[first : first + 50]) for first in range(0, len(hosts), 50)] + [(long, [LONG])]
    forms = [load.RemoteWrite(group, of.names, EACH) for of, group in groups]
    wanted = sum(len(of.names) * len(group) for of, group in groups) * EACH
    line, values, start, told = Line(port), 0, time.perf_counter(), False
    # By the turn and not by the clock: after a late one the next would repeat times, which Prometheus refuses.
    begin = time.time_ns() // 1_000_000 - 1000
    for turn in range(len(fleet.times) // EACH):
        few = slice(turn * EACH, (turn + 1) * EACH)
        for place, ((of, group), form) in enumerate(zip(groups, forms, strict=True)):
            ahead = start + turn + place / len(groups) - time.perf_counter()
            if ahead > 0.0005:
                time.sleep(ahead)
            stamps = begin + turn * 1000 + np.arange(EACH, dtype=np.int64) * (1000 // EACH)
            matrix = np.concatenate([of.values[host][few].T for host in group])
            status, answer = line.sent(load.posted("/api/v1/write", form.body(matrix, stamps), load.REMOTE_WRITE))
            if status >= 300:
                raise SystemExit(f"{status} {answer[:200]!r}")
            values += matrix.size
            if there.poll():
                line.close()
                return Sent(values / (time.perf_counter() - start), wanted)
        if not told:
            there.send("started")
            told = True
    line.close()
    return Sent(values / (time.perf_counter() - start), wanted)


def openmetrics(data: Readings, before_ms: int) -> Iterator[bytes]:
    """The text that promtool makes blocks of, a metric after the other, of what is older."""
    count = int((data.times < before_ms).sum())
    stamps = [f"{at / 1000:.3f}" for at in data.times[:count].tolist()]
    yield b"# TYPE guardia_value gauge\n"
    for host, block in data.values.items():
        for place, name in enumerate(data.names):
            head = f'guardia_value{{host="{host}",metric="{name}"}} '
            column = block[:count, place].tolist()
            yield "".join(f"{head}{value!r} {at}\n" for value, at in zip(column, stamps, strict=True)).encode()
    yield b"# EOF\n"
