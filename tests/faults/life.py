"""What the lives here have in common: they say what they acknowledged, and can ask that the disk be well again."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 6
"""So often something is tried after the disk is well again: then it goes on, or never will."""
_flags = mmap.mmap(-1, 2)
"""Shared with who injects: whether the disk is well, and whether no call is watched now."""


def say(what: str) -> None:
    """Tell who watches."""
    print(what, flush=True)


def calm() -> None:
    """Let the disk be well from now on."""
    _flags[0] = 1


def is_calm() -> bool:
    """Whether it is."""
    return bool(_flags[0])


def is_watched() -> bool:
    """Whether what is called now may fail."""
    return not _flags[1]


def begin() -> None:
    """Begin anew, for another life."""
    _flags[:] = b"\0\0"


@contextmanager
def unwatched() -> Iterator[None]:
    """Within, nothing fails."""
    _flags[1] = 1
    try:
        yield
    finally:
        _flags[1] = 0
