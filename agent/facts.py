"""What seldom changes about the host, and when it is news."""

from __future__ import annotations

import dataclasses
import os
import re
import sys

from agent.names import sendable
from bus.messages import Facts

SAME_BOOT = 60.0
"""Seconds that the time of the boot may seem to move: it is told as the wall clock less the uptime."""
_MODEL = re.compile(r"^(?:model name|Model|cpu model|cpu)\s*:\s*(\S.*)$", re.MULTILINE)
_MEMORY = re.compile(r"^MemTotal:\s+(\d+) kB$", re.MULTILINE)
_BOOT = re.compile(r"^btime (\d+)$", re.MULTILINE)
_LONGEST = 256


class FactsOfHost:
    """Reads the facts; ``interval`` and ``version`` are the agent's own."""

    def __init__(self, *, interval: float, version: str, proc: str = "/proc", etc: str = "/etc") -> None:
        self._interval = interval
        self._version = version
        self._proc = proc
        self._release = f"{etc}/os-release"
        self._model: str | None = None

    def read(self) -> Facts:
        """All facts now; what the host does not tell is None."""
        host = os.uname()
        name, release = os_release(_text(self._release))
        # It stays as it is while the host runs, and is a long text where there are many cores.
        self._model = self._model or cpu_model(_text(f"{self._proc}/cpuinfo"))
        return Facts(
            host_name=sendable(host.nodename) or None,
            os_name=name or host.sysname,
            os_version=release,
            kernel=host.release,
            arch=host.machine,
            cpu_model=self._model,
            cpu_count=os.cpu_count() or 0,
            memory_total=memory_total(_text(f"{self._proc}/meminfo")),
            boot_time=boot_time(_text(f"{self._proc}/stat")),
            interval=self._interval,
            version=self._version,
            python=".".join(map(str, sys.version_info[:3])),
        )


FIRST_PAUSE = 10.0
"""Seconds after which facts are told for the second time."""


class News:
    """Whether facts are worth telling: on start, when they changed, and now and then again. Pure.

    The pauses double from ``FIRST_PAUSE`` to ``again`` seconds: a hub that starts together with the agent may not yet
    listen when it speaks for the first time.
    """

    def __init__(self, again: float) -> None:
        self._again = again
        self._pause = FIRST_PAUSE
        self._told: Facts | None = None
        self._at = 0.0

    def worth(self, facts: Facts, now: float) -> bool:
        """Whether to tell ``facts`` now."""
        return self._told is None or now - self._at >= self._pause or not same(self._told, facts)

    def told(self, facts: Facts, now: float) -> None:
        """They were told."""
        if self._told is not None and same(self._told, facts):
            self._pause = min(self._pause * 2, self._again)
        else:
            self._pause = FIRST_PAUSE
        self._told, self._at = facts, now


def same(one: Facts, other: Facts) -> bool:
    """Whether both say the same, but for the jitter of the boot's time."""
    moved = abs((one.boot_time or 0.0) - (other.boot_time or 0.0))
    return moved < SAME_BOOT and dataclasses.replace(one, boot_time=other.boot_time) == other


def os_release(text: str) -> tuple[str | None, str | None]:
    """(name, version) in the text of /etc/os-release, whose lines are ``NAME="Debian GNU/Linux"``."""
    found = {}
    for line in text.splitlines():
        key, _, value = line.strip().partition("=")
        found[key] = value.strip().strip("\"'")[:_LONGEST]
    return found.get("NAME") or None, found.get("VERSION_ID") or found.get("BUILD_ID") or None


def memory_total(text: str) -> int:
    """Bytes of memory in the text of /proc/meminfo; 0 when it does not say."""
    match = _MEMORY.search(text)
    return int(match[1]) * 1024 if match else 0


def boot_time(text: str) -> float | None:
    """When the host was started, s since 1970, in the text of /proc/stat."""
    match = _BOOT.search(text)
    return float(match[1]) if match else None


def cpu_model(text: str) -> str | None:
    """The processor's name in the text of /proc/cpuinfo; each architecture calls it otherwise."""
    match = _MODEL.search(text)
    return " ".join(match[1].split())[:_LONGEST] if match else None


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(1_000_000).decode("utf-8", "replace")
    except OSError:
        return ""
