"""Wait on sockets, timers and signals, call their handlers, stop cleanly.

One thread, no coroutines: receiving through asyncio costs ten times as much a message. A handler that is called
because its socket is readable should drain it without blocking, up to a limit, and return.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import zmq

Handler = Callable[[], None]
LONGEST_WAIT = 1.0
"""Seconds: an idle loop passes at least this often, so that its beat shows that it lives."""


class Timer:
    """A call that is due once or again and again; ``cancel`` ends it."""

    __slots__ = ("cancelled", "due", "handler", "period")

    def __init__(self, due: float, handler: Handler, period: float | None) -> None:
        self.due = due
        self.handler = handler
        self.period = period
        self.cancelled = False

    def cancel(self) -> None:
        """The handler will not be called again."""
        self.cancelled = True


class Loop:
    """The loop of one program; ``run`` returns after ``stop``, SIGTERM or SIGINT."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.longest_handler = 0.0
        self.asked_to_end = False
        """Whether a signal came that ends the loop after the pass that is under way: long work is given up for it."""
        self.on_asked: Handler | None = None
        """Called as soon as such a signal comes, amid whatever is done: it may take no time and rely on nothing."""
        self._clock = clock
        self._poller = zmq.Poller()
        self._handlers: dict[Any, Handler] = {}
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._signals: dict[int, Handler] = {signal.SIGTERM: self.stop, signal.SIGINT: self.stop}
        self._at_end: list[Handler] = []
        self._after_pass: list[Handler] = []
        self._running = False
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.on_readable(self._wake_read, self._awake)

    def on_readable(self, socket: zmq.Socket[bytes] | int, handler: Handler) -> None:
        """Call ``handler`` whenever ``socket`` (a zmq socket or a file descriptor) has something to read."""
        self._poller.register(socket, zmq.POLLIN)
        self._handlers[socket] = handler

    def on_writable(self, file: int, handler: Handler) -> None:
        """Call ``handler`` whenever something may be written to the file descriptor, and not when it may be read."""
        self._poller.register(file, zmq.POLLOUT)
        self._handlers[file] = handler

    def forget(self, socket: zmq.Socket[bytes] | int) -> None:
        """Stop watching ``socket``; watching it already ended is no fault."""
        if self._handlers.pop(socket, None) is not None:
            self._poller.unregister(socket)

    def every(self, seconds: float, handler: Handler, *, at_once: bool = False) -> Timer:
        """Call ``handler`` each ``seconds`` without drift; turns missed while the process slept are skipped."""
        return self._schedule(Timer(self._clock() + (0.0 if at_once else seconds), handler, seconds))

    def after(self, seconds: float, handler: Handler) -> Timer:
        """Call ``handler`` once, in ``seconds``."""
        return self._schedule(Timer(self._clock() + seconds, handler, None))

    def on_stop(self, handler: Handler) -> None:
        """Call ``handler`` when the loop has ended; the last one added is called first."""
        self._at_end.append(handler)

    def on_signal(self, number: signal.Signals, handler: Handler) -> None:
        """Call ``handler`` in the loop after signal ``number`` has come."""
        self._signals[number] = handler

    def after_pass(self, handler: Handler) -> None:
        """Call ``handler`` after each pass in which all due handlers did their work."""
        self._after_pass.append(handler)

    def in_passing(self, seconds: float, handler: Handler) -> None:
        """Call ``handler`` in passes that happen anyway, ``seconds`` apart or more: it wakes nobody by itself."""
        last = self._clock()

        def passed() -> None:
            nonlocal last
            now = self._clock()
            if now - last >= seconds:
                last = now
                self._timed(handler)

        self.after_pass(passed)

    def stop(self) -> None:
        """End the loop after the pass that is under way."""
        self._running = False
        self.wake()

    def wake(self) -> None:
        """Make a waiting loop pass; may be called from any thread."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_write, b"\0")

    def run(self) -> None:
        """Pass until stopped, then call the handlers of ``on_stop``."""
        self._running = True
        before = self._listen_to_signals()
        try:
            while self._running:
                self.pass_once()
        finally:
            try:
                self.end()
            finally:
                self._restore_signals(before)

    def end(self) -> None:
        """Call the handlers of ``on_stop`` that were not called yet; for a program that ends before its loop began."""
        while self._at_end:
            self._at_end.pop()()

    def pass_once(self, longest_wait: float = LONGEST_WAIT) -> None:
        """Wait for the next thing to do, do all that is due."""
        for socket, _ in self._poller.poll(self._wait_ms(longest_wait)):
            handler = self._handlers.get(socket)
            if handler is not None:
                self._timed(handler)
        self._call_due_timers()
        for handler in self._after_pass:
            handler()

    def _schedule(self, timer: Timer) -> Timer:
        heapq.heappush(self._timers, (timer.due, next(self._order), timer))
        return timer

    def _wait_ms(self, longest_wait: float) -> int:
        timers = self._timers
        while timers and timers[0][2].cancelled:
            # Nobody is woken for what will not be called.
            heapq.heappop(timers)
        wait = longest_wait
        if timers:
            wait = min(wait, max(0.0, timers[0][0] - self._clock()))
        return int(wait * 1000 + 0.999)

    def _call_due_timers(self) -> None:
        now = self._clock()
        while self._timers and self._timers[0][0] <= now:
            _, _, timer = heapq.heappop(self._timers)
            if timer.cancelled:
                continue
            if timer.period is not None:
                missed = (now - timer.due) // timer.period
                timer.due += timer.period * (missed + 1)
                self._schedule(timer)
            self._timed(timer.handler)

    def _timed(self, handler: Handler) -> None:
        start = self._clock()
        handler()
        self.longest_handler = max(self.longest_handler, self._clock() - start)

    def _awake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for number in os.read(self._wake_read, 4096):
                handler = self._signals.get(number)
                if handler is not None:
                    handler()

    def _listen_to_signals(self) -> dict[int, Any]:
        # Python writes the signal's number to the pipe; the handler itself runs in the loop, never in the
        # middle of another one.
        self._old_wakeup = signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        return {number: signal.signal(number, self._came) for number in self._signals}

    def _came(self, number: int, _: object) -> None:
        if self._signals.get(number) == self.stop:
            self.asked_to_end = True
            if self.on_asked is not None:
                self.on_asked()

    def _restore_signals(self, before: dict[int, Any]) -> None:
        signal.set_wakeup_fd(self._old_wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        self.forget(self._wake_read)
        os.close(self._wake_read)
        os.close(self._wake_write)
