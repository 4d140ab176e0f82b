"""What waits while this process may open no more files, or the disk takes nothing.

Connections come faster than those that are too many can be ended. Until that is done nothing of the collector's own
may end it, for then all of them would come again at once. Nor may a disk that is full: what comes is judged, shown and
told without it.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from bus import home

NO_FILES = (errno.EMFILE, errno.ENFILE)
NO_ROOM = (*NO_FILES, *home.PASSING)
"""Also for what is only left for others to read, and written anew each time."""


def in_time(handler: Callable[[], object], passing: tuple[int, ...] = NO_FILES) -> Callable[[], None]:
    """``handler``, which is called again and again, and may do nothing this time for one of these errors."""

    def tried() -> None:
        try:
            handler()
        except OSError as error:
            if error.errno not in passing:
                raise

    return tried
