"""How long the host is up and what runs on it, from its clock and /proc/loadavg."""

from __future__ import annotations

import time
from typing import ClassVar

from agent.files import LINE, Kept
from agent.readings import Ground, Readings


class System:
    """The host as a whole, as far as it is told at once."""

    fields: ClassVar = {
        "system.uptime_seconds": "time since the host was started, sleep included",
        "system.processes_running": "threads that run or wait for a core",
        "system.threads": "threads of all processes, the kernel's own too",
    }
    slow = False

    def __init__(self, ground: Ground) -> None:
        self._loadavg = Kept(f"{ground.proc}/loadavg", LINE)

    def read(self) -> Readings:
        """All of them; the fourth word of /proc/loadavg is ``running/threads``."""
        running, _, threads = self._loadavg.read().split()[3].partition(b"/")
        return {
            "system.uptime_seconds": round(time.clock_gettime(time.CLOCK_BOOTTIME), 2),
            "system.processes_running": float(running),
            "system.threads": float(threads),
        }
