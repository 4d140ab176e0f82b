"""How busy graphics processors are, from what the driver amdgpu tells in /sys (the kernel's gpu/amdgpu/thermal.rst)."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import ClassVar

from agent import rounding
from agent.files import listed, text
from agent.names import instance
from agent.readings import Ground, Reading, Readings

_CARD = re.compile(r"card\d+")
"""Its connectors are called ``card0-DP-1``."""


class Gpu:
    """Those by AMD; of others their own tools tell, which a plugin may ask. One that sleeps is not woken."""

    fields: ClassVar = {
        "gpu[*].percent": "time that it was busy",
        "gpu[*].memory_bytes": "its own memory in use",
        "gpu[*].memory_percent": "the same in percent of what it has; no reading where it has none of its own",
    }
    slow = True

    def __init__(self, ground: Ground) -> None:
        self._folder = f"{ground.sys}/class/drm"

    def read(self) -> Readings:
        """All cards that tell, by name."""
        readings: dict[str, Reading] = {}
        for name in filter(_CARD.fullmatch, listed(self._folder)):
            with suppress(OSError):  # another driver's, or being taken out
                busy, used, percent = self._told(name)
                readings[f"gpu[{instance(name)}].percent"] = busy
                readings[f"gpu[{instance(name)}].memory_bytes"] = used
                readings[f"gpu[{instance(name)}].memory_percent"] = percent
        return readings

    def _told(self, name: str) -> tuple[float | None, float | None, float | None]:
        total = self._number(name, "mem_info_vram_total")
        if self._text(name, "power/runtime_status") == "suspended":  # the next file would wake it
            return None, None, None
        busy, used = self._number(name, "gpu_busy_percent"), self._number(name, "mem_info_vram_used")
        return busy, used, rounding.percent(used, total)

    def _number(self, name: str, file: str) -> float:
        return float(self._text(name, file))

    def _text(self, name: str, file: str) -> str:
        return text(f"{self._folder}/{name}/device/{file}")
