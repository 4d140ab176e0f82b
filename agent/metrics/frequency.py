"""How fast the cores run, from /sys where the kernel governs the clock, else from /proc/cpuinfo."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from agent.files import Kept
from agent.readings import Ground, Reading, Readings

_MHZ = re.compile(rb"^(processor|cpu MHz)\s*:\s*([0-9.]+)$", re.MULTILINE)
_CORE = re.compile(r"/cpu(\d+)/")


class Frequency:
    """Clock of the cores. Asking for it may interrupt each of them, hence seldom."""

    fields: ClassVar = {
        "cpu.mhz": "clock, the mean over the cores",
        "cpu[*].mhz": "clock of one core",
    }
    slow = True

    def __init__(self, ground: Ground) -> None:
        cores = (Path(ground.sys) / "devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_cur_freq")
        self._files = {number(str(file)): file for file in cores}
        self._cpuinfo = None if self._files else Kept(f"{ground.proc}/cpuinfo")

    def read(self) -> Readings:
        """All clocks that the machine tells; many virtual ones tell none."""
        if self._cpuinfo is None:
            return told({core: _asked(file) for core, file in sorted(self._files.items())})
        return told(tabled(self._cpuinfo.read()))


def tabled(text: bytes) -> dict[int, float]:
    """MHz by core in the text of /proc/cpuinfo, where cores that were taken offline are not."""
    clocks, core = {}, 0
    for label, number in _MHZ.findall(text):
        if label == b"processor":
            core = int(number)
        else:
            clocks[core] = float(number)
    return clocks


def number(path: str) -> int:
    """The number of the core that a path of /sys is about."""
    found = _CORE.search(path)
    return int(found[1]) if found else 0


def _asked(file: Path) -> float:
    try:
        return governed(file.read_text())
    except OSError:  # a core that was taken offline keeps its file, which is busy
        return 0.0


def governed(text: str) -> float:
    """MHz in the text of ``scaling_cur_freq``, which is in kHz; 0 when the core does not know it."""
    return float(text) / 1000 if text.strip().isdigit() else 0.0


def told(clocks: Mapping[int, float]) -> Readings:
    """The readings for the ``clocks`` of the cores in MHz; 0 means that it is not known."""
    known = [clock for clock in clocks.values() if clock > 0]
    if not known:
        return {}
    readings: dict[str, Reading] = {"cpu.mhz": sum(known) / len(known)}
    readings.update({f"cpu[{core}].mhz": clock if clock > 0 else None for core, clock in clocks.items()})
    return readings
