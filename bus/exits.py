"""Exit codes of programs and commands, and how long a program lives on before it ends with one.

0 asked to stop; 70 a fault of ours; 100 asked wrongly, starting again is useless; 111 the world failed, try again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

STOPPED, BUG, WRONG, TRY_AGAIN = 0, 70, 100, 111
PAUSE = 5.0
"""Seconds between a failure of the world and the exit, so that the supervisor's restarts do not spin."""


def unwritable(error: OSError) -> str:
    """What stands in the way of writing, as a part of a sentence."""
    return f"cannot write {error.filename or 'to the disk'}: {(error.strerror or str(error)).lower()}"


NO_THREAD = "the system starts no thread more for this user (ulimit -u), or for this unit (TasksMax)"


def lacks_thread(error: Exception) -> bool:
    """Whether Python says by it that no thread could be started."""
    return isinstance(error, RuntimeError) and "start new thread" in str(error)


def outlast_start(*, at_once: bool) -> None:
    """Live long enough for supervisord to take exit code 100 for an end, not for a failed start; or end ``at_once``."""
    if "SUPERVISOR_ENABLED" in os.environ and not at_once:
        sys.stderr.flush()
        pause(PAUSE)


def pause(seconds: float) -> None:
    """Wait, but not when asked to stop."""
    ends_with(TRY_AGAIN)
    time.sleep(seconds)


def ends_with(code: int) -> None:
    """From now on SIGTERM ends this program with ``code``."""
    with contextlib.suppress(ValueError):  # outside the main thread there are no signals to wait for
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(code))
