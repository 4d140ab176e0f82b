"""ICMP echo requests and their replies, without being root where the system lets us.

Sources: RFC 792 and RFC 4443 for the packets. Linux has *ping sockets* (``SOCK_DGRAM`` with ``IPPROTO_ICMP``) for
groups within ``net.ipv4.ping_group_range``, which holds for IPv6 as well; the kernel puts its own identifier and the
checksum into what they send, and hands back only replies to it. Else a raw socket does, for who has ``CAP_NET_RAW``.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import time
from contextlib import suppress
from types import TracebackType

from prober import words
from prober.names import Address
from prober.outcome import UNKNOWN, Failed
from prober.probe import Probe

NOT_ALLOWED = (
    "this machine does not let us send pings: run sysctl -w net.ipv4.ping_group_range='0 2147483647', "
    "or give the prober CAP_NET_RAW"
)
REQUEST: dict[int, int] = {socket.AF_INET: 8, socket.AF_INET6: 128}
REPLY: dict[int, int] = {socket.AF_INET: 0, socket.AF_INET6: 129}
_HEAD = struct.Struct("!BBHHH")
_UNREACHED = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ECONNREFUSED, errno.EHOSTDOWN}


class Echoes:
    """Echo requests to one address; ``refusal`` says what a router on the way said of them."""

    def __init__(self, address: Address, size: int) -> None:
        self._family = address.family
        self._place = address.place
        self._token = os.urandom(12)
        self._fill = b"\x00" * (size - len(self._token) - 4)
        self._ident = int.from_bytes(os.urandom(2), "big")
        self.refusal = ""
        self.judged = 0
        """So many requests had the time to come back, or did."""
        self._socket, self._raw = _opened(address.family)

    def sent(self, count: int, spacing: float, patience: float, probe: Probe) -> list[float]:
        """Send ``count`` requests ``spacing`` seconds apart; the milliseconds of those that came back in time.

        The last of them has ``patience`` seconds. Where the attempt's time ends before all are sent, what was sent too
        late to come back says nothing.
        """
        sent: dict[int, float] = {}
        times: dict[int, float] = {}
        start = time.monotonic()
        with suppress(TimeoutError), probe.phase("packets"):
            while len(times) < count:
                now = time.monotonic()
                if len(sent) < count and now >= start + len(sent) * spacing:
                    number = len(sent) + 1
                    sent[number] = time.monotonic()
                    self._send(number)
                    continue
                last = len(sent) == count
                until = sent[count] + patience if last else start + len(sent) * spacing
                until = min(until, probe.deadline.until)
                if (last and (now >= until or self.refusal)) or probe.deadline.passed:
                    break
                self._receive(until - now, sent, times)
        if times:
            probe.reached = True
        end = time.monotonic()
        patient = [number for number, at in sent.items() if number in times or end - at >= patience]
        self.judged = len(patient) if len(sent) < count and patient else len(sent)
        return list(times.values())

    def _send(self, number: int) -> None:
        payload = self._token + number.to_bytes(4, "big") + self._fill
        head = _HEAD.pack(REQUEST[self._family], 0, 0, self._ident, number)
        if self._family == socket.AF_INET:
            head = _HEAD.pack(REQUEST[self._family], 0, checksum(head + payload), self._ident, number)
        try:
            self._socket.sendto(head + payload, self._place)
        except OSError as error:
            if words.mine(error):
                raise
            self.refusal = words.plain(error)

    def _receive(self, seconds: float, sent: dict[int, float], times: dict[int, float]) -> None:
        self._socket.settimeout(max(0.0005, seconds))
        try:
            packet, place = self._socket.recvfrom(65_535)
        except TimeoutError:
            return
        except OSError as error:
            if error.errno not in _UNREACHED:
                raise
            self.refusal = words.plain(error)
            return
        now = time.monotonic()
        if self._raw and self._family == socket.AF_INET:
            packet = packet[(packet[0] & 0x0F) * 4 :] if packet else b""
        number = self._number(packet)
        if number in sent and number not in times and place[0].partition("%")[0] == self._place[0].partition("%")[0]:
            times[number] = (now - sent[number]) * 1000

    def _number(self, packet: bytes) -> int:
        """The number of the request that is answered here; 0 for what is no answer to one of ours."""
        if len(packet) < _HEAD.size + 16 or packet[0] != REPLY[self._family]:
            return 0
        payload = packet[_HEAD.size :]
        # Whoever else pings the same address from here gets other tokens; the identifier is the kernel's to choose.
        return int.from_bytes(payload[12:16], "big") if payload[:12] == self._token else 0

    def __enter__(self) -> Echoes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()


def _opened(family: int) -> tuple[socket.socket, bool]:
    """A socket for echoes, and whether it is a raw one, before whose IPv4 packets stands their IP header."""
    protocol = socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            return socket.socket(family, kind, protocol), kind == socket.SOCK_RAW
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EPERM):
                raise Failed(f"no socket for pings: {words.plain(error)} on this machine", UNKNOWN) from None
    raise Failed(NOT_ALLOWED, UNKNOWN)


def checksum(data: bytes) -> int:
    """The Internet checksum of RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
