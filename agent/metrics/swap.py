"""How much is swapped out and how busily, from /proc/swaps and /proc/vmstat."""

from __future__ import annotations

import resource
from typing import ClassVar

from agent import rounding
from agent.files import LINE, Kept
from agent.readings import Count, Ground, Readings

_PAGE = resource.getpagesize()


class Swap:
    """Swap space in bytes. Without any, its use in percent and its traffic have no reading."""

    fields: ClassVar = {
        "swap.total": "swap space",
        "swap.used": "swap space in use",
        "swap.percent": "used in percent of total",
        "swap.in_bytes_per_s": "read back into memory",
        "swap.out_bytes_per_s": "written out of memory",
    }
    slow = False

    def __init__(self, ground: Ground) -> None:
        self._text, self._space = b"", (0, 0)
        self._swaps = Kept(f"{ground.proc}/swaps", LINE)
        self._vmstat = Kept(f"{ground.proc}/vmstat", LINE)

    def read(self) -> Readings:
        """All of them; /proc/vmstat is dear, and read only where there is swap."""
        text = self._swaps.read()
        if text != self._text:
            self._text, self._space = text, space(text)
        total, used = self._space
        inward, outward = traffic(self._vmstat.read()) if total else (None, None)
        return {
            "swap.total": float(total),
            "swap.used": float(used),
            "swap.percent": rounding.percent(used, total),
            "swap.in_bytes_per_s": inward,
            "swap.out_bytes_per_s": outward,
        }


def space(text: bytes) -> tuple[int, int]:
    """(total, used) bytes in the text of /proc/swaps: ``/dev/sda2 partition size used priority``, in kB."""
    total = used = 0
    for line in text.splitlines()[1:]:
        *_, size, taken, _priority = line.split()
        total += 1024 * int(size)
        used += 1024 * int(taken)
    return total, used


def traffic(text: bytes) -> tuple[Count | None, Count | None]:
    """Bytes swapped (in, out) since boot in the text of /proc/vmstat, which counts pages."""
    return _pages(text, b"\npswpin "), _pages(text, b"\npswpout ")


def _pages(text: bytes, label: bytes) -> Count | None:
    start = text.find(label)
    return Count(int(text[start + len(label) :].split(b"\n", 1)[0]), _PAGE) if start >= 0 else None
