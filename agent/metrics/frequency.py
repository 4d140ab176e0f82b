"""How fast the cores run, as psutil finds it."""

from __future__ import annotations

from typing import ClassVar

import psutil

from agent.readings import Ground, Reading, Readings


class Frequency:
    """Clock of the cores. Asking for it may interrupt each of them, hence seldom."""

    fields: ClassVar = {
        "cpu.mhz": "clock, the mean over the cores",
        "cpu[*].mhz": "clock of one core",
    }
    slow = True

    def __init__(self, ground: Ground) -> None:
        del ground

    def read(self) -> Readings:
        """All clocks that the machine tells; many virtual ones tell none."""
        try:
            cores = psutil.cpu_freq(percpu=True)
        except RuntimeError:  # psutil raises a kind of it where there is the folder, but no clock in it
            return {}
        return told([core.current for core in cores])


def told(clocks: list[float]) -> Readings:
    """The readings for ``clocks`` in MHz; 0 means that it is not known."""
    known = [clock for clock in clocks if clock > 0]
    if not known:
        return {}
    readings: dict[str, Reading] = {"cpu.mhz": sum(known) / len(known)}
    readings.update({f"cpu[{core}].mhz": clock if clock > 0 else None for core, clock in enumerate(clocks)})
    return readings
