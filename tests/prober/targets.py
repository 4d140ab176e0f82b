"""Targets on loopback that do as they are told, and what an attempt at them needs."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from bus.deadline import Guard
from prober.checks.common import Check
from prober.names import Names
from prober.outcome import Outcome
from prober.probe import Probe, Report
from prober.reach import Reach

GUARD = Guard()
LOOPBACK = ("127.0.0.0/8", "::1/128")
Act = Callable[[socket.socket], None]


AMPLE = 30.0
"""Seconds in which even a busy machine comes to the end of an attempt that is not to run out of time."""


def probe(
    seconds: float = AMPLE,
    *,
    allowed: tuple[str, ...] = LOOPBACK,
    names: Names | None = None,
    now: int | None = None,
    report: Report | None = None,
) -> Probe:
    """One attempt's surroundings; loopback may be reached."""
    reach = Reach(allowed, names or Names())
    return Probe(GUARD.deadline(seconds), reach, now=time.time_ns() if now is None else now, report=report)


def tried(check: Check, seconds: float = AMPLE, **more: object) -> Outcome:
    """What an attempt finds, within ``seconds``."""
    made = probe(seconds, **more)  # type: ignore[arg-type]
    try:
        return check.run(made)
    finally:
        made.deadline.close()


@contextmanager
def listening(act: Act, host: str = "127.0.0.1") -> Iterator[int]:
    """A TCP server that does ``act`` with each connection; gives its port."""
    with socket.create_server((host, 0), backlog=128) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    threading.Thread(target=_served, args=(connection, act), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)


def _served(connection: socket.socket, act: Act) -> None:
    with suppress(OSError), connection:
        act(connection)


def silent(connection: socket.socket) -> None:
    """Take a connection and say nothing."""
    connection.settimeout(30)
    while connection.recv(4096):
        pass


def dripping(connection: socket.socket) -> None:
    """A byte now and then, for half a minute."""
    for _ in range(600):
        connection.sendall(b"x")
        time.sleep(0.05)


def closing(connection: socket.socket) -> None:
    """Take a connection and close it."""


@contextmanager
def speechless() -> Iterator[int]:
    """A port where not even the connection is answered, as behind a cut: its queue of connections is full."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(server.getsockname())
        try:
            yield server.getsockname()[1]
        finally:
            for one in waiting:
                one.close()
