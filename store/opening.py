"""What the store's programs share: opening the files while another makes them, and how much room the disk has."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bus.program import TryAgain
from store.backends import StoreBroken

FIRST_SECONDS = 5.0
"""How long whoever only reads waits for files that the writer is about to make, at the very first start."""
B = TypeVar("B")


def opened(make: Callable[[], B], patience: float = 0.0) -> B:
    """What ``make`` opens, tried for ``patience`` seconds; raises ``TryAgain``."""
    until = time.monotonic() + patience
    while True:
        try:
            return make()
        except StoreBroken as error:
            if time.monotonic() >= until:
                raise TryAgain(f"cannot open the store: {error}") from None
        time.sleep(0.05)


def free_bytes(path: Path) -> int:
    """What the disk below ``path`` has left for us."""
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize
