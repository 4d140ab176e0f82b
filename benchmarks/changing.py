"""A load that changes: bursts of CPU, memory that comes and goes, files written, bytes over loopback. Bounded."""

from __future__ import annotations

import contextlib
import mmap
import multiprocessing
import os
import random
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

MOST_MEMORY = 256 * 2**20
MOST_FILE = 32 * 2**20
PIECE = 2**20
LONGEST = 20.0
"""Seconds that one kind of load lasts at most."""
Until = Callable[[], bool]


@contextlib.contextmanager
def changing_load(seed: int = 5) -> Iterator[None]:
    """Keep the machine busy now and then from a process of its own, at the lowest priority."""
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(seed, os.getpid()), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join(10)


def _run(seed: int, parent: int) -> None:
    os.nice(10)
    chance = random.Random(seed)
    kinds: tuple[Callable[[random.Random, Until], None], ...] = (_rest, _rest, _spin, _hold, _write, _send)
    with tempfile.TemporaryDirectory(prefix="guardia-load-") as folder:
        os.chdir(folder)
        while os.getppid() == parent:
            chance.choice(kinds)(chance, _until(time.monotonic() + chance.uniform(1, LONGEST), parent))


def _until(end: float, parent: int) -> Until:
    return lambda: time.monotonic() < end and os.getppid() == parent


def _rest(chance: random.Random, on: Until) -> None:
    while on():
        time.sleep(0.2)


def _spin(chance: random.Random, on: Until) -> None:
    share = chance.choice((0.1, 0.3, 0.6))
    while on():
        end = time.monotonic() + share * 0.1
        while time.monotonic() < end:
            pass
        time.sleep((1 - share) * 0.1)


def _hold(chance: random.Random, on: Until) -> None:
    size = chance.randrange(PIECE, MOST_MEMORY)
    with mmap.mmap(-1, size) as memory:
        for at in range(0, size, 4096):
            memory[at] = 1
        _rest(chance, on)


def _write(chance: random.Random, on: Until) -> None:
    path = Path("written")
    while on():
        with path.open("wb") as file:
            for _ in range(chance.randrange(1, MOST_FILE // PIECE)):
                file.write(bytes(PIECE))
            os.fsync(file.fileno())
        path.unlink()
        time.sleep(chance.uniform(0.1, 2))


def _send(chance: random.Random, on: Until) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door, socket.create_connection(door.getsockname()) as one:
        other, _ = door.accept()
        with other:
            piece = bytes(chance.randrange(64, 65_536))
            while on():
                for _ in range(20):
                    one.sendall(piece)
                    left = len(piece)
                    while left:
                        left -= len(other.recv(left))
                time.sleep(0.05)
