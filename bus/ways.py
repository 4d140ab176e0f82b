"""Which hub an agent sends to: the one it was joined to, its own host's, or the one at the address in its settings.

An agent that was joined (``guardia agent --join``) speaks with its key to the addresses it was given, and to nobody
but the holder of the hub's key. The agent of a hub's own host needs no key: it is known by the file system, since
nobody else can open the sockets in ``{home}/run``. Without keys on either side, ``[bus] door`` and ``receipts`` hold.

A hub may have several collectors, each with a door. An agent speaks to one of them, which its name chooses, so that
they share the agents evenly; when that one is silent it goes to the next. Where none was heard for long, their names
are taken by their other addresses, those of IPv4 or IPv6: a hub may listen at one of them, or an agent have a way to
one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from bus.tables import Bus, each, is_wildcard

if TYPE_CHECKING:
    from bus.joining import Membership
    from bus.sockets import Road


def joined_as(home: Path) -> str:
    """The name that the agent of this home was enrolled under; empty: none that can be had."""
    if not (home / "keys" / "hub.json").exists():
        return ""
    from bus.joining import membership
    from bus.keys import KeysFault

    try:
        member = membership(home)
    except KeysFault:
        return ""  # whoever opens the way to the hub says what is wrong
    return member.name if member else ""


class Ways:
    """Looked up at each new connection, so that new keys are used without a restart."""

    def __init__(self, home: Path, bus: Bus, side: tuple[str, str], source: str = "") -> None:
        self._keys = home / "keys"
        self._home = home
        self._public = bus.entrances
        self._turn = self._first = crc32(source.encode())
        self._side = side
        self._six = True
        """Whether a name is taken by its IPv6 address, if it has one."""
        self._watched = [str(self._keys / name) for name in ("hub.json", "agent.key", "hub.key")]
        self._seen = self._look()
        self.member = self._membership()

    def __call__(self, *roads: Road) -> tuple[str, str]:
        """Where to connect now, door and receipts; ``roads`` are given the keys for it."""
        if self.member is not None:
            for road in roads:
                road.show_key(self.member.own, self.member.hub)
        found = self._entrances()
        way = found[self._turn % len(found)]
        for road in roads:
            road.take_names_by(six=self._six or not _is_named(way))
        return way

    def elsewhere(self, *, heard: bool = False) -> bool:
        """From the next connection on, go another way; False when there is none.

        ``heard``: the hub was, lately. Then it is found where it was, once it is back, and looked for nowhere else.
        """
        self._turn += 1
        found = self._entrances()
        otherwise = not heard and any(map(_is_named, found))
        if otherwise and (self._turn - self._first) % len(found) == 0:
            self._six = not self._six
        return len(found) > 1 or otherwise

    def _entrances(self) -> tuple[tuple[str, str], ...]:
        if self.member is not None:
            return tuple(zip(each(self.member.door), each(self.member.receipts), strict=True))
        # Where a collector listens everywhere its hub is here, though it may not have made its key yet.
        everywhere = any(is_wildcard(one) for entrance in self._public for one in entrance)
        return (self._side,) if everywhere or (self._keys / "hub.key").exists() else self._public

    def changed(self) -> bool:
        """Whether there are other keys than at the last call; raises ``KeysFault`` when they cannot be used."""
        seen = self._look()
        if seen == self._seen:
            return False
        self._seen = seen
        self.member = self._membership()
        return True

    def _look(self) -> tuple[int, ...]:
        found = []
        for path in self._watched:
            try:
                # Most are not there, and asking so is cheaper than an error each second.
                found.append(os.stat(path).st_mtime_ns if os.access(path, os.F_OK) else 0)
            except OSError:
                found.append(0)
        return tuple(found)

    def _membership(self) -> Membership | None:
        if not (self._keys / "hub.json").exists():
            return None
        # Only agents that were joined carry what it takes to read it.
        from bus.joining import membership

        return membership(self._home)


def _is_named(way: tuple[str, str]) -> bool:
    """Whether it leads to a name, which may have several addresses, and not to a number or a file."""
    hosts = [one.removeprefix("tcp://").rpartition(":")[0] for one in way if one.startswith("tcp://")]
    return any(not host.startswith("[") and host.strip("0123456789.") for host in hosts)
