"""How many tasks want to run, from /proc/loadavg."""

from __future__ import annotations

from typing import ClassVar

from agent.files import LINE, Kept
from agent.readings import Ground, Readings


class Load:
    """Tasks that run or wait for a core or a disk, averaged by the kernel."""

    fields: ClassVar = {
        "load.1m": "tasks running or waiting, over one minute",
        "load.5m": "over five minutes",
        "load.15m": "over fifteen minutes",
    }
    slow = False

    def __init__(self, ground: Ground) -> None:
        self._loadavg = Kept(f"{ground.proc}/loadavg", LINE)

    def read(self) -> Readings:
        """The three averages."""
        one, five, fifteen = self._loadavg.read().split()[:3]
        return {"load.1m": float(one), "load.5m": float(five), "load.15m": float(fifteen)}
