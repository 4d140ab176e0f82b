"""Blocking calls in as many threads as are needed, results back on the loop.

``bus.workers`` keeps a fixed number of threads; here one is made when a call comes while all others are busy, and ends
when it had nothing to do for a while: thousands of targets that hang at the same time need thousands of threads, and
the same targets need a few while they answer.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from bus.loop import Loop

R = TypeVar("R")
STACK_BYTES = 512 * 1024
"""Of one thread's stack, of which a check uses a part; the usual 8 MB would be reserved a thousand times."""
IDLE_SECONDS = 20.0


class Pool:
    """At most ``most`` daemon threads; calls beyond that wait their turn."""

    def __init__(self, loop: Loop, most: int, name: str, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self.most = most
        self.busy = 0
        """Calls that were submitted and whose results were not handed back yet."""
        self._loop = loop
        self._name = name
        self._idle_seconds = idle_seconds
        self._calls: deque[tuple[Callable[[], Any], Callable[[Any], None]]] = deque()
        self._results: deque[tuple[Callable[[Any], None], Any]] = deque()
        self._turn = threading.Condition()
        self._threads = self._idle = self._made = 0
        self._closed = self._woken = False
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        loop.on_readable(self._read, self._hand_back)

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
        self.busy += 1
        with self._turn:
            self._calls.append((call, done))
            if self._idle >= len(self._calls):
                self._turn.notify()
                return
            if self._threads >= self.most:
                return
            self._threads += 1
            self._made += 1
            name = f"{self._name}-{self._made}"
        before = threading.stack_size(STACK_BYTES)
        try:
            threading.Thread(target=self._work, name=name, daemon=True).start()
        except RuntimeError:  # the system has no more threads: those there are take it in their turn
            with self._turn:
                self._threads -= 1
        finally:
            threading.stack_size(before)

    def close(self) -> None:
        """Take no result any more; threads end when their calls do."""
        with self._turn:
            if self._closed:
                return
            self._closed = True
            self._loop.forget(self._read)
            os.close(self._read)
            os.close(self._write)
            self._turn.notify_all()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            call, done = job
            try:
                result: Any = call()
            except BaseException as error:  # handed to the loop, which knows what it means
                result = error
            self._results.append((done, result))
            with self._turn:
                if self._closed:
                    return
                if not self._woken:
                    self._woken = True
                    with contextlib.suppress(BlockingIOError):
                        os.write(self._write, b"\0")

    def _next(self) -> tuple[Callable[[], Any], Callable[[Any], None]] | None:
        with self._turn:
            while not self._calls:
                self._idle += 1
                told = self._closed or self._turn.wait(self._idle_seconds)
                self._idle -= 1
                if self._closed or not (told or self._calls):
                    self._threads -= 1
                    return None
            return self._calls.popleft()

    def _hand_back(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._read, 4096)
        # In this order: a wake-up that is written from now on is for results that are not seen below.
        with self._turn:
            self._woken = False
        while self._results:
            done, result = self._results.popleft()
            self.busy -= 1
            done(result)
