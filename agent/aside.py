"""Readings that may be slow, made one after the other in a thread of their own.

Nobody is woken when one is done: its result is taken when ``take`` is called, and in the passes of the loop, one of
which comes each second. A reading that hangs keeps its thread; another one goes on with what waits behind it.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from bus.loop import Loop

MOST_GIVEN_UP = 32
"""So many threads may hang for ever, and others take their place."""
Call = tuple[Callable[[], Any], Callable[[Any], None]]


class Aside:
    """A thread that is begun when there is work, and others, ``most`` at once in all, where it hangs.

    ``submit`` is for the loop's thread, as ``bus.workers.Workers.submit`` is. A thread that hangs for ever does not
    keep the program from its end.
    """

    def __init__(
        self,
        loop: Loop,
        most: int,
        name: str,
        *,
        patience: float,
        hopeless: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """What waits behind a reading that takes more than ``patience`` seconds is given to another thread.

        One that takes more than ``hopeless`` seconds is given up.
        """
        self.threads = 0
        self._most, self._name, self._clock = most, name, clock
        self._patience, self._hopeless = patience, hopeless
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._results: deque[tuple[Callable[[Any], None], Any]] = deque()
        self._moved = 0.0
        """When a thread last took a call or was added, or a call came first in the queue."""
        self._at: dict[int, float] = {}
        """When each thread that is at a reading began it."""
        self._lock = threading.Lock()
        self._closed = False
        loop.after_pass(self.take)

    def submit(self, call: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Run ``call`` in a thread; ``done`` gets its result, or the exception it raised, in a later ``take``."""
        if not self.threads:
            self._add()
        elif not self._calls.qsize():
            self._moved = self._clock()
        self._calls.put((call, done))

    def take(self) -> None:
        """Hand over the results that are there, and see that what waits does not wait for something that hangs."""
        while self._results:
            done, result = self._results.popleft()
            done(result)
        if not self._calls.qsize() or self._clock() - self._moved <= self._patience:
            return
        if self.threads - self._given_up() < self._most:
            self._add()

    def close(self) -> None:
        """Make no further reading, and hand over no result any more."""
        self._closed = True
        self._results.clear()
        for _ in range(self.threads):
            self._calls.put(None)

    def _given_up(self) -> int:
        now = self._clock()
        return min(MOST_GIVEN_UP, sum(now - began > self._hopeless for began in tuple(self._at.values())))

    def _add(self) -> None:
        self._moved = self._clock()
        with self._lock, contextlib.suppress(RuntimeError):
            # Where the system has no thread left, what waits is given to one later.
            threading.Thread(target=self._work, name=self._name, daemon=True).start()
            self.threads += 1

    def _work(self) -> None:
        while (call := self._calls.get()) is not None and not self._closed:
            began = self._moved = self._at[threading.get_ident()] = self._clock()
            deed, done = call
            try:
                result: Any = deed()
            except BaseException as error:  # handed to the loop, which knows what it means
                result = error
            del self._at[threading.get_ident()]
            if self._closed:
                return
            self._results.append((done, result))
            if self._clock() - began > self._patience and self._is_one_too_many():
                return

    def _is_one_too_many(self) -> bool:
        # Another thread took over meanwhile: one is enough again.
        with self._lock:
            if self.threads - self._given_up() <= 1:
                return False
            self.threads -= 1
            return True
