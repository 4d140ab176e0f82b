"""Files of /proc and /sys, kept open and read again from their beginning."""

from __future__ import annotations

import os

_PIECE = 65_536
_PAGE = 4096
LINE = 1024
"""Bytes: longer is no line of the tables that have a line for each device."""


class Kept:
    """One file that is opened once; the kernel makes its text anew at every reading."""

    __slots__ = ("_fd", "_short")

    def __init__(self, path: str, longest_line: int = _PAGE) -> None:
        """``longest_line``: no line of it is longer, in bytes."""
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._short = _PAGE - longest_line

    def read(self) -> bytes:
        """All of it. Not for two threads at once."""
        if self._short > 0:
            # The kernel fills a page with lines as long as they fit: where one more would have, there was no more.
            text = os.pread(self._fd, _PAGE, 0)
            if len(text) <= self._short:
                return text
            self._short = 0
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


def there_is(folder: str, prefix: str) -> bool:
    """Whether anything in the folder has a name that begins so; a folder that is not there holds nothing."""
    return any(name.startswith(prefix) for name in listed(folder))


def listed(folder: str) -> list[str]:
    """The names in the folder, in their order; a folder that is not there has none."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def text(path: str) -> str:
    """What is in a file that is seldom read, without the white space around it; bytes that are no text as in names."""
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read().strip()
