"""Takes what the collectors publish (the stair) into the fan-out, on the event loop, without starving requests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import zmq

from api.fanout import Fanout
from bus.sockets import Subscribe
from bus.wire import Malformed

KINDS = ("layout", "sample", "facts", "processes", "check", "alert", "loss")
SLICE_SECONDS = 0.0001
"""After this long the loop gets a turn, so that a flood on the stair delays answers by no more than that.

As long as a turn on the processor (``bus.process.SHORT_TURN``): beyond it others may be let on first, and who asks
waits for them too.
"""
REST_SECONDS = 0.01
"""While nobody listens to the stream, what comes is taken in so often: of a thousand frames a second the wake-ups are
most of what they cost, and each of them may come before an answer."""


class Stair:
    """The worker's subscription; ``open`` it on a running loop.

    ``on_wanting`` is called when samples came whose layout nobody announced, ``on_lacking`` when something was missed
    that nobody tells again soon.
    """

    def __init__(
        self, connect: Callable[[], Subscribe], fanout: Fanout, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """``clock`` tells seconds, by which slices are measured."""
        self.on_wanting: Callable[[], None] = _nothing
        self.on_lacking: Callable[[], None] = _nothing
        self.frames = 0
        self.malformed = 0
        self._connect = connect
        self._fanout = fanout
        self._clock = clock
        self._socket: Subscribe | None = None
        self.watched = False
        """Whether the next frame wakes the loop."""
        self._next: asyncio.Handle | None = None
        """The look that is due where the socket is not watched."""

    def open(self) -> None:
        """Subscribe, on a running loop."""
        self._socket = self._connect()
        self._loop = asyncio.get_running_loop()
        # The descriptor tells of changes only: what came before it was watched would wait for the next message.
        self._next = self._loop.call_soon(self._drain)

    def close(self) -> None:
        """Stop listening."""
        if self._next is not None:
            self._next.cancel()
        if self._socket is not None:
            self._watch(False)
            self._socket.close()
            self._socket = None

    def _watch(self, wanted: bool) -> None:
        if self._socket is None or wanted == self.watched:
            return
        self.watched = wanted
        if wanted:
            self._loop.add_reader(self._socket.raw.fileno(), self._drain)
        else:
            self._loop.remove_reader(self._socket.raw.fileno())

    def _drain(self) -> None:
        """Take in what came; then look again in the loop's next turn, after a rest, or when something comes."""
        self._next = None
        before = self.frames
        more = self._take()
        self._fanout.flush()
        if self._fanout.wanting:
            self.on_wanting()
        if self._fanout.lacking:
            self.on_lacking()
        if more:
            self._next = self._loop.call_soon(self._drain)
        elif self.frames > before and not self._fanout.clients:
            self._next = self._loop.call_later(REST_SECONDS, self._drain)
        self._watch(self._next is None)

    def _take(self) -> bool:
        """Take in what came, for a slice of time at most; returns whether there may be more."""
        until = self._clock() + SLICE_SECONDS
        take = self._fanout.take
        while self._socket is not None:
            try:
                frame = self._socket.raw.recv(zmq.NOBLOCK)
            except zmq.Again:
                break
            self.frames += 1
            try:
                take(frame)
            except Malformed:
                self.malformed += 1
            if self._clock() > until:
                return True
        return False


def _nothing() -> None:
    """Nobody asks the store."""
