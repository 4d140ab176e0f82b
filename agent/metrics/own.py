"""What measuring costs."""

from __future__ import annotations

import os
import resource
import time
from typing import ClassVar

from agent import rounding
from agent.files import LINE, Kept
from agent.names import instance
from agent.readings import Count, Ground, Reading, Readings

_PAGE = resource.getpagesize()


class Own:
    """The agent itself, with the CPU time of each metric's last reading."""

    fields: ClassVar = {
        "agent.cpu_percent": "CPU time of the agent, in percent of one core",
        "agent.rss_bytes": "resident memory of the agent",
        "agent.sample_seconds": "time that the last sample took, from its first reading until it was sent",
        "metric[*].seconds": "CPU time of the metric's last reading",
        "failing[*].seconds": "how long a metric, plugin or scrape could not be read; 0 once it can, absent if always",
    }
    slow = False

    def __init__(self, ground: Ground) -> None:
        self._costs = ground.costs
        self._names = {name: f"metric[{name}].seconds" for name in ground.costs.groups}
        self._statm = Kept("/proc/self/statm", LINE)

    def read(self) -> Readings:
        """All of them."""
        user, system, *_ = os.times()
        readings: dict[str, Reading] = {
            "agent.cpu_percent": Count(user + system, 100.0),
            "agent.rss_bytes": float(int(self._statm.read().split()[1]) * _PAGE),
            "agent.sample_seconds": None if self._costs.turn is None else rounding.cost(self._costs.turn),
        }
        groups = self._costs.groups
        for group, name in self._names.items():
            readings[name] = groups[group]
        if self._costs.failing:
            now = time.monotonic()
            for name, since in tuple(self._costs.failing.items()):
                readings[f"failing[{instance(name)}].seconds"] = 0.0 if since is None else float(round(now - since))
        return readings
