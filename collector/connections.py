"""Which connections the public roads hold, and from how many each address may. Pure."""

from __future__ import annotations

import ipaddress
from collections import Counter
from dataclasses import dataclass, field

OWN = "this machine"
"""Addresses of loopback: everybody who comes through a tunnel has it, so that they are not counted against one."""


@dataclass(slots=True)
class Connections:
    """Open connections by file descriptor; at most ``most``, and ``per_address`` of one foreign address."""

    most: int
    per_address: int
    held: dict[int, str] = field(default_factory=dict)
    by_address: Counter[str] = field(default_factory=Counter)
    accepted: int = 0

    def opened(self, fd: int, address: str) -> str | None:
        """A connection was accepted; the reason why it may not stay, None where it may."""
        if fd in self.held:
            self.closed(fd)  # its end was not told
        address = OWN if _is_loopback(address) else address
        self.accepted += 1
        self.held[fd] = address
        self.by_address[address] += 1
        if len(self.held) > self.most:
            return f"more than {self.most} connections"
        if address != OWN and self.by_address[address] > self.per_address:
            return f"more than {self.per_address} connections of one address"
        return None

    def closed(self, fd: int) -> None:
        """A connection ended."""
        address = self.held.pop(fd, None)
        if address is not None:
            self.by_address[address] -= 1
            if self.by_address[address] <= 0:
                del self.by_address[address]

    def readings(self) -> dict[str, float | None]:
        """What the collector says of them."""
        most = max((n for address, n in self.by_address.items() if address != OWN), default=0)
        return {
            "connections.open": float(len(self.held)),
            "connections.accepted_total": float(self.accepted),
            "connections.addresses": float(len(self.by_address)),
            "connections.most_of_one_address": float(most),
        }


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return not address  # it was gone before anybody could ask
