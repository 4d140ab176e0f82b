"""How fast the fans turn, from the sensors of /sys."""

from __future__ import annotations

from typing import ClassVar

from agent import sensors
from agent.names import instance
from agent.readings import Ground, Readings


class Fan:
    """Each fan as chip/label."""

    fields: ClassVar = {"fan[*].rpm": "turns per minute of one fan"}
    slow = True

    def __init__(self, ground: Ground) -> None:
        self._sys = ground.sys
        self._names = sensors.Names()

    def read(self) -> Readings:
        """All fans; none on virtual machines."""
        found = self._names.named(sensors.hwmon(self._sys, "fan"))
        return {f"fan[{instance(name)}].rpm": None if rpm is None else float(rpm) for name, rpm in found}
