"""A time after which an attempt is over, whatever its connections are doing.

A timeout on a socket begins anew with each byte that drips in; libraries that read for us have no other. Here another
thread shuts the connections of an attempt when its time has come, so that whoever reads or writes there returns at
once: ``Guard`` has one thread for a thousand attempts, ``within`` one for each of a few.
"""

from __future__ import annotations

import heapq
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

LEAST = 0.001


class Deadline:
    """One attempt's time. ``Guard.deadline`` or ``within`` makes it; ``close`` it when the attempt has ended."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        """What the attempt was given."""
        self.until = time.monotonic() + seconds
        self.over = False
        """Whether it came before the attempt ended."""
        self._twins: list[socket.socket] = []
        self._lock = threading.Lock()
        self._closed = False

    def left(self) -> float:
        """Seconds; a little more than none when it has passed, since 0 means for ever to a socket."""
        return max(LEAST, self.until - time.monotonic())

    @property
    def cut(self) -> bool:
        """Whether a connection was shut, so that what was read from it may be half of what was said."""
        return self.over and bool(self._twins)

    @property
    def passed(self) -> bool:
        """Whether the time has come."""
        return self.over or time.monotonic() >= self.until

    def watch(self, connection: socket.socket) -> None:
        """Shut this connection at the deadline. Its twin stays valid when TLS takes the socket over."""
        twin = connection.dup()
        with self._lock:
            self._twins.append(twin)
            if not self.over:
                return
        _shut(twin)

    def end(self) -> None:
        """The time has come."""
        with self._lock:
            if self._closed:
                return
            self.over = True
            for twin in self._twins:
                _shut(twin)

    def close(self) -> None:
        """It is not needed any more."""
        with self._lock:
            self._closed = True
            for twin in self._twins:
                twin.close()
            self._twins.clear()

    @property
    def closed(self) -> bool:
        """Whether the attempt has ended."""
        return self._closed


@contextmanager
def within(seconds: float) -> Iterator[Deadline]:
    """A deadline in so many seconds, which ends with the block."""
    made = Deadline(seconds)
    timer = threading.Timer(seconds, made.end)
    timer.daemon = True
    timer.start()
    try:
        yield made
    finally:
        timer.cancel()
        made.close()


def _shut(twin: socket.socket) -> None:
    with suppress(OSError):  # it ended by itself
        twin.shutdown(socket.SHUT_RDWR)


class Guard:
    """Ends the deadlines that have come; one daemon thread, made with the first deadline."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._line: list[tuple[float, int, Deadline]] = []
        self._order = itertools.count()
        self._started = False

    def deadline(self, seconds: float) -> Deadline:
        """A deadline in so many seconds."""
        made = Deadline(seconds)
        with self._turn:
            if not self._started:
                threading.Thread(target=self._keep, name="deadlines", daemon=True).start()
                self._started = True  # where the system has no thread left, the next one tries again
            first = self._line[0][0] if self._line else None
            heapq.heappush(self._line, (made.until, next(self._order), made))
            if first is None or made.until < first:
                self._turn.notify()
        return made

    def _keep(self) -> None:
        while True:
            with self._turn:
                now = time.monotonic()
                # Most attempts have ended long before their time: they are taken off unseen.
                while self._line and (self._line[0][2].closed or self._line[0][0] <= now):
                    due = heapq.heappop(self._line)[2]
                    due.end()
                self._turn.wait(self._line[0][0] - now if self._line else None)
