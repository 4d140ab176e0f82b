"""How TCP fares, from /proc/net/snmp and /proc/net/netstat."""

from __future__ import annotations

from typing import ClassVar

from agent.files import Kept
from agent.readings import Count, Ground, Reading, Readings

_LONGEST = 8192
"""Bytes: these tables have a line of names and one of numbers, and are longer than a page."""


class Tcp:
    """What a sick network or a service that does not keep up shows first."""

    fields: ClassVar = {
        "tcp.connections": "connections that are established",
        "tcp.retransmits_per_s": "segments that had to be sent again",
        "tcp.resets_per_s": "connections that ended by a reset while they were established",
        "tcp.listen_drops_per_s": "connections that were dropped since a service did not take them in time",
    }
    slow = True

    def __init__(self, ground: Ground) -> None:
        self._snmp = Kept(f"{ground.proc}/net/snmp", _LONGEST)
        self._netstat = Kept(f"{ground.proc}/net/netstat", _LONGEST)

    def read(self) -> Readings:
        """All of them that the kernel counts."""
        tcp, more = table(self._snmp.read(), b"Tcp:"), table(self._netstat.read(), b"TcpExt:")
        readings: dict[str, Reading] = {}
        if b"CurrEstab" in tcp:
            readings["tcp.connections"] = float(tcp[b"CurrEstab"])
        for found, label, field in (
            (tcp, b"RetransSegs", "tcp.retransmits_per_s"),
            (tcp, b"EstabResets", "tcp.resets_per_s"),
            (more, b"ListenDrops", "tcp.listen_drops_per_s"),
        ):
            if label in found:
                readings[field] = Count(found[label])
        return readings


def table(text: bytes, protocol: bytes) -> dict[bytes, int]:
    """The numbers of one protocol by name: it has a line of names and then one of numbers."""
    lines = [line.split() for line in text.splitlines() if line.startswith(protocol + b" ")]
    if len(lines) < 2:
        return {}
    return {name: int(number) for name, number in zip(*lines[:2], strict=False) if name != protocol}
