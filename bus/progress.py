"""How far a long command is: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TextIO

from bus.timing import in_words

WIDTH = 30
DRAW_SECONDS, LINE_SECONDS = 0.2, 10.0

DUMB = "dumb"
"""The ``TERM`` of a terminal that obeys no sequences: they would be seen as rubbish."""


def obeys(stream: TextIO) -> bool:
    """Whether ``stream`` leads to a terminal on which lines can be drawn anew."""
    return stream.isatty() and os.environ.get("TERM") != DUMB


class Progress:
    """Tell it ``done`` as often as you like; it draws seldom. ``total`` 0: not known.

    ``began`` was done before, and says nothing about how fast it goes now. No line is longer than its terminal is wide.
    """

    def __init__(
        self,
        what: str,
        total: float,
        stream: TextIO,
        clock: Callable[[], float] = time.monotonic,
        *,
        quiet: bool = False,
        began: float = 0,
    ) -> None:
        self._what = what
        self._total = total
        self._stream = stream
        self._clock = clock
        self._began = self._drawn = clock()
        self._before = began
        self._quiet = quiet
        self._terminal = obeys(stream)
        self._shown = False

    def at(self, done: float, note: str = "") -> None:
        """So much is done now."""
        now = self._clock()
        if self._quiet or now - self._drawn < (DRAW_SECONDS if self._terminal else LINE_SECONDS):
            return
        self._drawn = now
        self._write(self.line(done, now, note))

    def line(self, done: float, now: float, note: str = "") -> str:
        """What is shown: ``import [#####-----]  50 % 3m left, 1000 rows``."""
        share = min(1.0, done / self._total) if self._total else 0.0
        filled = int(share * WIDTH)
        gone = share - min(1.0, self._before / self._total) if self._total else 0.0
        left = (now - self._began) * (1 - share) / gone if gone > 0.005 else 0.0
        words = [f"{self._what} [{'#' * filled}{'-' * (WIDTH - filled)}] {100 * share:3.0f} %"]
        if left:
            words.append(f"{_about(left)} left")
        return ", ".join([*words, note] if note else words)

    def close(self) -> None:
        """Leave the terminal's line to what is written next."""
        if self._shown and self._terminal:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _write(self, line: str) -> None:
        self._shown = True
        if self._terminal:
            line = line[: _columns(self._stream) - 1]
        self._stream.write(f"\r{line}\x1b[K" if self._terminal else f"{line}\n")
        self._stream.flush()


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def _about(seconds: float) -> str:
    """A length of time as a person says it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return in_words(60 * round(seconds / 60)) if seconds < 5400 else in_words(3600 * round(seconds / 3600))
