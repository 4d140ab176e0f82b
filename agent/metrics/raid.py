"""How whole the software RAIDs are, from /sys/block/md*/md (the kernel's admin-guide/md.rst)."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import ClassVar

from agent import rounding
from agent.names import instance
from agent.readings import Ground, Reading, Readings


class Raid:
    """Each array of the kernel's own that can lose a disk and live; others have nothing to miss."""

    fields: ClassVar = {
        "raid[*].missing": "disks that an array lacks",
        "raid[*].sync_percent": "how far its check or rebuild has come; no reading while there is none",
    }
    slow = True

    def __init__(self, ground: Ground) -> None:
        self._block = f"{ground.sys}/block"

    def read(self) -> Readings:
        """All arrays, by name."""
        readings: dict[str, Reading] = {}
        for name in sorted(one for one in _listed(self._block) if one.startswith("md")):
            with suppress(OSError):  # it is being stopped, or has no redundancy
                missing = int(self._text(name, "degraded"))
                done = synced(self._text(name, "sync_completed"))
                readings[f"raid[{instance(name)}].missing"] = float(missing)
                readings[f"raid[{instance(name)}].sync_percent"] = done
        return readings

    def _text(self, name: str, file: str) -> str:
        with open(f"{self._block}/{name}/md/{file}") as opened:
            return opened.read()


def synced(text: str) -> float | None:
    """The percentage in ``123 / 456``; None for ``none`` and ``delayed``."""
    done, slash, whole = text.partition("/")
    return rounding.percent(int(done), int(whole)) if slash else None


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []
