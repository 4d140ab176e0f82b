"""Whether somebody keeps the host's clock right, as the kernel was told: adjtimex(2)."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Callable
from typing import ClassVar

from agent.readings import Ground, Readings

_TIMEX = struct.Struct("@IllllI")
"""The beginning of ``struct timex``: modes, offset, freq, maxerror and esterror in microseconds, status."""
_ROOM = 512
"""Bytes: all of ``struct timex`` and more. All zero, it asks and sets nothing."""
_UNSYNC = 0x40


def asked() -> tuple[int, int]:
    """The error at most, in microseconds, and the status; ``OSError`` where that may not be asked."""
    told = ctypes.create_string_buffer(_ROOM)
    if ctypes.CDLL(None, use_errno=True).adjtimex(told) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    _, _, _, error, _, status = _TIMEX.unpack_from(told)
    return error, status


class Clock:
    """A service such as chrony or systemd-timesyncd tells the kernel; where none does the error grows to 16 s."""

    fields: ClassVar = {
        "clock.synchronised": "1 while a time service keeps the clock right, 0 if none does",
        "clock.error_seconds": "how wrong the clock may be at most; 16 s if no time service says",
    }
    slow = True

    def __init__(self, ground: Ground, ask: Callable[[], tuple[int, int]] = asked) -> None:
        self._ask = ask

    def read(self) -> Readings:
        """Both; none where a container or unit forbids the call."""
        try:
            error, status = self._ask()
        except OSError as refused:
            if refused.errno not in (errno.EPERM, errno.ENOSYS):
                raise
            return {}
        return {"clock.synchronised": 0.0 if status & _UNSYNC else 1.0, "clock.error_seconds": round(error / 1e6, 2)}
