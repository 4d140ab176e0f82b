"""The control groups of this host (the kernel's cgroup-v2.rst): where they are, and what their processes take."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress

from agent import files
from agent.readings import Count, Reading

_MICROSECONDS = 1e-4
"""A microsecond per second is so much of a percent."""


def unified(folder: str) -> str | None:
    """Where the unified hierarchy is of which ``folder`` is the usual place; None where there are only old ones.

    A host that has both tells the CPU time there, and neither memory nor processes.
    """
    if os.path.isdir(f"{folder}/unified"):
        return f"{folder}/unified"
    return None if os.path.isdir(f"{folder}/cpuacct") else folder


def found(folder: str, deep: int, is_sought: Callable[[str], bool], is_entered: Callable[[str], bool]) -> Iterator[str]:
    """The folders of all groups below ``folder`` whose names are sought: none that is within one of them.

    Groups whose names say so are entered, so many within each other.
    """
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    for name in names:
        if is_sought(name):
            yield f"{folder}/{name}"
        elif deep and is_entered(name):
            yield from found(f"{folder}/{name}", deep - 1, is_sought, is_entered)


def taken(folder: str) -> dict[str, Reading]:
    """``cpu_percent``, ``memory_bytes`` and ``processes`` of the group; raises ``OSError`` when it has ended."""
    return {
        "cpu_percent": usage(files.text(f"{folder}/cpu.stat")),
        "memory_bytes": _number(f"{folder}/memory.current"),
        "processes": _number(f"{folder}/pids.current"),
    }


def process(folder: str) -> int | None:
    """One process of the group, or of a group within it; None where there is none."""
    for one in (folder, *(f"{folder}/{name}" for name in files.listed(folder))):
        with suppress(OSError):  # no folder, or it has just ended
            if told := files.text(f"{one}/cgroup.procs").split():
                return int(told[0])
    return None


def usage(text: str) -> Count | None:
    """The CPU time in the line ``usage_usec 123`` of cpu.stat; None where there is none."""
    number = text.partition("usage_usec ")[2].partition("\n")[0]
    return Count(int(number), _MICROSECONDS) if number else None


def _number(path: str) -> float | None:
    """None where the controller is not on for the group."""
    try:
        return float(files.text(path))
    except FileNotFoundError:
        return None
