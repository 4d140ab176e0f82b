"""One question to a name server, by UDP, TCP or TLS. The only file of the room that knows ``dns`` (dnspython).

Source: RFC 1035; 7766 for what is too long for UDP, 7858 for TLS. A server that is named in the configuration has to be
one that may be reached; that which this machine itself asks needs no further permission.
"""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.resolver

from prober import reach
from prober.names import Address, numeric
from prober.outcome import UNKNOWN, Failed
from prober.probe import Probe

PATIENCE = 2.0
"""Seconds until a question is sent again by UDP, which may have lost it."""
LARGEST = 65_535
_TORN = 0x82
"""Bits of a message's third byte: it is an answer, and not all of it."""
NOT_DNS = "its answer is no DNS message"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: a code as ``NOERROR``, the records of the type that was asked for, their shortest life."""

    code: str
    texts: tuple[str, ...]
    ttl: int | None
    authoritative: bool


class Question:
    """The records of one type of one name; raises ``ValueError`` for what is no name."""

    def __init__(self, name: str, record: str) -> None:
        self._type = dns.rdatatype.from_text(record)
        self._record = record
        try:
            self._name = dns.name.from_text(name)
        except (dns.exception.DNSException, ValueError):
            raise ValueError(f"{name} is no name that DNS could know") from None

    def message(self, *, plain: bool = False) -> dns.message.QueryMessage:
        """The question, under a number of its own; ``plain``: for who does not know of packets beyond 512 bytes."""
        return dns.message.make_query(self._name, self._type, use_edns=-1 if plain else 0)

    def same(self, text: str) -> str:
        """A record's text as the library writes it; raises ``ValueError`` for what is no such record."""
        if self._record == "TXT" and '"' not in text:
            # Without quotes each word were a text of its own, and what stands behind a semicolon a comment.
            text = f'"{text}"'
        try:
            made = dns.rdata.from_text(dns.rdataclass.IN, self._type, text, dns.name.root, False)
        except (dns.exception.DNSException, ValueError):
            raise ValueError(f"{text} is no {self._record} record") from None
        return str(made.to_text()).lower() if self._type in _NAMES else str(made.to_text())

    def read(self, message: dns.message.Message) -> Answer:
        """What the message says of the name, or of what it is an alias of; what it says of others does not count."""
        told = [one for one in message.answer if one.rdclass == dns.rdataclass.IN]
        aliases = {one.name: one[0].target for one in told if one.rdtype == dns.rdatatype.CNAME}
        names: list[dns.name.Name] = []
        name: dns.name.Name | None = self._name
        while name is not None and name not in names:
            names.append(name)
            name = aliases.get(name)
        found = [one for one in told if one.rdtype == self._type and one.name in names]
        texts = [str(rdata.to_text()) for one in found for rdata in one]
        if self._type in _NAMES:
            texts = [text.lower() for text in texts]
        ttl = min((one.ttl for one in found), default=None)
        code = dns.rcode.to_text(message.rcode())
        return Answer(code, tuple(sorted(texts)), ttl, bool(message.flags & dns.flags.AA))


_NAMES = {dns.rdatatype.from_text(text) for text in ("CNAME", "MX", "NS", "PTR", "SRV", "SOA")}
"""Types whose records are names, which are the same in large and small letters."""


def system_servers(file: str = "/etc/resolv.conf") -> tuple[str, ...]:
    """The name servers that this machine asks, in their order, at least one; raises ``Failed``."""
    try:
        found = tuple(str(one) for one in dns.resolver.Resolver(file).nameservers)
    except (dns.exception.DNSException, OSError):
        found = ()
    if not found:
        raise Failed(f"this machine has no name server in {file}", UNKNOWN)
    return found


def by_udp(host: str, port: int, question: Question, probe: Probe, *, ours: bool) -> Answer:
    """The answer to a packet, or by TCP where it does not fit into one."""
    address = _address(host, port, probe, ours=ours)
    with socket.socket(address.family, socket.SOCK_DGRAM) as line:
        probe.ask()
        sent = False
        try:
            line.connect(address.place)
            sent = True
            answer = _awaited(line, question.message(), probe)
            if plain := _knows_no_edns(answer):
                answer = _awaited(line, question.message(plain=True), probe)
        except OSError as error:
            raise reach.failed(error, address, sent=sent) from None
    if answer.flags & dns.flags.TC:
        return by_tcp(host, port, question, probe, ours=ours, plain=plain)
    return question.read(answer)


def _knows_no_edns(answer: dns.message.Message) -> bool:
    """Whether a server refuses what it does not know, the length of packets that we take (RFC 6891, 7)."""
    return answer.edns < 0 and answer.rcode() in (dns.rcode.FORMERR, dns.rcode.NOTIMP)


def _awaited(line: socket.socket, asked: dns.message.QueryMessage, probe: Probe) -> dns.message.Message:
    again, wire, wrong = 0.0, asked.to_wire(), False
    while True:
        now = time.monotonic()
        if now >= again:
            line.send(wire)
            again = now + PATIENCE
        try:
            left = probe.deadline.until - now
            if left <= 0:
                raise Failed(NOT_DNS if wrong else probe.late())
            line.settimeout(max(0.001, min(again - now, left)))
            data = line.recv(LARGEST)
        except TimeoutError:
            continue
        probe.hear(len(data))
        probe.reached = True
        try:
            answer = dns.message.from_wire(data, ignore_trailing=True, raise_on_truncation=False)
        except (dns.exception.DNSException, ValueError):
            if _is_torn(data, wire):
                answer = dns.message.make_response(asked)
                answer.flags |= dns.flags.TC
                return answer
            wrong = True
            continue
        # Anybody may send packets in the server's name: only one to our very question counts.
        if asked.is_response(answer):
            return answer


def _is_torn(data: bytes, asked: bytes) -> bool:
    """Whether ``data`` answers what was asked, and says that it does not fit: some cut it off amid a record."""
    return data[:2] == asked[:2] and len(data) > 2 and data[2] & _TORN == _TORN


def by_tcp(host: str, port: int, question: Question, probe: Probe, *, ours: bool, plain: bool = False) -> Answer:
    """The answer over a connection."""
    address = _address(host, port, probe, ours=ours)
    with probe.phase("connect"):
        line = probe.reach.dial([address], probe.deadline)
    probe.reached = True
    with line:
        return by_stream(line, question, probe, plain=plain)


def by_stream(line: socket.socket, question: Question, probe: Probe, *, plain: bool = False) -> Answer:
    """The answer over a connection that there is."""
    asked = question.message(plain=plain)
    wire = asked.to_wire()
    line.settimeout(probe.deadline.left())
    line.sendall(struct.pack("!H", len(wire)) + wire)
    probe.ask()
    (size,) = struct.unpack("!H", _exactly(line, 2, probe))
    try:
        answer = dns.message.from_wire(_exactly(line, size, probe), ignore_trailing=True)
    except (dns.exception.DNSException, ValueError):
        raise Failed(NOT_DNS) from None
    if not asked.is_response(answer):
        raise Failed("its answer is to another question")
    return question.read(answer)


def _exactly(line: socket.socket, size: int, probe: Probe) -> bytes:
    found = b""
    while len(found) < size:
        line.settimeout(probe.deadline.left())
        more = line.recv(size - len(found))
        if not more:
            raise Failed("it closed the connection without an answer")
        if not hasattr(line, "probe"):
            probe.hear(len(more))
        found += more
    return found


def _address(host: str, port: int, probe: Probe, *, ours: bool) -> Address:
    if not ours:
        return probe.addresses(host, port)[0]
    # One that a router of this network gave out may have the name of an interface in it, whose number the system knows.
    return numeric(host, port) or probe.reach.names.lookup(host, port, probe.deadline.left())[0]
