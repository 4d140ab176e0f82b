"""The containers of Docker or Podman: whether they run and are healthy, and what they take."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from agent import files, groups
from agent.names import instance, literal, skipped
from agent.readings import Count, Ground, Reading, Readings

if TYPE_CHECKING:
    from agent.engine import Container as Told

MOST = 100
"""Containers that are told: more would be a wide sample."""
_DEEPEST = 8
"""Groups within groups; those of a user's own Podman are within units of that user's."""
_ID = re.compile(r"[0-9a-f]{64}")


class Container:
    """Each that ``containers`` names, by its own name: those that run first, where there are too many for a sample.

    One that is named without a ``*`` is told as not running when there is none of that name.
    """

    fields: ClassVar = {
        "container[*].running": "1 while it runs; 0 when it ended, is paused, or waits to be started again",
        "container[*].restarting": "1 while it waits to be started again, since it ended by itself; else 0",
        "container[*].healthy": "1 or 0, as its own health check says; absent without one",
        "container[*].exit_code": "with which it ended; absent while it runs",
        "container[*].cpu_percent": "CPU time of its processes, in percent of one core",
        "container[*].memory_bytes": "memory of its processes, with the contents of files that they had read",
        "container[*].processes": "its processes and threads",
        "container[*].rx_bytes_per_s": "received by its own network; absent where it has the host's",
        "container[*].tx_bytes_per_s": "sent by its own network",
    }
    slow = True

    def __init__(self, ground: Ground) -> None:
        self._globs = ground.config.containers
        if not self._globs:
            return
        from agent.engine import Engine  # its client is not for those who have no containers

        self._engine = Engine(ground.config.container_socket)
        self._expected = literal(self._globs)
        self._proc = ground.proc
        self._root = groups.unified(f"{ground.sys}/fs/cgroup")
        self._folders: dict[str, str | None] = {}
        self._ids: dict[str, str] = {}
        if self._root is None:
            ground.say("what containers take is not told: this host has the first version of control groups alone")

    def read(self) -> Readings:
        """All containers that are named; raises ``OSError`` when the engine does not answer."""
        if not self._globs:
            return {}
        named = [one for one in self._engine.containers() if skipped(one.name, self._globs)]
        chosen = sorted(
            sorted(named, key=lambda one: (one.state != "running", one.name))[:MOST], key=lambda one: one.name
        )
        self._find({one.id for one in chosen if one.state == "running"})
        readings: dict[str, Reading] = {
            f"container[{instance(name)}].{field}": 0.0
            for name in self._expected
            if all(one.name != name for one in named)
            for field in ("running", "restarting")
        }
        for one in chosen:
            same = self._ids.get(one.name, one.id) == one.id
            for field, reading in (self._state(one) | self._taken(one)).items():
                # Counters of another container that had this name before are no beginning for this one's.
                told = reading if same or not isinstance(reading, Count) else None
                readings[f"container[{instance(one.name)}].{field}"] = told
        self._ids = {one.name: one.id for one in chosen}
        return readings

    def _state(self, one: Told) -> dict[str, Reading]:
        readings: dict[str, Reading] = {
            "running": float(one.state == "running"),
            "restarting": float(one.state == "restarting"),
        }
        if one.healthy is not None:
            readings["healthy"] = float(one.healthy)
        if one.code is not None:
            readings["exit_code"] = float(one.code)
        return readings

    def _taken(self, one: Told) -> dict[str, Reading]:
        folder = self._folders.get(one.id)
        if folder is None:
            return {}
        readings: dict[str, Reading] = {}
        with suppress(OSError):  # it has just ended
            readings |= groups.taken(folder)
            readings |= self._moved(folder)
        return readings

    def _moved(self, folder: str) -> dict[str, Reading]:
        process = groups.process(folder)
        if process is None:
            return {}
        path = f"{self._proc}/{process}/net/dev"
        # Each network has files of its own in /proc, which all may look at, unlike /proc/PID/ns.
        if os.stat(path).st_ino == os.stat(f"{self._proc}/net/dev").st_ino:
            return {}
        received, sent = traffic(files.text(path))
        return {"rx_bytes_per_s": Count(received), "tx_bytes_per_s": Count(sent)}

    def _find(self, running: set[str]) -> None:
        """Look for the groups of those that have come; one that is not found is not looked for again while it runs."""
        if self._root is not None and running - self._folders.keys():
            groups_found = groups.found(
                self._root, _DEEPEST, lambda name: _ID.search(name) is not None, lambda name: True
            )
            found = {match[0]: folder for folder in groups_found if (match := _ID.search(folder.rpartition("/")[2]))}
            self._folders = dict.fromkeys(running) | self._folders | found
        self._folders = {key: folder for key, folder in self._folders.items() if key in running}


def traffic(text: str) -> tuple[int, int]:
    """Bytes received and sent in the text of /proc/PID/net/dev, by all interfaces but the loopback."""
    received = sent = 0
    for line in text.splitlines()[2:]:
        name, _, counters = line.rpartition(":")
        if name.strip() != "lo":
            columns = counters.split()
            received, sent = received + int(columns[0]), sent + int(columns[8])
    return received, sent
