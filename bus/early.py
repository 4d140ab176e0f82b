"""A program that is asked to stop before its loop listens: it ends once it is built, or soon in any case."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from typing import Any

from bus.exits import STOPPED
from bus.loop import Loop

SECONDS = 5.0
"""A program that is not built so long after it was asked ends where it stands: less than any supervisor waits."""
_ASKS = (signal.SIGTERM, signal.SIGINT)


class Early:
    """Until ``over``, who asks is noted in ``loop.asked_to_end`` and no more.

    An exception out of the blue would be lost where Python has nobody to tell it to, as in what a module's lock does
    when it goes; and one amid the making of a ZeroMQ socket leaves half of it, for which its context waits for ever.
    """

    def __init__(self, loop: Loop, log: logging.Logger) -> None:
        self._loop, self._log = loop, log
        self._before: dict[int, Any] = {}
        with contextlib.suppress(ValueError):  # outside the main thread there are no signals
            self._before = {number: signal.signal(number, self._noted) for number in _ASKS}
            self._before[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._late)

    def over(self) -> bool:
        """Whether it was asked; from now on a signal ends it by way of ``finally``, until others listen."""
        if self._before:
            for number in _ASKS:
                signal.signal(number, lambda *_: sys.exit(STOPPED))
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, self._before.pop(signal.SIGALRM) or signal.SIG_DFL)
        return self._loop.asked_to_end

    def restore(self) -> None:
        """Let all be as it was before."""
        if self._before:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
        for number, handler in self._before.items():
            signal.signal(number, handler or signal.SIG_DFL)

    def _noted(self, *_: object) -> None:
        if not self._loop.asked_to_end:
            self._loop.asked_to_end = True
            signal.setitimer(signal.ITIMER_REAL, SECONDS)

    def _late(self, *_: object) -> None:
        self._log.info("stopped before it had started")
        os._exit(STOPPED)
