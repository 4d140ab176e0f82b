"""Thousands of connected agents with keys, one sample each in ten seconds: what they cost, and how soon they are back.

python -m benchmarks.pipeline agents [--seconds 60]        BENCH_AGENTS=2000 for fewer
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import fleet
from benchmarks.hub import Hub, hub
from bus import enrolled, keys
from bus.keys import KeyPair

AGENTS = 10_000
PROCESSES = 4
INTERVAL = 10.0
SPARE_FILES = 150


def measure(seconds: float) -> None:
    """Hold them for ``seconds``, at least a minute, kill the collector once, and print what it took."""
    count, interval = possible(int(os.environ.get("BENCH_AGENTS", AGENTS))), INTERVAL
    with hub("[collector]\nmemory_bytes = '4GB'\n") as made:
        agents = [(f"host-{number}", keys.new()) for number in range(count)]
        enrol(made, agents)
        made.start("collector", "bus.command", "collector")
        made.start("store-writer", "bus.command", "store", "writer")
        empty = made.resident_bytes("collector")
        with Fleet(made, agents, interval) as those:
            took = those.until(lambda: those.flowing >= count, 120, "every agent hears its receipts")
            print(f"{count} agents with keys: all connected and answered {took:.1f} s after their start")
            _minute(made, those, max(seconds, 60.0), count, interval, empty)
            _restarted(made, those, count)


def _minute(made: Hub, those: Fleet, seconds: float, count: int, interval: float, empty: int) -> None:
    those.talking.set()
    time.sleep(interval)  # the first round brings layouts and files of the store
    cpu = {name: made.cpu_seconds(name) for name in ("collector", "store-writer")}
    time.sleep(seconds)
    for name, before in cpu.items():
        used = 100 * (made.cpu_seconds(name) - before) / seconds
        print(f"{name}: {used:.1f} % of a core, {made.resident_bytes(name) / 1e6:.0f} MB resident")
    grown = made.resident_bytes("collector") - empty
    print(f"collector: {grown / count / 1024:.0f} KiB for each agent (two connections)")
    those.talking.clear()
    time.sleep(1.0)  # the last ones are counted
    those.until(lambda: those.stored >= those.told, 60, "everything is stored")
    print(f"told {those.told} messages ({count / interval:.0f} samples/s), {those.stored} acknowledged as stored")


def _restarted(made: Hub, those: Fleet, count: int) -> None:
    made.programs["collector"].send_signal(signal.SIGKILL)
    made.programs.pop("collector").wait()
    those.until(lambda: those.flowing == 0, 60, "the end of the collector is noticed")
    start = time.monotonic()
    made.start("collector", "bus.command", "collector")
    up = time.monotonic() - start
    half = those.until(lambda: those.flowing >= count // 2, 120, "half of them are back") + up
    last = half + those.until(lambda: those.flowing >= count, 120, "all of them are back")
    print(f"after kill -9 and a new start of the collector: half were back after {half:.1f} s, all after {last:.1f} s")


def possible(wanted: int) -> int:
    """How many agents there can be here; says what would have to be set for more."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = min(2 * wanted, hard - SPARE_FILES, PROCESSES * (hard - SPARE_FILES) // (fleet.FILES + 1) * 2)
    if files < 2 * wanted:
        print(
            f"a process may open {hard} files here, and each agent is two connections to the collector: "
            f"{files // 2} agents. For {wanted}: ulimit -Hn {2 * wanted + SPARE_FILES} "
            f"(LimitNOFILE= in systemd, --ulimit nofile= in Docker)"
        )
    return files // 2


def enrol(made: Hub, agents: list[tuple[str, KeyPair]]) -> None:
    """What ``guardia enroll`` does, without an fsync for each."""
    home = made.folder / "var"
    enrolled.hub_key(home)
    folder = enrolled.folder_of(home)
    folder.mkdir(mode=0o700, parents=True)
    for name, own in agents:
        found = {"name": name, "public": own.public, "at": str(time.time_ns()), "state": enrolled.ADMITTED}
        path = Path(folder / (name + enrolled.SUFFIX))
        path.touch(0o600)
        path.write_text(keys.lines(found))


class Fleet:
    """Agents in processes of their own."""

    def __init__(self, made: Hub, agents: list[tuple[str, KeyPair]], interval: float) -> None:
        context = multiprocessing.get_context("spawn")
        self.talking, self._ending = context.Event(), context.Event()
        self._counts: list[Any] = [context.Array("q", 3, lock=False) for _ in range(PROCESSES)]
        public = enrolled.hub_key(made.folder / "var").public
        ways = (made.door, made.receipts)
        self._runners = [
            context.Process(
                target=fleet.play,
                args=(agents[place::PROCESSES], public, ways, interval, counts, self.talking, self._ending),
            )
            for place, counts in enumerate(self._counts)
        ]

    def __enter__(self) -> Fleet:
        for runner in self._runners:
            runner.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for runner in self._runners:
            runner.join(20)
            runner.kill()

    @property
    def flowing(self) -> int:
        """Agents that hear what is stored."""
        return sum(int(counts[0]) for counts in self._counts)

    @property
    def told(self) -> int:
        """Messages told by all."""
        return sum(int(counts[1]) for counts in self._counts)

    @property
    def stored(self) -> int:
        """Of those, how many were acknowledged."""
        return sum(int(counts[2]) for counts in self._counts)

    def until(self, seen: Callable[[], bool], seconds: float, what: str) -> float:
        """Wait for ``seen``; how long it took."""
        start = time.monotonic()
        while not seen():
            if time.monotonic() > start + seconds or not all(runner.is_alive() for runner in self._runners):
                raise SystemExit(f"not within {seconds:g} s: {what} ({self.flowing} flow, {self.stored}/{self.told})")
            time.sleep(0.05)
        return time.monotonic() - start
