"""Which targets may be reached, and connections to them.

A name is looked up once, every address is looked at, and the connection goes to one that was looked at: a name that
answers differently a moment later gains nothing.
"""

from __future__ import annotations

import errno
import os
import select
import socket
from contextlib import ExitStack
from dataclasses import dataclass, field

from bus.addresses import refusal
from bus.deadline import Deadline
from prober import words
from prober.names import Address, Names
from prober.outcome import DOWN, UNKNOWN, Failed

FAMILIES = {"4": socket.AF_INET, "6": socket.AF_INET6}
SETTING = "[prober] private_networks"


@dataclass(frozen=True)
class Reach:
    """The address policy: public addresses, and those of the networks that are ``allowed``."""

    allowed: tuple[str, ...] = ()
    names: Names = field(default_factory=Names)

    def addresses(self, host: str, port: int, deadline: Deadline, family: str = "any") -> list[Address]:
        """All addresses of ``host``, each of which may be reached; raises ``Failed``, with UNKNOWN for one that not.

        ``family`` leaves those of IPv4 (``4``) or IPv6 (``6``) alone.
        """
        found = self.names.lookup(host, port, deadline.left())
        if family in FAMILIES:
            found = [address for address in found if address.family == FAMILIES[family]]
            if not found:
                raise Failed(f"the name {host} has no address of IPv{family}")
        for address in found:
            if why := refusal(address.number, self.allowed, SETTING):
                raise Failed(why if host == address.number else f"{host}: {why}", UNKNOWN)
        return found

    def dial(self, addresses: list[Address], deadline: Deadline) -> socket.socket:
        """A TCP connection to the first of ``addresses`` that takes one, shut at the deadline; raises ``Failed``.

        Of several failures that one is told which says most of the target: that one refused, else that one was silent
        or a router knew no way to it, and last that this machine has no way to one, as to IPv6 where it has none.
        """
        failures: list[Failed] = []
        for place, address in enumerate(addresses):
            try:
                # An address that says nothing leaves time for the others.
                return _connected(address, deadline, deadline.left() / (len(addresses) - place))
            except Failed as error:
                failures.append(error)
        raise max(failures, key=lambda one: (one.reached, one.status == DOWN), default=Failed("there is no address"))


def _connected(address: Address, deadline: Deadline, seconds: float) -> socket.socket:
    sent = False
    try:
        with ExitStack() as opened:
            connection = opened.enter_context(socket.socket(address.family, socket.SOCK_STREAM))
            connection.setblocking(False)
            if (at_once := connection.connect_ex(address.place)) not in (0, errno.EINPROGRESS):
                raise OSError(at_once, os.strerror(at_once))
            sent = True
            _await(connection, seconds)
            connection.settimeout(seconds)
            deadline.watch(connection)
            opened.pop_all()
            return connection
    except OSError as error:
        raise failed(error, address, sent=sent) from None


def _await(connection: socket.socket, seconds: float) -> None:
    """Until it is there, or cannot be had."""
    poller = select.poll()
    poller.register(connection, select.POLLOUT)
    if not poller.poll(seconds * 1000):
        raise TimeoutError
    if error := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(error, os.strerror(error))


def failed(error: OSError, address: Address, *, sent: bool) -> Failed:
    """What ``error`` says of ``address``; ``sent``: connecting to it has not ended with it at once.

    What it ends with at once is said by this machine, as that it has no route there. A router on the way that has none
    is heard of later, by the same error: that is of the target, which nobody reaches who goes this way.
    """
    ours = words.mine(error) and error.errno != errno.ENETUNREACH if sent else not words.answered(error)
    reason = words.refused(error, words.place(address.place), ours=ours)
    return Failed(reason, UNKNOWN if ours else DOWN, reached=words.answered(error))
