"""How much memory there is for the hub: the machine's, or less where a container or a unit has a limit.

Sources: the kernel's admin-guide/cgroup-v2.rst (``memory.max``) and cgroup-v1/memory.rst (``memory.limit_in_bytes``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_LIMITS = {"": ("", "memory.max"), "memory": ("memory", "memory.limit_in_bytes")}
"""By the controller, none in the second version: where its groups are, and the file with the limit."""


def machine_bytes(root: Path = Path("/")) -> int:
    """The least of the machine's memory and of the limits of the groups that this process is in."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([physical, *_limits(root)])


def _limits(root: Path) -> Iterator[int]:
    lines: list[str] = []
    with suppress(OSError):
        lines = (root / "proc/self/cgroup").read_text(errors="replace").splitlines()
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller in _LIMITS.keys() & controllers.split(","):
            folder, file = _LIMITS[controller]
            top = root / "sys/fs/cgroup" / folder
            group = top / path.strip("/")
            # In a container the groups above it may be out of sight, and its own be the topmost.
            for one in (group, *(above for above in group.parents if above.is_relative_to(top))):
                with suppress(OSError, ValueError):  # there is no limit in "max"
                    yield int((one / file).read_text())
