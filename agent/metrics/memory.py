"""How much memory is used, from /proc/meminfo."""

from __future__ import annotations

from typing import ClassVar

from agent import rounding
from agent.files import LINE, Kept
from agent.readings import Ground, Readings


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
        self._meminfo = Kept(f"{ground.proc}/meminfo", LINE)

    def read(self) -> Readings:
        """All of them."""
        return parsed(self._meminfo.read())


def parsed(text: bytes) -> Readings:
    """The readings in the text of /proc/meminfo, whose lines are ``MemTotal:  16384 kB``."""
    total, cached, buffers = _told(text, b"MemTotal:"), _told(text, b"\nCached:"), _told(text, b"\nBuffers:")
    cached += _found(text, b"\nSReclaimable:") or 0
    available = _found(text, b"\nMemAvailable:")
    if available is None:  # kernels before 3.14, and some containers
        available = _told(text, b"\nMemFree:") + buffers + cached - (_found(text, b"\nShmem:") or 0)
    used = total - available
    return {
        "memory.total": float(total),
        "memory.used": float(used),
        "memory.available": float(available),
        "memory.cached": float(cached),
        "memory.buffers": float(buffers),
        "memory.percent": rounding.percent(used, total),
    }


def _told(text: bytes, label: bytes) -> int:
    found = _found(text, label)
    if found is None:
        raise ValueError(f"there is no {label.decode().strip()}")
    return found


def _found(text: bytes, label: bytes) -> int | None:
    """The bytes that the line with ``label`` tells; None when there is no such line."""
    start = text.find(label)
    if start < 0:
        return None
    start += len(label)
    return 1024 * int(text[start : text.index(b" kB", start)])
