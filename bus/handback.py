"""Results of threads, handed back to the loop, which is woken through a pipe."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from bus.loop import Loop

Call = tuple[Callable[[], Any], Callable[[Any], None]]
"""What a thread runs, and what the loop then does with its result or the exception that it raised."""


class Handback:
    """Threads give their results; the loop takes them in its own time."""

    def __init__(self, loop: Loop) -> None:
        self.busy = 0
        """Calls whose results were not handed back yet; whoever submits one counts it."""
        self._loop = loop
        self._results: deque[tuple[Callable[[Any], None], Any]] = deque()
        self._lock = threading.Lock()
        self._closed = self._woken = False
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        loop.on_readable(self._read, self._take)

    def run(self, call: Call) -> bool:
        """In a thread: run it and hand its result back; False when nobody takes results any more."""
        deed, done = call
        try:
            result: Any = deed()
        except BaseException as error:  # handed to the loop, which knows what it means
            result = error
        self._results.append((done, result))
        with self._lock:
            if self._closed:
                return False
            if not self._woken:
                self._woken = True
                with contextlib.suppress(BlockingIOError):
                    os.write(self._write, b"\0")
        return True

    def close(self) -> bool:
        """Take no result any more; False when that was so already."""
        with self._lock:
            if self._closed:
                return False
            self._closed = True
            self._loop.forget(self._read)
            os.close(self._read)
            os.close(self._write)
        return True

    def _take(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._read, 4096)
        # In this order: a wake-up that is written from now on is for results that are not seen below.
        with self._lock:
            self._woken = False
        while self._results:
            done, result = self._results.popleft()
            self.busy -= 1
            done(result)
