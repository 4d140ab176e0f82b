"""How full the file systems are."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import ClassVar

from agent import rounding
from agent.files import Kept
from agent.mounts import Mount, mounts
from agent.names import instance
from agent.readings import Ground, Reading, Readings

PATIENCE = 1.0
"""Seconds that all file systems together have to answer."""
LOCAL = frozenset({"ext2", "ext3", "ext4", "f2fs", "tmpfs", "vfat", "xfs"})
"""Types of file systems that answer from memory, without a server or a disk (vfat may count once): they do not hang."""
Sizes = tuple[int, int, int, int, int, int]
"""Block size, blocks, free blocks, blocks free for ordinary users, inodes, free inodes."""


def sizes(path: bytes) -> Sizes:
    """What the file system at ``path`` says of itself. Blocks for ever where its server is gone."""
    found = os.statvfs(path)
    return found.f_frsize, found.f_blocks, found.f_bfree, found.f_bavail, found.f_files, found.f_ffree


class _Question:
    """One file system being asked, in a thread of its own that may hang without harm to the others."""

    def __init__(self, ask: Callable[[bytes], Sizes], path: bytes) -> None:
        self.answer: Sizes | None = None
        self.done = threading.Event()
        self._ask, self._path = ask, path
        try:
            threading.Thread(target=self._asked, name="statvfs", daemon=True).start()
        except RuntimeError:  # the system has no thread left, as where many hang: it is asked the next time
            self.done.set()

    def _asked(self) -> None:
        try:
            self.answer = _answer(self._ask, self._path)
        finally:
            self.done.set()


def _answer(ask: Callable[[bytes], Sizes], path: bytes) -> Sizes | None:
    try:
        return ask(path)
    except OSError:  # no longer mounted, or not for us: no reading
        return None


class Disk:
    """Each file system that holds files, once, at its mount point. One that does not answer has no reading."""

    fields: ClassVar = {
        "disk[*].total": "size of the file system",
        "disk[*].used": "in use",
        "disk[*].free": "free for ordinary users",
        "disk[*].percent": "used in percent of used and free, as df tells it",
        "disk[*].inodes_percent": "inodes in use; no reading where there are none",
    }
    slow = True

    def __init__(self, ground: Ground, ask: Callable[[bytes], Sizes] = sizes, patience: float = PATIENCE) -> None:
        self._mountinfo = Kept(f"{ground.proc}/self/mountinfo")
        self._text, self._found = b"", list[Mount]()
        self._config = ground.config
        self._say = ground.say
        self._ask, self._patience = ask, patience
        self._hung: dict[Mount, _Question] = {}
        """By what is mounted, not by where: another server may be there since, and answer."""

    def read(self) -> Readings:
        """All file systems; returns within the patience even if some hang, which are not asked again meanwhile."""
        config = self._config
        readings: dict[str, Reading] = {}
        text = self._mountinfo.read()
        if text != self._text:
            self._text, self._found = text, mounts(text, config.skip_filesystems, config.skip_mounts)
            self._hung = {mount: question for mount, question in self._hung.items() if mount in self._found}
        found = self._found
        # Where there is another kind, the way to one of these may lead through it.
        if all(mount.kind in LOCAL for mount in found):
            for mount in found:
                readings.update(told(mount.point, _answer(self._ask, mount.path)))
            return readings
        questions = {mount: self._hung.get(mount) or _Question(self._ask, mount.path) for mount in found}
        deadline = time.monotonic() + self._patience
        for mount, question in questions.items():
            if question.done.wait(max(0.0, deadline - time.monotonic())):
                self._answered(mount)
                readings.update(told(mount.point, question.answer))
            else:
                self._waits(mount, question)
                readings.update(told(mount.point, None))
        return readings

    def _answered(self, mount: Mount) -> None:
        if self._hung.pop(mount, None):
            self._say(f"the file system {mount.point} answers again")

    def _waits(self, mount: Mount, question: _Question) -> None:
        if mount not in self._hung:
            self._hung[mount] = question
            self._say(f"the file system {mount.point} ({mount.kind}) does not answer; it is left alone until it does")


def told(point: str, answer: Sizes | None) -> Readings:
    """The readings of the file system at ``point``; without an answer its names stay and have no values."""
    total = used = free = percent = inodes_percent = None
    if answer is not None:
        block, blocks, unused, usable, inodes, free_inodes = answer
        total, used, free = float(blocks * block), float((blocks - unused) * block), float(usable * block)
        percent = rounding.percent(used, used + free)
        inodes_percent = rounding.percent(inodes - free_inodes, inodes)
    name = instance(point)
    return {
        f"disk[{name}].total": total,
        f"disk[{name}].used": used,
        f"disk[{name}].free": free,
        f"disk[{name}].percent": percent,
        f"disk[{name}].inodes_percent": inodes_percent,
    }
