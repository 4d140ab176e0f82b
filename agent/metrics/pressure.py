"""How long tasks wait for what they need, from /proc/pressure (the kernel's accounting/psi.rst)."""

from __future__ import annotations

import errno
from typing import ClassVar

from agent.readings import Count, Ground, Reading, Readings

_FIELDS = (
    # file, its line, field
    ("cpu", b"some", "pressure.cpu_percent"),
    ("memory", b"some", "pressure.memory_percent"),
    ("memory", b"full", "pressure.memory_full_percent"),
    ("io", b"some", "pressure.io_percent"),
    ("io", b"full", "pressure.io_full_percent"),
)
_MICROSECONDS = 1e-4
"""A microsecond per second is so much of a percent."""


class Pressure:
    """What the load tells in hindsight and of all causes together is told here at once and of each."""

    fields: ClassVar = {
        "pressure.cpu_percent": "time in which some task had to wait for a core",
        "pressure.memory_percent": "time in which some task waited for memory to be freed or read back",
        "pressure.memory_full_percent": "time in which all tasks that were not idle did",
        "pressure.io_percent": "time in which some task waited for a disk",
        "pressure.io_full_percent": "time in which all tasks that were not idle did",
    }
    slow = True

    def __init__(self, ground: Ground) -> None:
        self._folder = f"{ground.proc}/pressure"

    def read(self) -> Readings:
        """All of them; none where the kernel keeps no account of it."""
        try:
            totals = {name: parsed(self._text(name)) for name in ("cpu", "memory", "io")}
        except FileNotFoundError:
            return {}
        except OSError as error:
            if error.errno == errno.EOPNOTSUPP:  # it was started with psi=0
                return {}
            raise
        readings: dict[str, Reading] = {}
        for name, line, field in _FIELDS:
            if line in totals[name]:
                readings[field] = Count(totals[name][line], _MICROSECONDS, 100.0)
        return readings

    def _text(self, name: str) -> bytes:
        with open(f"{self._folder}/{name}", "rb") as file:
            return file.read()


def parsed(text: bytes) -> dict[bytes, int]:
    """The microseconds of each line ``some avg10=0.00 avg60=0.00 avg300=0.00 total=123``."""
    return {line.split(None, 1)[0]: int(line.rpartition(b"total=")[2]) for line in text.splitlines()}
