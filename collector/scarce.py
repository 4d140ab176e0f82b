"""What waits while this process may open no more files: its connections took them all.

Connections come faster than those that are too many can be ended. Until that is done nothing of the collector's own
may end it, for then all of them would come again at once.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

NO_FILES = (errno.EMFILE, errno.ENFILE)


def in_time(handler: Callable[[], object]) -> Callable[[], None]:
    """``handler``, which is called again and again, and may do nothing this time for want of a file."""

    def tried() -> None:
        try:
            handler()
        except OSError as error:
            if error.errno not in NO_FILES:
                raise

    return tried
