"""How warm it is inside, from the sensors that psutil finds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from agent.files import there_is
from agent.names import instance
from agent.readings import Ground, Reading, Readings

_BELIEVED = (-90.0, 250.0)
"""°C: a sensor that is not connected tells numbers beyond these."""


class Temperature:
    """Each sensor as chip/label. Some take milliseconds to answer, over a slow bus.

    Where a chip gives no label, or two chips the same, as two disks do, a number in the kernel's order tells them
    apart. It may be another one's after a start, or once a disk is gone: a rule asks for all, as
    temperature[drivetemp/*].
    """

    fields: ClassVar = {"temperature[*].celsius": "temperature of one sensor"}
    slow = True

    def __init__(self, ground: Ground) -> None:
        self._sys = ground.sys

    def read(self) -> Readings:
        """All sensors; none on most virtual machines, which are spared the memory that psutil takes."""
        folder = f"{self._sys}/class"
        if not (there_is(f"{folder}/hwmon", "hwmon") or there_is(f"{folder}/thermal", "thermal_zone")):
            return {}
        import psutil

        found = psutil.sensors_temperatures()
        return told({chip: [(one.label, one.current) for one in sensors] for chip, sensors in found.items()})


def told(chips: Mapping[str, Iterable[tuple[str, float | None]]]) -> Readings:
    """The readings of ``chips``, each a list of (label, °C)."""
    low, high = _BELIEVED
    readings: dict[str, Reading] = {}
    for name, celsius in labelled(chips):
        believed = celsius is not None and low < celsius < high
        readings[f"temperature[{instance(name)}].celsius"] = celsius if believed else None
    return readings


def labelled(chips: Mapping[str, Iterable[tuple[str, float | None]]]) -> Iterable[tuple[str, float | None]]:
    """(chip/label, value) of every sensor; those without a label, or with one twice, get their number."""
    for chip, sensors in chips.items():
        seen: set[str] = set()
        for number, (label, value) in enumerate(sensors, 1):
            name = f"{chip}/{label or number}"
            if name in seen:
                name = f"{name} {number}"
            seen.add(name)
            yield name, value
