"""Faults of memory that has ECC, from /sys/devices/system/edac/mc (the kernel's driver-api/edac.rst)."""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar

from agent.files import listed, text
from agent.names import instance
from agent.readings import Ground, Reading, Readings


class Ecc:
    """What each memory controller counted since the host was started; nothing where none counts."""

    fields: ClassVar = {
        "ecc[*].corrected_errors": "errors that were corrected: a module with many may be about to fail",
        "ecc[*].uncorrected_errors": "errors that were not: what was read there is wrong",
    }
    slow = True

    def __init__(self, ground: Ground) -> None:
        self._folder = f"{ground.sys}/devices/system/edac/mc"

    def read(self) -> Readings:
        """All controllers, by name."""
        readings: dict[str, Reading] = {}
        for name in (one for one in listed(self._folder) if one.startswith("mc")):
            with suppress(OSError):  # its driver is being taken out
                corrected, uncorrected = self._number(name, "ce_count"), self._number(name, "ue_count")
                readings[f"ecc[{instance(name)}].corrected_errors"] = corrected
                readings[f"ecc[{instance(name)}].uncorrected_errors"] = uncorrected
        return readings

    def _number(self, name: str, file: str) -> float:
        return float(text(f"{self._folder}/{name}/{file}"))
