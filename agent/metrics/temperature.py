"""How warm it is inside, from the sensors of /sys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from agent import sensors
from agent.names import instance
from agent.readings import Ground, Reading, Readings

_BELIEVED = (-90.0, 250.0)
"""°C: a sensor that is not connected tells numbers beyond these."""


class Temperature:
    """Each sensor as chip/label. Some take milliseconds to answer, over a slow bus."""

    fields: ClassVar = {"temperature[*].celsius": "temperature of one sensor"}
    slow = True

    def __init__(self, ground: Ground) -> None:
        self._sys = ground.sys
        self._names = sensors.Names()

    def read(self) -> Readings:
        """All sensors; none on most virtual machines."""
        return told(self._names.named(sensors.hwmon(self._sys, "temp") or sensors.zones(self._sys)))


def told(found: Iterable[tuple[str, int | None]]) -> Readings:
    """The readings of sensors, each (name, thousandths of °C)."""
    low, high = _BELIEVED
    readings: dict[str, Reading] = {}
    for name, thousandths in found:
        celsius = None if thousandths is None else thousandths / 1000.0
        believed = celsius is not None and low < celsius < high
        readings[f"temperature[{instance(name)}].celsius"] = celsius if believed else None
    return readings
