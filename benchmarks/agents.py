"""Thousands of connected agents with keys, one sample each in ten seconds: what they cost, and how soon they are back.

python -m benchmarks.pipeline agents [--seconds 30]        BENCH_AGENTS=2000 for fewer

First with one collector, which is killed at the end; then with two that share them. About three minutes in all.
"""

from __future__ import annotations

import contextlib
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
from bus.tables import each

AGENTS = 10_000
PROCESSES = 4
INTERVAL = 10.0
MOST_SECONDS = 40.0
BACK_SECONDS = 60.0
"""Whoever is not back after a restart by then is not waited for."""
SPARE_FILES = 150


def measure(seconds: float) -> None:
    """Hold them for ``seconds``, 20 to 40, with one collector and with two, and print what it took."""
    wanted, seconds = int(os.environ.get("BENCH_AGENTS", AGENTS)), min(max(seconds, 2 * INTERVAL), MOST_SECONDS)
    for names in (("collector",), ("collector", "collector-2")):
        _measured(names, possible(wanted, len(names)), seconds)


def _measured(names: tuple[str, ...], count: int, seconds: float) -> None:
    agents = [(f"host-{number}", keys.new()) for number in range(count)]
    with hub("[collector]\nmemory_bytes = '4GB'\n", collectors=len(names)) as made:
        enrol(made, agents)
        for place, name in enumerate(names, 1):
            made.start(name, "bus.command", "collector", str(place))
        made.start("store-writer", "bus.command", "store", "writer")
        empty = sum(map(made.resident_bytes, names))
        with Fleet(made, agents, INTERVAL) as those:
            took = those.until(lambda: those.flowing >= count, 120, "every agent hears its receipts")
            print(f"{count} agents with keys, collectors: {len(names)}; all answered {took:.1f} s after their start")
            _held(made, those, seconds, count, names, empty)
            if len(names) == 1:
                _restarted(made, those, count)


def _held(made: Hub, those: Fleet, seconds: float, count: int, names: tuple[str, ...], empty: int) -> None:
    those.talking.set()
    time.sleep(INTERVAL)  # the first round brings layouts and files of the store
    began, cpu = time.monotonic(), {name: made.cpu_seconds(name) for name in (*names, "store-writer")}
    time.sleep(seconds)
    for name, before in cpu.items():
        used = 100 * (made.cpu_seconds(name) - before) / (time.monotonic() - began)
        print(f"  {name}: {used:.1f} % of a core, {made.resident_bytes(name) / 1e6:.0f} MB resident", flush=True)
    grown = sum(map(made.resident_bytes, names)) - empty
    print(f"  {grown / count / 1024:.0f} KiB of collector for each agent (two connections)")
    those.talking.clear()
    time.sleep(1.0)  # the last ones are counted
    those.until(lambda: those.stored >= those.told, 60, "everything is stored")
    print(f"  told {those.told} messages ({count / INTERVAL:.0f} samples/s), {those.stored} acknowledged as stored")


def _restarted(made: Hub, those: Fleet, count: int) -> None:
    made.programs["collector"].send_signal(signal.SIGKILL)
    made.programs.pop("collector").wait()
    those.until(lambda: those.flowing == 0, 60, "the end of the collector is noticed")
    start = time.monotonic()
    made.start("collector", "bus.command", "collector")
    half: float | None = None
    while (flowing := those.flowing) < count and time.monotonic() - start < BACK_SECONDS:
        if half is None and flowing >= count // 2:
            half = time.monotonic() - start
        time.sleep(0.05)
    took = time.monotonic() - start
    halves = "less than half" if half is None else f"half back after {half:.1f} s"
    print(f"  after kill -9 and a new start of the collector: {halves}, {flowing} of {count} after {took:.1f} s")


def possible(wanted: int, collectors: int) -> int:
    """How many agents there can be here; says what would have to be set for more."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    share = 2 * wanted if collectors == 1 else int(2.2 * wanted / collectors)  # names share out not quite evenly
    need = share + SPARE_FILES
    if hard < need:
        with contextlib.suppress(ValueError, PermissionError):  # root may
            resource.setrlimit(resource.RLIMIT_NOFILE, (need, need))
            hard = need
    room = 2 * wanted * (hard - SPARE_FILES) // share
    files = min(2 * wanted, room, PROCESSES * (hard - SPARE_FILES) // (fleet.FILES + 1) * 2)
    if files < 2 * wanted:
        print(
            f"a process may open {hard} files here, and each agent is two connections to the collector: "
            f"{files // 2} agents. For {wanted}: ulimit -Hn {need} "
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
        ways = tuple(zip(each(made.door), each(made.receipts), strict=True))
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
