"""Everything between the hub and the model: threads that ask and listen, so that the screen never waits."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count

from bus.secret import Secret
from viewer.asking import Asker
from viewer.events import Event, LinkTold, Missed
from viewer.stream import Stream
from viewer.wishes import AskSeries, Wish

ASKERS = 2
HUSHED = 0.1
"""Seconds that what comes in waits for a picture, at most."""
MAX_WAITING = 20_000
"""Events of the stream that wait for a screen that does not look; the oldest are given up, and counted."""


class Gate:
    """Closed while the screen has something to answer; who else has work that can wait comes by here."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._open.set()

    def wait(self) -> None:
        """Return at once, or when it is open again."""
        if not self._open.is_set():
            self._open.wait(HUSHED)

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Hold it closed."""
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()


class Feed:
    """``ask`` and ``take`` return at once."""

    def __init__(self, url: str, token: Secret | None, clock: Callable[[], float] = time.time, *, ca: str = "") -> None:
        self._events: deque[Event] = deque(maxlen=MAX_WAITING)
        self._answers: deque[Event] = deque()
        self._given_up = 0
        self._bug: Exception | None = None
        self._wishes: queue.PriorityQueue[tuple[int, int, Wish | None]] = queue.PriorityQueue()
        self._order = count()
        self._gate = Gate()
        rest = self._gate.wait
        self._stream = Stream(url, token, self._heard, broke=self._broke, clock=clock, ca=ca, rest=rest)
        self._askers = [
            threading.Thread(
                target=self._answer, args=(Asker(url, token, clock, ca=ca, rest=rest),), name="asker", daemon=True
            )
            for _ in range(ASKERS)
        ]

    def start(self) -> None:
        """Begin to listen."""
        self._stream.start()
        for asker in self._askers:
            asker.start()

    def ask(self, wish: Wish) -> None:
        """Ask the hub; the answer comes out of ``take``."""
        small = isinstance(wish, AskSeries) and wish.spark
        self._wishes.put((1 if small else 0, next(self._order), wish))

    def take(self, most: int = 2000) -> list[Event]:
        """What came since the last time, at most so many; a bug in a thread is raised here."""
        if self._bug is not None:
            raise self._bug
        found: list[Event] = []
        for waiting in (self._answers, self._events):
            while waiting and len(found) < most:
                found.append(waiting.popleft())
        if self._given_up:
            given_up, self._given_up = self._given_up, 0
            found.append(Missed(given_up))
        return found

    def hurry(self) -> None:
        """Try to reach the hub now."""
        self._stream.hurry()

    def hush(self) -> AbstractContextManager[None]:
        """While it is held, what comes in is left to wait, and the processor to the picture."""
        return self._gate.closed()

    def close(self) -> None:
        """End the threads; does not wait for those that wait for the hub."""
        self._stream.close()
        for _ in self._askers:
            self._wishes.put((-1, next(self._order), None))

    def _heard(self, event: Event) -> None:
        if isinstance(event, LinkTold):
            self._answers.append(event)
            return
        if len(self._events) == MAX_WAITING:
            self._given_up += 1
        self._events.append(event)

    def _answer(self, asker: Asker) -> None:
        while True:
            _, _, wish = self._wishes.get()
            if wish is None:
                asker.close()
                return
            try:
                self._answers.append(asker.ask(wish))
            except Exception as error:
                self._broke(error)
                return

    def _broke(self, error: Exception) -> None:
        # Whoever looks must not be left with a picture that silently stands still.
        self._bug = error
