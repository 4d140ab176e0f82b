"""How far behind judgement is: ``python -m benchmarks.alerter [HOSTS] [SECONDS] [BURNING]``.

10,000 hosts (by default) with one sample of 60 values every 10 s and 20 rules, through the real collector, store and
alerter. One host in a hundred goes over a limit and back again every minute, so that incidents begin and end, go to
disk and to a receiver all the time. Of a thousand hosts BURNING more burn from the beginning to the end (by default 0).
"""

from __future__ import annotations

import json
import multiprocessing
import secrets
import sys
import time
from dataclasses import dataclass
from typing import Any

import zmq

from benchmarks.hub import hub
from bus.messages import Layout, Message, Sample, layout_id
from bus.sockets import Push
from bus.wire import pack, record
from tests.alerter.receiver import Receiver

EVERY = 10.0
"""Seconds between two samples of a host."""
WARM_SECONDS = 15.0
"""What is measured begins when every host has spoken once."""
NAMES = (
    "cpu.percent",
    "cpu.count",
    "load.5m",
    "memory.percent",
    "swap.percent",
    *(f"disk[/{place}].{field}" for place in range(4) for field in ("percent", "used", "free", "inodes_percent")),
    *(f"net[eth{place}].{field}" for place in range(4) for field in ("rx_bytes_per_s", "tx_bytes_per_s", "errors")),
    *(f"temperature[core {place}].celsius" for place in range(8)),
    *(f"cpu[{place}].percent" for place in range(19)),
)
RULES = (
    ("busy", "cpu.percent > 90", 'for = "15s"\nclear = "cpu.percent < 80"'),
    ("busy-long", "avg(cpu.percent, 5m) > 85", ""),
    ("load", "load.5m / cpu.count > 4", 'for = "5m"'),
    ("memory", "memory.percent > 95", 'for = "5m"\nclear = "memory.percent < 90"'),
    ("memory-grows", "change(memory.percent, 10m) > 30", ""),
    ("swap", "swap.percent > 80", 'for = "5m"'),
    ("memory-and-swap", "memory.percent > 90 and swap.percent > 50", ""),
    ("disk", "disk[*].percent > 90", 'for = "5m"\nclear = "disk[*].percent < 87"'),
    ("disk-full-soon", "forecast(disk[*].free, 24h) < 0", ""),
    ("inodes", "disk[*].inodes_percent > 95", ""),
    ("disks", "max(disk[*].percent) > 98", ""),
    ("net-busy", "net[*].rx_bytes_per_s > 100MB or net[*].tx_bytes_per_s > 100MB", ""),
    ("net-errors", "net[*].errors > 100", ""),
    ("hot", "temperature[*].celsius > 95", 'for = "1m"\nclear = "temperature[*].celsius < 85"'),
    ("hot-mean", "avg(temperature[*].celsius) > 85", ""),
    ("one-core", "max(cpu[*].percent) > 99 and cpu.percent < 20", 'for = "10m"'),
    ("silent-soon", "age > 45s", ""),
    ("cores", "cpu.count < 1", ""),
    ("idle", "cpu.percent < 0.01", "times = 30"),
    ("silent", "age > 2m and age > 3 * interval", "unreachable = true"),
)


@dataclass(frozen=True)
class Found:
    """What was measured."""

    samples: int
    lags_ms: list[float]
    ways_ms: list[float]
    cpu_percent: float
    resident_mb: float
    notices: int


def settings(url: str) -> str:
    """The twenty rules, and somebody who is told."""
    rules = "".join(
        f'[[rules]]\nname = "{name}"\nwhen = "{when}"\nhosts = ["*"]\n{more}\n' for name, when, more in RULES
    )
    notify = '[notify]\nprivate_networks = ["127.0.0.1"]\n[channels.ops]\ntype = "slack"\nurl = "file:hook"\n'
    return f"[alerter]\ndefault_rules = false\n{notify}{rules}"


def values(host: int, turn: int, burning: int = 0) -> tuple[float, ...]:
    """The readings of a host at its turn: quiet, but for one in a hundred that is busy for half of each minute."""
    memory = 97.0 if (host * 617) % 1000 < burning else 55.0
    wave = (host * 7 + turn * 3) % 40
    busy = 95.0 if host % 100 == 0 and turn % 6 < 3 else 20.0 + wave
    disks = [number for place in range(4) for number in (40.0 + wave / 10 + place, 4e11, 6e11 - turn, 12.0)]
    nets = [number for place in range(4) for number in (1e6 + wave * 1e3 + place, 5e5, 0.0)]
    return (busy, 8.0, 1.5 + wave / 40, memory + wave / 20, 60.0, *disks, *nets, *(50.0 + wave / 8,) * 8, *(busy,) * 19)


def told(address: str, hosts: int, turns: int, burning: int) -> None:
    """Play all hosts, evenly over their interval."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    push = Push(context)
    push.connect(address)
    layout = layout_id(NAMES)
    epochs = [secrets.randbits(63) + 1 for _ in range(hosts)]
    start = time.perf_counter()
    for turn in range(turns):
        for host in range(hosts):
            at = start + turn * EVERY + EVERY * host / hosts
            ahead = at - time.perf_counter()
            if ahead > 0.001:
                time.sleep(ahead)
            messages: list[Message] = [Sample(layout, values(host, turn, burning))]
            if not turn:
                messages.insert(0, Layout(NAMES))
            moment = time.time_ns()
            for place, message in enumerate(messages):
                number = 1 + place if not turn else 2 + turn
                one = record(message, source=f"host-{host}", at=moment, epoch=epochs[host], number=number, sent=moment)
                push.raw.send(pack(one))
    push.raw.setsockopt(zmq.LINGER, 10_000)
    push.close()
    context.term()


def measured(hosts: int, seconds: float, burning: int) -> Found:
    """One run."""
    with Receiver() as receiver, hub(settings(receiver.url)) as made:
        secret = made.folder / "hook"
        secret.write_text(receiver.url + "\n")
        secret.chmod(0o600)
        result = made.folder / "judged.json"
        made.start("collector", "bus.command", "collector")
        made.start("store-writer", "bus.command", "store", "writer")
        made.start("store-reader", "bus.command", "store", "reader")
        made.start("alerter", "benchmarks.judged", str(result))
        player = multiprocessing.get_context("spawn").Process(
            target=told, args=(made.door, hosts, int((WARM_SECONDS + seconds) / EVERY) + 1, burning)
        )
        player.start()
        time.sleep(WARM_SECONDS)
        before, began = made.cpu_seconds("alerter"), time.perf_counter()
        time.sleep(seconds)
        cpu = (made.cpu_seconds("alerter") - before) / (time.perf_counter() - began)
        resident = made.resident_bytes("alerter")
        player.join()
        made.stop("alerter")
        print((made.folder / "alerter.out").read_text()[-3000:])
        found: dict[str, Any] = json.loads(result.read_text())
        return Found(
            found["samples"], found["lags_ms"], found["ways_ms"], 100 * cpu, resident / 1e6, len(receiver.requests)
        )


def quantile(numbers: list[float], share: float) -> float:
    """The number below which so many of a hundred are."""
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def main(hosts: int = 10_000, seconds: float = 60.0, burning: int = 0) -> None:
    """Measure, and print."""
    found = measured(hosts, seconds, burning)
    skip = int(hosts * WARM_SECONDS / EVERY)
    lags, ways = found.lags_ms[skip:], found.ways_ms[skip:]
    print(f"{hosts} hosts, {len(RULES)} rules, a sample every {EVERY:g} s: {len(lags)} of {len(NAMES)} values judged")
    for name, numbers in (("received -> judged", lags), ("sent -> judged", ways)):
        print(
            f"{name}: p50 {quantile(numbers, 0.5):.2f} ms, p99 {quantile(numbers, 0.99):.2f} ms,"
            f" highest {max(numbers):.1f} ms"
        )
    print(f"alerter: {found.cpu_percent:.1f} % of a core, {found.resident_mb:.0f} MB resident; {found.notices} letters")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
