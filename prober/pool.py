"""Blocking calls in as many threads as are needed, results back on the loop.

``bus.workers`` keeps a fixed number of threads; here one is made when a call comes while all others are busy, and ends
when it had nothing to do for a while: thousands of targets that hang at the same time need thousands of threads, and
the same targets need a few while they answer.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from bus import process
from bus.handback import Call, Handback
from bus.loop import Loop

R = TypeVar("R")
STACK_BYTES = 512 * 1024
"""Of one thread's stack, of which a check uses a part; the usual 8 MB would be reserved a thousand times."""
IDLE_SECONDS = 20.0
AGAIN_SECONDS = 1.0
"""Where the system has no thread for a call, it is asked again after so long."""
FILES_OF_ONE = 4
"""What one check has open: a connection, what the deadline holds of it, and both again where a certificate is bad."""
SPARE_FILES = 300
"""What a prober has open beside: names that are looked up, its memory, its way to the hub."""


def possible(most: int, log: logging.Logger) -> int:
    """So many checks at once, or as many as the system has open files for, of which it is asked for enough.

    With more, some could not look while many targets hang, and would be unknown.
    """
    told = "only %d checks run at once"
    return process.affordable(most, told, log, spare=SPARE_FILES, each=FILES_OF_ONE)


class Pool:
    """At most ``most`` daemon threads; calls beyond that wait their turn."""

    def __init__(self, loop: Loop, most: int, name: str, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self.most = most
        self._loop = loop
        self._handback = Handback(loop)
        self._name = name
        self._idle_seconds = idle_seconds
        self._calls: deque[Call] = deque()
        self._turn = threading.Condition()
        self._threads = self._idle = self._made = 0
        self._closed = self._waits = False

    @property
    def busy(self) -> int:
        """Calls that were submitted and whose results were not handed back yet."""
        return self._handback.busy

    @property
    def threads(self) -> int:
        """Threads there are now."""
        return self._threads

    @property
    def waiting(self) -> int:
        """Calls that no thread has taken yet."""
        return len(self._calls)

    def submit(self, call: Callable[[], R], done: Callable[[R | BaseException], None]) -> None:
        """Run ``call`` in a thread, then ``done`` in the loop with its result or the exception it raised."""
        self._handback.busy += 1
        with self._turn:
            self._calls.append((call, done))
            if self._idle >= len(self._calls):
                self._turn.notify()
                return
        self._grow()

    def _grow(self) -> bool:
        """Make one more thread; False where there may be no more, or the system has none, which is asked again then."""
        with self._turn:
            if self._closed or self._threads >= self.most:
                return False
            self._threads += 1
            self._made += 1
            name = f"{self._name}-{self._made}"
        before = threading.stack_size(STACK_BYTES)
        try:
            threading.Thread(target=self._work, name=name, daemon=True).start()
        except RuntimeError:
            with self._turn:
                self._threads -= 1
            if not self._waits:
                # There may be no thread that could take it, and no further call that asks for one.
                self._waits = True
                self._loop.after(AGAIN_SECONDS, self._catch_up)
            return False
        finally:
            threading.stack_size(before)
        return True

    def _catch_up(self) -> None:
        self._waits = False
        while self._calls and self._grow():
            pass

    def close(self) -> None:
        """Take no result any more; threads end when their calls do."""
        if self._handback.close():
            with self._turn:
                self._closed = True
                self._turn.notify_all()

    def _work(self) -> None:
        while (call := self._next()) is not None and self._handback.run(call):
            pass

    def _next(self) -> Call | None:
        with self._turn:
            while not self._calls:
                self._idle += 1
                told = self._closed or self._turn.wait(self._idle_seconds)
                self._idle -= 1
                if self._closed or not (told or self._calls):
                    self._threads -= 1
                    return None
            return self._calls.popleft()
