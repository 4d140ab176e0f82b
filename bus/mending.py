"""Takes up secrets that were lacking as soon as they can be had: the settings are read again, as on SIGHUP."""

from __future__ import annotations

import contextlib
import signal
from typing import Any

from bus import rooms
from bus.config import ConfigError
from bus.program import Program

MENDED_SECONDS = 60.0
"""So often is it looked for them."""


def mend(program: Program[Any], table: str) -> None:
    """Look from now on for secrets that the records of ``table`` lack."""
    program.loop.every(MENDED_SECONDS, lambda: look(program, table))


def look(program: Program[Any], table: str) -> None:
    """Have the settings read again if a secret can be had now that a record of ``table`` lacks."""
    if program.settings.is_there_now(table):
        with contextlib.suppress(ConfigError):  # which every reading of it would tell
            rooms.load(program.settings.path, needs=rooms.needs(program.table))
            signal.raise_signal(signal.SIGHUP)
