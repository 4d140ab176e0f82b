"""Where ``guardia`` begins: Ctrl-C ends it without a word also while it is being loaded, not with half a traceback."""

from __future__ import annotations

import signal
from types import ModuleType


def main() -> int:
    """``guardia``."""
    return int(_loaded().main())


def agent() -> int:
    """``guardia-agent``."""
    return int(_loaded().agent())


def viewer() -> int:
    """``guardia-viewer``."""
    return int(_loaded().viewer())


def _loaded() -> ModuleType:
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # else whoever started it wants it to go on
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from bus import command

    signal.signal(signal.SIGINT, before)
    return command
