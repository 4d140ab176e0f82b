"""How whole arrays of disks are: the kernel's own, Btrfs' and ZFS'.

From /sys/block/md*/md (the kernel's admin-guide/md.rst), /sys/fs/btrfs/*/devinfo (the kernel's fs/btrfs/sysfs.c) and
/proc/spl/kstat/zfs/*/state, which is what ``zpool status`` calls it (zpoolconcepts(7)).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import ClassVar

from agent import rounding
from agent.files import listed, text
from agent.names import instance
from agent.readings import Ground, Reading, Readings


class Raid:
    """Each array that can lose a disk and live, by its name or label; others have nothing to miss."""

    fields: ClassVar = {
        "raid[*].missing": "disks that an array lacks; 1 for a pool of ZFS that is not whole, which tells no number",
        "raid[*].sync_percent": "how far its check or rebuild has come; no reading while there is none",
    }
    slow = True

    def __init__(self, ground: Ground) -> None:
        self._block, self._btrfs = f"{ground.sys}/block", f"{ground.sys}/fs/btrfs"
        self._zfs = f"{ground.proc}/spl/kstat/zfs"

    def read(self) -> Readings:
        """All arrays, by name."""
        readings: dict[str, Reading] = {}
        for name in (one for one in listed(self._block) if one.startswith("md")):
            with suppress(OSError):  # it is being stopped, or has no redundancy
                missing = int(self._text(name, "degraded"))
                done = synced(self._text(name, "sync_completed"))
                readings[f"raid[{instance(name)}].missing"] = float(missing)
                readings[f"raid[{instance(name)}].sync_percent"] = done
        lacking: Counter[str] = Counter()
        for name, count in (*self._of_btrfs(), *self._of_zfs()):
            lacking[name] += count  # two may have one label
        readings.update({f"raid[{instance(name)}].missing": float(count) for name, count in lacking.items()})
        return readings

    def _of_btrfs(self) -> Iterator[tuple[str, int]]:
        for one in listed(self._btrfs):
            folder = f"{self._btrfs}/{one}"
            disks = listed(f"{folder}/devinfo")
            with suppress(OSError, ValueError):  # unmounted meanwhile, or a kernel before 5.10, which does not tell
                if len(disks) > 1:
                    lacking = sum(int(text(f"{folder}/devinfo/{disk}/missing")) for disk in disks)
                    yield text(f"{folder}/label") or one, lacking

    def _of_zfs(self) -> Iterator[tuple[str, int]]:
        for pool in listed(self._zfs):
            with suppress(OSError):  # the folder's other entries are files
                yield pool, text(f"{self._zfs}/{pool}/state") != "ONLINE"

    def _text(self, name: str, file: str) -> str:
        return text(f"{self._block}/{name}/md/{file}")


def synced(told: str) -> float | None:
    """The percentage in ``123 / 456``; None for ``none`` and ``delayed``."""
    done, slash, whole = told.partition("/")
    return rounding.percent(int(done), int(whole)) if slash else None
