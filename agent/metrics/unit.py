"""What systemd's units and containers take, from their control groups."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import ClassVar

from agent import groups
from agent.names import instance, literal, skipped
from agent.readings import Ground, Reading, Readings

MOST = 200
"""Units that are told: more would be a wide sample."""
DEEPEST = 4
"""Slices within slices."""
_ID = re.compile(r"([0-9a-f]{12})[0-9a-f]{52}")
"""Of a container, as ``docker ps`` shows it and in full."""


class Unit:
    """Each service, scope and container that ``units`` names, by the name of its group.

    One that is named without a ``*`` is told as not running when there is none of that name.
    """

    fields: ClassVar = {
        "unit[*].running": "1 while it runs; 0 when it does not, though ``units`` has its whole name",
        "unit[*].cpu_percent": "CPU time of a unit's processes, in percent of one core",
        "unit[*].memory_bytes": "memory of a unit's processes, with the contents of files that they had read",
        "unit[*].processes": "its processes and threads",
    }
    slow = True

    def __init__(self, ground: Ground) -> None:
        self._root = groups.unified(f"{ground.sys}/fs/cgroup")
        self._globs = ground.config.units
        self._expected = literal(self._globs)
        if self._globs and self._root is None:
            ground.say("units are not told: this host has the first version of control groups alone")

    def read(self) -> Readings:
        """All units that are named; none where the host has no unified hierarchy of groups."""
        if not self._globs or self._root is None:
            return {}
        units = ((_ID.sub(r"\1", name), folder) for name, folder in found(self._root, DEEPEST))
        readings: dict[str, Reading] = {f"unit[{instance(name)}].running": 0.0 for name in self._expected}
        for name, folder in sorted(one for one in units if skipped(one[0], self._globs))[:MOST]:
            unit = f"unit[{instance(name)}]"
            with suppress(OSError):  # it has just ended
                readings |= {f"{unit}.{field}": reading for field, reading in groups.taken(folder).items()}
                readings[f"{unit}.running"] = 1.0
        return readings


def found(folder: str, deep: int) -> Iterator[tuple[str, str]]:
    """(name, folder) of each unit below the group ``folder``, so many groups deep: none that is within a unit."""
    for unit in groups.found(folder, deep, _is_unit, lambda name: name.endswith(".slice") or "." not in name):
        yield unit.rpartition("/")[2], unit


def _is_unit(name: str) -> bool:
    return name.endswith((".service", ".scope")) or _ID.search(name) is not None
