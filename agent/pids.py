"""Which processes there are: listed once for all who want to know it at about the same time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

FRESH_SECONDS = 0.5
"""The kernel looks at each process to list them; so long a list is good enough for the next one who asks."""


class Pids:
    """The numbers of all processes, as text, from the names in ``proc``."""

    def __init__(self, proc: str = "/proc", clock: Callable[[], float] = time.monotonic) -> None:
        self._proc, self._clock = proc, clock
        self._listed: tuple[float, list[str]] = float("-inf"), []

    def read(self) -> list[str]:
        """All of them, as they were half a second ago at most; raises ``OSError``."""
        at, found = self._listed
        now = self._clock()
        if not 0 <= now - at < FRESH_SECONDS:
            found = [name for name in os.listdir(self._proc) if name.isdigit()]
            self._listed = now, found
        return found
