"""What the disks transfer, from /proc/diskstats."""

from __future__ import annotations

import os
from math import inf
from typing import ClassVar

from agent.files import LINE, Kept
from agent.names import instance, skipped
from agent.readings import Count, Ground, Mean, Reading, Readings

_SECTOR = 512
"""Bytes: the kernel counts in these whatever the disk's own sectors are."""
_COLUMNS = (
    # which counter of the line, factor, at most, field
    (2, _SECTOR, inf, "read_bytes_per_s"),
    (6, _SECTOR, inf, "write_bytes_per_s"),
    (0, 1.0, inf, "reads_per_s"),
    (4, 1.0, inf, "writes_per_s"),
    (9, 0.1, 100.0, "busy_percent"),  # milliseconds per second are tenths of a percent
)


class Io:
    """Transfers of each whole disk that ``skip_disks`` does not leave out; partitions are parts of those."""

    fields: ClassVar = {
        "io[*].read_bytes_per_s": "read",
        "io[*].write_bytes_per_s": "written",
        "io[*].reads_per_s": "reads that were completed",
        "io[*].writes_per_s": "writes that were completed",
        "io[*].busy_percent": "time with a transfer under way; a disk that does many at once may do more at 100",
        "io[*].wait_seconds": "how long a transfer took, its wait for the disk too; no reading while there is none",
    }
    slow = False

    def __init__(self, ground: Ground) -> None:
        self._diskstats = Kept(f"{ground.proc}/diskstats", LINE)
        self._block = f"{ground.sys}/block"
        self._skip = ground.config.skip_disks
        self._names: dict[bytes, tuple[str, tuple[tuple[int, float, float, str], ...]]] = {}

    def read(self) -> Readings:
        """The counters of all disks."""
        return self.parsed(self._diskstats.read())

    def parsed(self, text: bytes) -> Readings:
        """The readings in the text of /proc/diskstats: ``major minor sda reads merged sectors ms writes ...``."""
        readings: dict[str, Reading] = {}
        for line in text.splitlines():
            _, _, label, counters = line.split(None, 3)
            known = self._names.get(label)
            if known is None:
                known = self._learnt(label)
            wait, names = known
            if names:
                columns = list(map(int, counters.split()[:10]))
                for column, factor, most, name in names:
                    readings[name] = Count(columns[column], factor, most)
                readings[wait] = Mean(columns[3] + columns[7], columns[0] + columns[4], 1e-3)
        return readings

    def _learnt(self, label: bytes) -> tuple[str, tuple[tuple[int, float, float, str], ...]]:
        if len(self._names) > 10_000:
            self._names.clear()
        disk = label.decode("utf-8", "replace")
        wait, names = "", tuple[tuple[int, float, float, str], ...]()
        # Only whole disks have a folder of their own there; a slash in a name is written as an exclamation mark.
        if not skipped(disk, self._skip) and os.path.isdir(f"{self._block}/{disk.replace('/', '!')}"):
            name = instance(disk)
            names = tuple((column, factor, most, f"io[{name}].{field}") for column, factor, most, field in _COLUMNS)
            wait = f"io[{name}].wait_seconds"
        self._names[label] = wait, names
        return wait, names
