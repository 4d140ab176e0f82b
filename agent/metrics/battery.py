"""How full batteries are, from /sys/class/power_supply (the kernel's ABI/testing/sysfs-class-power)."""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar

from agent.files import listed, text
from agent.names import instance
from agent.readings import Ground, Reading, Readings


class Battery:
    """Those that the host runs on when mains fail; not those of its mouse."""

    fields: ClassVar = {
        "battery[*].percent": "charge that is left, of what it holds",
        "battery[*].discharging": "1 while the host runs on it, else 0",
    }
    slow = True

    def __init__(self, ground: Ground) -> None:
        self._folder = f"{ground.sys}/class/power_supply"

    def read(self) -> Readings:
        """All batteries, by name; none on most servers."""
        readings: dict[str, Reading] = {}
        for name in listed(self._folder):
            with suppress(OSError):  # it was pulled out, or does not know
                if self._text(name, "type") not in ("Battery", "UPS") or self._is_a_devices(name):
                    continue
                discharging = float(self._text(name, "status") == "Discharging")
                readings[f"battery[{instance(name)}].percent"] = float(self._text(name, "capacity"))
                readings[f"battery[{instance(name)}].discharging"] = discharging
        return readings

    def _is_a_devices(self, name: str) -> bool:
        try:
            return self._text(name, "scope") == "Device"
        except FileNotFoundError:  # most have no such file
            return False

    def _text(self, name: str, file: str) -> str:
        return text(f"{self._folder}/{name}/{file}")
