"""Drains the stair into the fan-out, on the event loop, without starving the requests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import zmq

from api.fanout import Fanout
from bus.sockets import Subscribe
from bus.wire import Malformed

KINDS = ("layout", "sample", "facts", "processes", "check", "alert", "loss")
SLICE_SECONDS = 0.005
"""After this long the loop gets a turn, so that a flood on the stair delays answers by no more than that."""


class Stair:
    """The worker's subscription; ``open`` it on a running loop.

    ``on_waiting`` is called when samples came whose layout nobody announced.
    """

    def __init__(self, connect: Callable[[], Subscribe], fanout: Fanout) -> None:
        self.on_waiting: Callable[[], None] = _nothing
        self.frames = 0
        self.malformed = 0
        self._connect = connect
        self._fanout = fanout
        self._again = False
        self._socket: Subscribe | None = None

    def open(self) -> None:
        """Subscribe, on a running loop."""
        self._socket = self._connect()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.raw.fileno(), self._drain)
        # The descriptor tells of changes only: what came before it was watched would wait for the next message.
        self._loop.call_soon(self._drain)

    def close(self) -> None:
        """Stop listening."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket.raw.fileno())
            self._socket.close()
            self._socket = None

    def _resume(self) -> None:
        self._again = False
        self._drain()

    def _drain(self) -> None:
        until = time.perf_counter() + SLICE_SECONDS
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
            if time.perf_counter() > until:
                if not self._again:
                    self._again = True
                    self._loop.call_soon(self._resume)
                break
        self._fanout.flush()
        if self._fanout.waiting:
            self.on_waiting()


def _nothing() -> None:
    """Nobody asks for layouts."""
