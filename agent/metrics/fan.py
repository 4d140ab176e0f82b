"""How fast the fans turn, from the sensors that psutil finds."""

from __future__ import annotations

from typing import ClassVar

from agent.files import there_is
from agent.metrics.temperature import labelled
from agent.names import instance
from agent.readings import Ground, Readings


class Fan:
    """Each fan as chip/label."""

    fields: ClassVar = {"fan[*].rpm": "turns per minute of one fan"}
    slow = True

    def __init__(self, ground: Ground) -> None:
        self._sys = ground.sys

    def read(self) -> Readings:
        """All fans; none on virtual machines."""
        if not there_is(f"{self._sys}/class/hwmon", "hwmon"):
            return {}
        import psutil

        found = psutil.sensors_fans()
        chips = {chip: [(fan.label, float(fan.current)) for fan in fans] for chip, fans in found.items()}
        return {f"fan[{instance(name)}].rpm": rpm for name, rpm in labelled(chips)}
