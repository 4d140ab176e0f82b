"""Whom a worker waits for, and who of them makes room when it is full. Pure.

A connection is waited for while the next thing has to come from its client: the rest of a request, another one, room
for more of an answer, or who he is. Strangers may hold as many of these as they like, each for as long as a request may
take; a request that came whole is never one of them.
"""

from __future__ import annotations

import ipaddress
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")


def holder(address: str) -> str:
    """By what connections are counted together: an address, or the network of 64 bits that is one customer's."""
    if ":" not in address:
        return address
    found = ipaddress.IPv6Address(address.partition("%")[0])
    return str(found.ipv4_mapped or (int(found) >> 64))


class Waiting(Generic[T]):
    """The connections that are waited for, of each holder those that have been for longest first."""

    def __init__(self) -> None:
        self._numbers = count()
        self._of: dict[str, dict[T, int]] = {}
        self._holders: dict[T, str] = {}

    def __len__(self) -> int:
        return len(self._holders)

    def add(self, one: T, holder: str) -> None:
        """It is waited for from now on; nothing changes where it was already."""
        if one not in self._holders:
            self._holders[one] = holder
            self._of.setdefault(holder, {})[one] = next(self._numbers)

    def leave(self, one: T) -> None:
        """It is waited for no longer."""
        holder = self._holders.pop(one, None)
        if holder is not None:
            of = self._of[holder]
            del of[one]
            if not of:
                del self._of[holder]

    def first(self) -> T | None:
        """Who makes room: of the holder of most of them, the one that is waited for longest; None where there is none.

        Of holders of as many it is the longest of all.
        """
        if not self._of:
            return None
        most = max(self._of.values(), key=lambda of: (len(of), -next(iter(of.values()))))
        return next(iter(most))
