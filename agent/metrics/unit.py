"""What systemd's units and containers take, from their control groups (the kernel's cgroup-v2.rst)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import ClassVar

from agent.names import instance, skipped
from agent.readings import Count, Ground, Reading, Readings

MOST = 200
"""Units that are told: more would be a wide sample."""
DEEPEST = 4
"""Slices within slices."""
_MICROSECONDS = 1e-4
"""A microsecond per second is so much of a percent."""
_ID = re.compile(r"([0-9a-f]{12})[0-9a-f]{52}")
"""Of a container, as ``docker ps`` shows it and in full."""


class Unit:
    """Each service, scope and container that ``units`` names, by the name of its group."""

    fields: ClassVar = {
        "unit[*].cpu_percent": "CPU time of a unit's processes, in percent of one core",
        "unit[*].memory_bytes": "memory of a unit's processes, with the contents of files that they had read",
        "unit[*].processes": "its processes and threads",
    }
    slow = True

    def __init__(self, ground: Ground) -> None:
        self._root = unified(f"{ground.sys}/fs/cgroup")
        self._globs = ground.config.units
        if self._globs and self._root is None:
            ground.say("units are not told: this host has the first version of control groups alone")

    def read(self) -> Readings:
        """All units that are named and run; none where the host has no unified hierarchy of groups."""
        if not self._globs or self._root is None:
            return {}
        units = ((_ID.sub(r"\1", name), folder) for name, folder in found(self._root, DEEPEST))
        readings: dict[str, Reading] = {}
        for name, folder in sorted(one for one in units if skipped(one[0], self._globs))[:MOST]:
            unit = f"unit[{instance(name)}]"
            with suppress(OSError):  # it has just ended
                readings |= {
                    f"{unit}.cpu_percent": usage(_text(folder, "cpu.stat")),
                    f"{unit}.memory_bytes": _number(folder, "memory.current"),
                    f"{unit}.processes": _number(folder, "pids.current"),
                }
        return readings


def unified(folder: str) -> str | None:
    """Where the unified hierarchy is of which ``folder`` is the usual place; None where there are only old ones.

    A host that has both tells the CPU time there, and neither memory nor processes.
    """
    if os.path.isdir(f"{folder}/unified"):
        return f"{folder}/unified"
    return None if os.path.isdir(f"{folder}/cpuacct") else folder


def found(folder: str, deep: int) -> Iterator[tuple[str, str]]:
    """(name, folder) of each unit below the group ``folder``, so many groups deep: none that is within a unit."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    for name in names:
        if name.endswith((".service", ".scope")) or _ID.fullmatch(name):
            yield name, f"{folder}/{name}"
        elif deep and (name.endswith(".slice") or "." not in name):
            yield from found(f"{folder}/{name}", deep - 1)


def usage(text: str) -> Count | None:
    """The CPU time in the line ``usage_usec 123`` of cpu.stat; None where there is none."""
    number = text.partition("usage_usec ")[2].partition("\n")[0]
    return Count(int(number), _MICROSECONDS) if number else None


def _number(folder: str, file: str) -> float | None:
    """None where the controller is not on for the group."""
    try:
        return float(_text(folder, file))
    except FileNotFoundError:
        return None


def _text(folder: str, file: str) -> str:
    with open(f"{folder}/{file}") as opened:
        return opened.read()
