"""A name server on loopback that answers as it is told, by UDP, TCP and TLS."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.ports import free_port

Change = Callable[[dns.message.Message], dns.message.Message]


@dataclass
class Zone:
    """Records by name and type; ``change`` may alter an answer, ``lost`` questions are not answered at first."""

    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    change: Change | None = None
    raw: bytes | None = None
    """Said in place of any answer."""
    lost: int = 0
    long: bool = False
    """Whether answers do not fit into a packet."""
    torn: bool = False
    """Whether what does not fit is cut off in the middle of a record."""
    asked: list[str] = field(default_factory=list)

    def answered(self, wire: bytes, how: str) -> bytes | None:
        """The answer to a question; None: it was lost."""
        self.asked.append(how)
        if self.lost:
            self.lost -= 1
            return None
        if self.raw is not None:
            return self.raw
        question = dns.message.from_wire(wire)
        (one,) = question.question
        name, kind = one.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(one.rdtype)
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.AA
        if how == "udp" and self.long:
            answer.flags |= dns.flags.TC
            return answer.to_wire()
        if not any(known == name for known, _ in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        for found in ("CNAME", kind):
            if texts := self.records.get((name, found)):
                answer.answer.append(dns.rrset.from_text(one.name, 300, "IN", found, *texts))
        if how == "udp" and self.torn:
            answer.flags |= dns.flags.TC
            return answer.to_wire()[:-3]
        return (self.change(answer) if self.change else answer).to_wire()

    def over_tcp(self, connection: socket.socket) -> None:
        """One connection."""
        with suppress(OSError, struct.error):
            (size,) = struct.unpack("!H", connection.recv(2))
            answer = self.answered(connection.recv(size), "tcp")
            if answer is None:
                connection.recv(1)
            else:
                connection.sendall(struct.pack("!H", len(answer)) + answer)


@contextmanager
def serving(zone: Zone) -> Iterator[int]:
    """The server's port, the same for UDP and TCP."""
    port = free_port()
    with (
        socket.create_server(("127.0.0.1", port)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        udp.bind(("127.0.0.1", port))

        def packets() -> None:
            with suppress(OSError):
                while data := udp.recvfrom(65_535):
                    wire, sender = data
                    if not wire:
                        return
                    answer = zone.answered(wire, "udp")
                    if answer is not None:
                        udp.sendto(answer, sender)

        def connections() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = tcp.accept()
                    with connection:
                        zone.over_tcp(connection)

        for serve in (packets, connections):
            threading.Thread(target=serve, daemon=True).start()
        try:
            yield port
        finally:
            with suppress(OSError):
                tcp.shutdown(socket.SHUT_RDWR)
            with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
                one.sendto(b"", ("127.0.0.1", port))
