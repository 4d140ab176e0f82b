"""What file systems have met: the faults that they counted, from /sys/fs, and which the kernel made read-only.

ext4 keeps its count until it is checked (the kernel's ABI/testing/sysfs-fs-ext4), Btrfs each device's until ``btrfs
device stats --reset`` (btrfs-device(8)). Mounts are those of the first process where they may be read: a unit of
systemd's may have its own, all of which it is told are read-only.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import ClassVar

from agent.files import Kept, listed, text
from agent.mounts import Mount, mounts
from agent.names import instance
from agent.readings import Ground, Reading, Readings

_EXT = frozenset({"ext2", "ext3", "ext4"})
_LOCAL = _EXT | {"bcachefs", "btrfs", "f2fs", "jfs", "nilfs2", "reiserfs", "xfs"}
"""Types on a disk that take writes. Those that never do, as squashfs, look as if the kernel had made them read-only."""


class Filesystem:
    """Faults of file systems on disks. One that met a fault may go on, or take no more writes."""

    fields: ClassVar = {
        "disk[*].errors": "faults that ext4 or Btrfs counted since it was last checked or its counters were reset",
        "disk[*].read_only": "1 where the kernel made it read-only by itself, as over a fault, else 0",
    }
    slow = True

    def __init__(self, ground: Ground) -> None:
        self._config, self._sys = ground.config, ground.sys
        try:
            self._mountinfo = Kept(f"{ground.proc}/1/mountinfo")
        except OSError:  # hidepid
            self._mountinfo = Kept(f"{ground.proc}/self/mountinfo")
        self._table, self._found = b"", list[Mount]()

    def read(self) -> Readings:
        """Those on disks, each once, at its mount point."""
        table = self._mountinfo.read()
        if table != self._table:
            found = mounts(table, self._config.skip_filesystems, self._config.skip_mounts)
            self._table, self._found = table, [mount for mount in found if mount.kind in _LOCAL]
        readings: dict[str, Reading] = {}
        for mount in self._found:
            name = instance(mount.point)
            with suppress(OSError, ValueError):  # an older kernel, which counts none; or unmounted meanwhile
                readings[f"disk[{name}].errors"] = float(self._errors(mount))
            readings[f"disk[{name}].read_only"] = float(mount.fell_read_only)
        return readings

    def _errors(self, mount: Mount) -> int:
        if mount.kind in _EXT:
            device = os.readlink(f"{self._sys}/dev/block/{mount.device.decode()}")
            return int(text(f"{self._sys}/fs/ext4/{os.path.basename(device)}/errors_count"))
        if mount.kind == "btrfs":
            return sum(counted(text(path)) for path in self._counters(mount))
        raise FileNotFoundError(mount.kind)

    def _counters(self, mount: Mount) -> list[str]:
        """The files in which Btrfs counts, one for each of its devices."""
        device = os.path.basename(os.path.realpath(os.fsdecode(mount.source)))
        folder = f"{self._sys}/fs/btrfs"
        for one in listed(folder):
            if os.path.lexists(f"{folder}/{one}/devices/{device}"):
                of_each = f"{folder}/{one}/devinfo"
                # There are none on a kernel before 5.6.
                if files := [f"{of_each}/{number}/error_stats" for number in listed(of_each)]:
                    return files
        raise FileNotFoundError(device)


def counted(lines: str) -> int:
    """The sum of the numbers in ``write_errs 0\\nread_errs 2\\n...``; ValueError for ``invalid``."""
    numbers = lines.split()[1::2]
    if not numbers:
        raise ValueError(lines)
    return sum(map(int, numbers))
