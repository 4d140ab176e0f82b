"""How many processes and users there are."""

from __future__ import annotations

import os
from typing import ClassVar

import psutil

from agent.readings import Ground, Readings


class Tasks:
    """Counts that take a walk over a folder or a file."""

    fields: ClassVar = {
        "system.processes": "processes, the kernel's own too",
        "system.users": "sessions of people who are logged in",
    }
    slow = True

    def __init__(self, ground: Ground) -> None:
        self._proc = ground.proc

    def read(self) -> Readings:
        """Both counts."""
        return {
            "system.processes": float(sum(name.isdigit() for name in os.listdir(self._proc))),
            "system.users": float(len(psutil.users())),
        }
