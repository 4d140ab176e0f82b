"""Namespaces of the kernel for tests that need a disk or a network of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache

WHY_NOT = "this system lets nobody make namespaces (unshare, as root or with --map-root-user)"


def unshared(*kinds: str) -> list[str]:
    """The beginning of a command that runs in namespaces of these kinds (``mount``, ``net``), as root there."""
    own = [f"--{kind}" for kind in kinds]
    return ["unshare", *own] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", *own]


@cache
def can_unshare(*kinds: str) -> bool:
    """Whether such namespaces are to be had, and a disk may be mounted in one."""
    if shutil.which("unshare") is None:
        return False
    deed = ["mount", "-t", "tmpfs", "none", "/mnt"] if "mount" in kinds else ["true"]
    return subprocess.run([*unshared(*kinds), *deed], capture_output=True, check=False).returncode == 0
