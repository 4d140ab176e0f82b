"""Descriptors that a test asserts on; others of its process come and go, as what earlier tests left is collected."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterator
from pathlib import Path


def opened(path: Path | str) -> list[str]:
    """What this process has open of a file, of a pipe, or beneath a folder; in no order, once for each descriptor."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # somebody else's, who closed it meanwhile
            found.append(os.readlink(f"/proc/self/fd/{number}"))
    return [one for one in found if one.startswith(str(path))]


@contextlib.contextmanager
def no_more_files() -> Iterator[None]:
    """Whoever wants to open one gets EMFILE."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Numbers 0 to 2 are never free; any other may become so at any time.
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
