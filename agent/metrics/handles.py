"""How many files are open, from /proc/sys/fs/file-nr."""

from __future__ import annotations

from typing import ClassVar

from agent import rounding
from agent.files import LINE, Kept
from agent.readings import Ground, Readings


class Handles:
    """Files, pipes and sockets of all processes, of which the kernel holds so many and no more."""

    fields: ClassVar = {
        "system.open_files": "files, pipes and sockets that are open",
        "system.open_files_percent": "the same in percent of what the kernel allows",
    }
    slow = True

    def __init__(self, ground: Ground) -> None:
        self._file_nr = Kept(f"{ground.proc}/sys/fs/file-nr", LINE)

    def read(self) -> Readings:
        """Both; the file has what is open, what is free of that, and the most."""
        opened, free, most = (int(word) for word in self._file_nr.read().split())
        used = opened - free
        return {"system.open_files": float(used), "system.open_files_percent": rounding.percent(used, most)}
