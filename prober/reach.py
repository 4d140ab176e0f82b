"""Which targets may be reached, and connections to them.

A name is looked up once, every address is looked at, and the connection goes to one that was looked at: a name that
answers differently a moment later gains nothing.
"""

from __future__ import annotations

import socket
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

        Of several failures that one is told which says most of the target: that one refused, else that one was silent,
        and last that this machine has no way to one, as to IPv6 where it has none.
        """
        failures: list[Failed] = []
        for place, address in enumerate(addresses):
            try:
                # An address that says nothing leaves time for the others.
                return _connected(address, deadline, deadline.left() / (len(addresses) - place))
            except OSError as error:
                status = UNKNOWN if words.mine(error) else DOWN
                reason = words.refused(error, words.place(address.place))
                failures.append(Failed(reason, status, reached=words.answered(error)))
        raise max(failures, key=lambda one: (one.reached, one.status == DOWN), default=Failed("there is no address"))


def _connected(address: Address, deadline: Deadline, seconds: float) -> socket.socket:
    connection = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect(address.place)
        deadline.watch(connection)
    except OSError:
        connection.close()
        raise
    return connection
