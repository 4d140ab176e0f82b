"""Blocking calls off the loop, their results back on it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from bus.handback import Call, Handback
from bus.loop import Loop

R = TypeVar("R")


class Workers:
    """A few daemon threads; a call that hangs for ever keeps its thread, never the program's end."""

    def __init__(self, loop: Loop, count: int, name: str) -> None:
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._handback = Handback(loop)
        self._name = name
        self.count = 0
        self.at_least(count)

    def at_least(self, count: int) -> None:
        """From now on there are so many threads, if there were fewer."""
        while self.count < count:
            threading.Thread(target=self._work, name=f"{self._name}-{self.count}", daemon=True).start()
            self.count += 1

    @property
    def busy(self) -> int:
        """Calls that were submitted and whose results were not handed back yet."""
        return self._handback.busy

    def submit(self, call: Callable[[], R], done: Callable[[R | BaseException], None]) -> None:
        """Run ``call`` in a thread, then ``done`` in the loop with its result or the exception it raised."""
        self._handback.busy += 1
        self._calls.put((call, done))

    def close(self) -> None:
        """Take no result any more; threads that wait for a call end."""
        if self._handback.close():
            for _ in range(self.count):
                self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None and self._handback.run(call):
            pass
