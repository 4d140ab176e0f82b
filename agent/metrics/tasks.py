"""How many processes and users there are."""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Sequence
from typing import ClassVar

from agent.readings import Ground, Reading, Readings

UTMP = struct.Struct("=hxxi32s4s32s256shhiii16s20s")
"""A record of /run/utmp (utmp(5)): type, process, line, id, user and more, 384 bytes."""
WIDE_UTMP = struct.Struct("=hxxi32s4s32s256shhqqq16s20sxxxx")
"""The same of 400 bytes, where session and time have 64 bits (glibc's bits/utmp.h without WORDSIZE_TIME64_COMPAT32)."""
_WIDE = frozenset({"aarch64", "loongarch64", "s390x"})
USER_PROCESS = 7
FIRST = "1"
"""The process that is there as long as the host, or the container, is."""


class Tasks:
    """Counts that take a walk over a folder or a file."""

    fields: ClassVar = {
        "system.processes": "processes, the kernel's own too; no reading where others are hidden from the agent",
        "system.users": "sessions of people who are logged in",
    }
    slow = True

    def __init__(self, ground: Ground, utmp: str = "/run/utmp") -> None:
        self._pids, self._say = ground.pids, ground.say
        self._hidden = False
        self._utmp = utmp
        self._record = record_of(os.uname().machine, 8 * struct.calcsize("P"))

    def read(self) -> Readings:
        """Both counts; sessions only where the host keeps account of them."""
        readings: dict[str, Reading] = {"system.processes": self._counted(self._pids.read())}
        with contextlib.suppress(FileNotFoundError), open(self._utmp, "rb") as file:
            readings["system.users"] = float(sessions(file.read(1_000_000), self._record))
        return readings

    def _counted(self, pids: Sequence[str]) -> float | None:
        # Where the first of all is not seen, /proc shows everybody his own alone (hidepid).
        hidden, self._hidden = self._hidden, FIRST not in pids
        if self._hidden and not hidden:
            self._say("processes of others are hidden from the agent (/proc is mounted with hidepid): none is counted")
        return None if self._hidden else float(len(pids))


def record_of(machine: str, bits: int) -> struct.Struct:
    """What a record is on a ``machine`` whose programs are of so many ``bits``."""
    return WIDE_UTMP if machine in _WIDE and bits == 64 else UTMP


def sessions(utmp: bytes, record: struct.Struct = UTMP) -> int:
    """How many people are logged in, from the content of /run/utmp; a torn record at its end does not count."""
    whole = len(utmp) // record.size * record.size
    return sum(fields[0] == USER_PROCESS for fields in record.iter_unpack(utmp[:whole]))
