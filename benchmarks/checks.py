"""How late checks are: 2,000 HTTP services at 10 s intervals, on one machine with their target and their hub.

    python -m benchmarks.checks [SECONDS] [--beside]

A check's due time is known beforehand (``prober.rounds``: the phase of its name on the grid of its interval, with the
jitter set to 0), and the target writes down when it was asked: the difference is the lateness, with the connection and
all threads' waiting in it. With ``--beside`` a plain loop over ``requests`` in 64 threads is measured beside it, as
a script would do it.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from benchmarks.hub import Hub, hub
from prober.rounds import phase

SERVICES = 2000
INTERVAL = 10.0
WARM_SECONDS = 25.0
"""The first look at each service and the next turn of each are not counted."""


def name(number: int) -> str:
    """A service's name."""
    return f"shop-{number}"


def settings(port: int) -> str:
    """The services, and leave to reach them."""
    services = "".join(
        f'[[services]]\nname = "{name(number)}"\nurl = "http://127.0.0.1:{port}/{number}"\ninterval = "10s"\n'
        for number in range(SERVICES)
    )
    return f'[prober]\nprivate_networks = ["127.0.0.1"]\njitter = 0\n{services}'


def lateness(notes: Path, start: float, end: float) -> list[float]:
    """Seconds that each request came after its due time, in order of size."""
    found = []
    for line in notes.read_text().splitlines():
        number, at = line.split()
        if start <= float(at) < end:
            found.append((float(at) - phase(name(int(number))) * INTERVAL) % INTERVAL)
    return sorted(found)


def target(notes: Path) -> tuple[subprocess.Popen[str], int]:
    """A target and its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.target", str(notes)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def measure(seconds: float) -> None:
    """Print the lateness and the cost."""
    with hub() as made:
        notes = made.folder / "notes"
        server, port = target(notes)
        try:
            made.config.write_text(made.config.read_text() + settings(port))
            for program, command in (
                ("collector", ("collector",)),
                ("store-writer", ("store", "writer")),
                ("store-reader", ("store", "reader")),
                ("prober", ("prober",)),
            ):
                made.start(program, "bus.command", *command)
            time.sleep(WARM_SECONDS)
            start, before = time.monotonic(), made.cpu_seconds("prober")
            time.sleep(seconds)
            end, used = time.monotonic(), made.cpu_seconds("prober") - before
            tell(made, lateness(notes, start, end), end - start, used)
        finally:
            server.kill()
            server.wait()


def tell(made: Hub, late: list[float], seconds: float, used: float) -> None:
    """One line."""
    expected = SERVICES * seconds / INTERVAL
    p50, p99, most = late[len(late) // 2], late[int(len(late) * 0.99)], late[-1]
    print(
        f"{SERVICES:,} HTTP checks at {INTERVAL:g} s: late p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms, "
        f"at most {most * 1000:.0f} ms; {len(late):,} of {expected:,.0f} due; "
        f"{100 * used / seconds:.0f} % of a core, {1000 * used / max(1, len(late)):.2f} ms CPU a check, "
        f"{made.resident_bytes('prober') / 1e6:.0f} MB"
    )


def beside(seconds: float) -> None:
    """A script's way: a thread pool, and ``requests.get`` for each at its due time."""
    with hub() as made:
        notes = made.folder / "notes"
        server, port = target(notes)
        stop = threading.Event()
        try:
            with ThreadPoolExecutor(64) as pool:
                feeding = threading.Thread(target=_feed, args=(pool, port, stop))
                feeding.start()
                time.sleep(WARM_SECONDS / 2)
                start, before = time.monotonic(), time.process_time()
                time.sleep(seconds)
                end, used = time.monotonic(), time.process_time() - before
                stop.set()
                feeding.join()
            late = lateness(notes, start, end)
            print(
                f"beside, requests.get in 64 threads: late p50 {late[len(late) // 2] * 1000:.1f} ms, "
                f"p99 {late[int(len(late) * 0.99)] * 1000:.1f} ms; {len(late):,} requests; "
                f"{100 * used / (end - start):.0f} % of a core, {1000 * used / len(late):.2f} ms CPU a check"
            )
        finally:
            stop.set()
            server.kill()
            server.wait()


def _feed(pool: ThreadPoolExecutor, port: int, stop: threading.Event) -> None:
    order = sorted((phase(name(number)) * INTERVAL, number) for number in range(SERVICES))
    base = (time.monotonic() // INTERVAL) * INTERVAL
    while not stop.is_set():
        for offset, number in order:
            ahead = base + offset - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
            if stop.is_set():
                return
            if ahead > -INTERVAL:
                pool.submit(requests.get, f"http://127.0.0.1:{port}/{number}", timeout=10)
        base += INTERVAL


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    measure(float(words[0]) if words else 60.0)
    if "--beside" in sys.argv:
        beside(float(words[0]) if words else 60.0)
