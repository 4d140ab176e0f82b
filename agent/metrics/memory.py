"""How much memory is used, from /proc/meminfo."""

from __future__ import annotations

import re
from typing import ClassVar

from agent import rounding
from agent.files import Kept
from agent.readings import Ground, Readings

_LINES = re.compile(rb"^(MemTotal|MemFree|MemAvailable|Buffers|Cached|SReclaimable|Shmem):\s+(\d+)", re.MULTILINE)


class Memory:
    """Memory by use, in bytes."""

    fields: ClassVar = {
        "memory.total": "memory that the kernel can give away",
        "memory.used": "what programs cannot get without swapping: total less available",
        "memory.available": "what programs can get without swapping",
        "memory.cached": "contents of files, and kernel caches that can be given back",
        "memory.buffers": "blocks of disks",
        "memory.percent": "used in percent of total",
    }
    slow = False

    def __init__(self, ground: Ground) -> None:
        self._meminfo = Kept(f"{ground.proc}/meminfo")

    def read(self) -> Readings:
        """All of them."""
        return parsed(self._meminfo.read())


def parsed(text: bytes) -> Readings:
    """The readings in the text of /proc/meminfo, whose lines are ``MemTotal:  16384 kB``."""
    found = {name: 1024 * int(kilobytes) for name, kilobytes in _LINES.findall(text[:2048])}
    total, cached = found[b"MemTotal"], found[b"Cached"] + found.get(b"SReclaimable", 0)
    available = found.get(b"MemAvailable")
    if available is None:  # kernels before 3.14, and some containers
        available = found[b"MemFree"] + found[b"Buffers"] + cached - found.get(b"Shmem", 0)
    used = total - available
    return {
        "memory.total": float(total),
        "memory.used": float(used),
        "memory.available": float(available),
        "memory.cached": float(cached),
        "memory.buffers": float(found[b"Buffers"]),
        "memory.percent": rounding.percent(used, total),
    }
