"""Blocking calls off the loop, their results back on it."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from bus.loop import Loop

R = TypeVar("R")


class Workers:
    """A few daemon threads; a call that hangs for ever keeps its thread, never the program's end."""

    def __init__(self, loop: Loop, count: int, name: str) -> None:
        self._loop = loop
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], Callable[[Any], None]] | None] = queue.SimpleQueue()
        self._results: deque[tuple[Callable[[Any], None], Any]] = deque()
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._lock = threading.Lock()
        self._closed = False
        self.busy = 0
        self.count = count
        loop.on_readable(self._read, self._hand_back)
        for i in range(count):
            threading.Thread(target=self._work, name=f"{name}-{i}", daemon=True).start()

    def submit(self, call: Callable[[], R], done: Callable[[R | BaseException], None]) -> None:
        """Run ``call`` in a thread, then ``done`` in the loop with its result or the exception it raised."""
        self.busy += 1
        self._calls.put((call, done))

    def close(self) -> None:
        """Take no result any more; threads that wait for a call end."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._loop.forget(self._read)
            os.close(self._read)
            os.close(self._write)
        for _ in range(self.count):
            self._calls.put(None)

    def _work(self) -> None:
        while (job := self._calls.get()) is not None:
            call, done = job
            try:
                result: Any = call()
            except BaseException as error:  # handed to the loop, which knows what it means
                result = error
            self._results.append((done, result))
            with self._lock:
                if self._closed:
                    return
                with contextlib.suppress(BlockingIOError):  # the pipe is full of wake-ups already
                    os.write(self._write, b"\0")

    def _hand_back(self) -> None:
        os.read(self._read, 4096)
        while self._results:
            done, result = self._results.popleft()
            self.busy -= 1
            done(result)
