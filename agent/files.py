"""Files of /proc and /sys, kept open and read again from their beginning."""

from __future__ import annotations

import glob
import os

_PIECE = 65_536


class Kept:
    """One file that is opened once; the kernel makes its text anew at every reading."""

    __slots__ = ("_fd",)

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self) -> bytes:
        """All of it. Not for two threads at once."""
        # Long tables come a page at a time. Reading on from where the last read ended is cheap; pread at an offset
        # makes the kernel produce all that is before it again.
        fd = self._fd
        os.lseek(fd, 0, os.SEEK_SET)
        text = piece = os.read(fd, _PIECE)
        while piece:
            piece = os.read(fd, _PIECE)
            text += piece
        return text

    def __del__(self) -> None:
        if hasattr(self, "_fd"):
            os.close(self._fd)


def there_is(*patterns: str) -> bool:
    """Whether a path matches any of the globs."""
    return any(next(glob.iglob(pattern), None) is not None for pattern in patterns)
