"""How many processes and users there are."""

from __future__ import annotations

import contextlib
import struct
from typing import ClassVar

from agent.readings import Ground, Reading, Readings

UTMP = struct.Struct("=hxxi32s4s32s256shhiii16s20s")
"""A record of /run/utmp (utmp(5)): type, process, line, id, user and more, 384 bytes."""
USER_PROCESS = 7


class Tasks:
    """Counts that take a walk over a folder or a file."""

    fields: ClassVar = {
        "system.processes": "processes, the kernel's own too",
        "system.users": "sessions of people who are logged in",
    }
    slow = True

    def __init__(self, ground: Ground, utmp: str = "/run/utmp") -> None:
        self._pids = ground.pids
        self._utmp = utmp

    def read(self) -> Readings:
        """Both counts; sessions only where the host keeps account of them."""
        readings: dict[str, Reading] = {"system.processes": float(len(self._pids.read()))}
        with contextlib.suppress(FileNotFoundError), open(self._utmp, "rb") as file:
            readings["system.users"] = float(sessions(file.read(1_000_000)))
        return readings


def sessions(utmp: bytes) -> int:
    """How many people are logged in, from the content of /run/utmp; a torn record at its end does not count."""
    whole = len(utmp) // UTMP.size * UTMP.size
    return sum(record[0] == USER_PROCESS for record in UTMP.iter_unpack(utmp[:whole]))
