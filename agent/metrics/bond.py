"""How whole bonds of interfaces are, from /sys/class/net (the kernel's networking/bonding.rst)."""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar

from agent.files import listed, text
from agent.names import instance
from agent.readings import Ground, Reading, Readings


class Bond:
    """Each bond: with one interface less it goes on, and nobody notices until the next one is gone."""

    fields: ClassVar = {"bond[*].missing": "interfaces of a bond that have no link"}
    slow = True

    def __init__(self, ground: Ground) -> None:
        self._net = f"{ground.sys}/class/net"

    def read(self) -> Readings:
        """All bonds, by name; one without interfaces has none to miss."""
        readings: dict[str, Reading] = {}
        for name in listed(self._net):
            with suppress(OSError):  # no bond, or it is being taken apart
                members = text(f"{self._net}/{name}/bonding/slaves").split()
                links = [text(f"{self._net}/{one}/bonding_slave/mii_status") for one in members]
                if links:
                    readings[f"bond[{instance(name)}].missing"] = float(sum(link != "up" for link in links))
        return readings
