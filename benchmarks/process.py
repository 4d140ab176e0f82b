"""What a process has used, as the kernel counts it."""

from __future__ import annotations

import os
import time
from pathlib import Path

_WHOLE = 2
"""Of a process's clocks the one that counts all its threads, also those that ended (clock_getcpuclockid(3))."""


def cpu_seconds(pid: int) -> float:
    """CPU that a process of this machine has used, to the microsecond, its children not counted; raises ``OSError``."""
    return time.clock_gettime((~pid << 3) | _WHOLE)


def resident_bytes(pid: int) -> int:
    """Memory that a process has; raises ``OSError``."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
