"""Ports of a test's own: nobody else takes them, though nothing listens there now.

A port that the kernel chose (port 0) is safe as long as it is bound. Once it is let go, any outgoing connection and any
other port 0 may be given it: a server cannot come back there, and who expects nobody there finds somebody. A client
that tries such a port again and again can even be connected to itself. So a test that binds a port later, binds it
twice, or expects nobody at it takes it from here. Who listens at once and until the end may go on with port 0.

Three things make a port one's own:

- It is outside the range that the kernel chooses from, which /proc/sys/net/ipv4/ip_local_port_range tells.
- This process holds the block it is of until it ends. What holds a block is a Unix socket of an abstract name: it
  leaves no file, is gone with its process however that dies, and is seen in the same network namespace, as ports are.
- Nobody was bound to it, at any address, when it was handed out.

No port is handed out twice: what still asks for a server of an earlier test finds none of a later one. A program that a
test starts is told its ports by the test, which lives longer.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock

FIRST = 10_000
"""Below are the ports of well-known servers."""
BLOCK = 100
"""Ports that are held together: one descriptor for them all."""
NAME = "\0guardia/tests/ports/{}"
_CHOSEN = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """A port that nobody listens at, and nobody else will; for TCP and UDP, IPv4 and IPv6."""
    return _own.one()


def free_ports(count: int) -> list[int]:
    """So many of them."""
    return [free_port() for _ in range(count)]


def blocks(lowest: int, highest: int) -> list[int]:
    """The first port of each block outside the range that the kernel chooses from.

    Where that range leaves no room, all blocks will do: what is held and free then is the best there is.
    """
    starts = range(FIRST, 65_536 - BLOCK, BLOCK)
    return [start for start in starts if start + BLOCK <= lowest or start > highest] or [*starts]


def is_free(port: int) -> bool:
    """Whether nothing is bound to it, at any address; what lingers of an old connection counts, too."""
    for family, anywhere in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            try:
                with socket.socket(family, kind) as tried:
                    if family == socket.AF_INET6:
                        tried.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    tried.bind((anywhere, port))
            except OSError as fault:
                # Other errors say that this system has no such family.
                if fault.errno == errno.EADDRINUSE:
                    return False
    return True


def has_ipv6() -> bool:
    """Whether this system has that family at all."""
    known = Path("/proc/net/if_inet6")
    return known.exists() and bool(known.read_text())


class Ports:
    """Hands out the ports of one process, from blocks that it then holds."""

    def __init__(self, starts: Sequence[int]) -> None:
        """``starts`` are the first ports of the blocks to choose from."""
        self._starts = starts
        self._lock = Lock()
        self._of: int | None = None
        self._held: list[socket.socket] = []
        self._ports: Iterator[int] = iter(())

    def one(self) -> int:
        """The next port; ``OSError`` when all blocks are held or used."""
        with self._lock:
            if self._of != os.getpid():
                # A process that was forked has no share in what its parent holds.
                self._of, self._ports = os.getpid(), self._all()
            for port in self._ports:
                return port
        raise OSError(errno.EADDRNOTAVAIL, f"all {len(self._starts)} blocks of ports are held by other tests, or used")

    def _all(self) -> Iterator[int]:
        # Each begins elsewhere: the ports of a suite that just ended have a rest.
        turn = os.getpid() % len(self._starts) if self._starts else 0
        for start in (*self._starts[turn:], *self._starts[:turn]):
            if self._hold(start):
                yield from (port for port in range(start, start + BLOCK) if not _is_known(port) and is_free(port))

    def _hold(self, start: int) -> bool:
        sign = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            sign.bind(NAME.format(start))
        except OSError as fault:
            sign.close()
            if fault.errno == errno.EADDRINUSE:
                return False
            raise
        self._held.append(sign)
        return True


def _is_known(port: int) -> bool:
    """Whether /etc/services names a server for it, which may start at any time."""
    for protocol in ("tcp", "udp"):
        try:
            socket.getservbyport(port, protocol)
        except OSError:
            continue
        return True
    return False


_lowest, _highest = map(int, _CHOSEN.read_text().split())
_own = Ports(blocks(_lowest, _highest))
