"""How often the kernel kills for want of memory, from /proc/vmstat."""

from __future__ import annotations

from typing import ClassVar

from agent.files import LINE, Kept
from agent.readings import Count, Ground, Readings

_LABEL = b"\noom_kill "


class Oom:
    """Kills in the whole host, also within the limit of one container or unit."""

    fields: ClassVar = {"memory.oom_kills_per_s": "processes that the kernel killed for want of memory"}
    slow = True

    def __init__(self, ground: Ground) -> None:
        self._vmstat = Kept(f"{ground.proc}/vmstat", LINE)

    def read(self) -> Readings:
        """The one counter; kernels before 4.13 have none."""
        text = self._vmstat.read()
        start = text.find(_LABEL)
        if start < 0:
            return {}
        return {"memory.oom_kills_per_s": Count(int(text[start + len(_LABEL) :].split(b"\n", 1)[0]))}
