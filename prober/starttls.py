"""How a plain connection is asked to go on with TLS, in each protocol that knows such a word.

Sources: SMTP RFC 3207, LMTP RFC 2033, IMAP and POP3 RFC 2595, FTP RFC 4217, NNTP RFC 4642, ManageSieve RFC 5804, LDAP
RFC 4511 (4.14), PostgreSQL's *SSLRequest* in its documentation of the frontend/backend protocol.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from bus.harmless import cut, printable
from prober.outcome import Failed
from prober.probe import Probe

LONGEST = 4096
"""Bytes of one line that a server says."""
MOST_LINES = 100
_POSTGRES = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
_LDAP = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
SHOWN = 80


class _Talk:
    """Lines to and fro; never a byte more is read than belongs to the line, since TLS may follow it."""

    def __init__(self, line: socket.socket, probe: Probe) -> None:
        self._line = line
        self._probe = probe

    def say(self, data: bytes) -> None:
        """Send it."""
        self._line.settimeout(self._probe.deadline.left())
        self._line.sendall(data)

    def hear(self, size: int = 1) -> bytes:
        """So many bytes; raises ``Failed`` where the other side ends."""
        found = b""
        while len(found) < size:
            self._line.settimeout(self._probe.deadline.left())
            more = self._line.recv(size - len(found))
            if not more:
                raise Failed("it closed the connection before TLS began")
            found += more
        return found

    def line(self) -> str:
        """One line without its end."""
        found = b""
        while not found.endswith(b"\n"):
            if len(found) >= LONGEST:
                raise Failed(f"it said a line of more than {LONGEST} bytes")
            found += self.hear()
        return found.decode("utf-8", "replace").rstrip("\r\n")

    def reply(self, wanted: str, asked: str) -> None:
        """Hear a reply of one or several lines, as ``250-…`` and ``250 …``; raises ``Failed`` if it is another."""
        for _ in range(MOST_LINES):
            line = self.line()
            if not line.startswith(wanted):
                raise Failed(f'it answered "{cut(printable(line), SHOWN)}" to {asked}, expected {wanted}')
            if line[len(wanted) : len(wanted) + 1] != "-":
                return
        raise Failed(f"it answered more than {MOST_LINES} lines to {asked}")

    def coded(self, wanted: str, asked: str) -> None:
        """Hear a reply as FTP gives it, whose lines between the first and the last may be anything (RFC 959, 4.2).

        One that says only that the answer will come (1xx) is passed over. Raises ``Failed`` if it is another.
        """
        code = ""
        for _ in range(MOST_LINES):
            line = self.line()
            code = code or line[:3]
            if code.isdigit() and (line[:3] != code or line[3:4] == "-"):
                continue
            if code == wanted:
                return
            if not code.startswith("1"):
                raise Failed(f'it answered "{cut(printable(line), SHOWN)}" to {asked}, expected {wanted}')
            code = ""
        raise Failed(f"it answered more than {MOST_LINES} lines to {asked}")

    def until(self, good: tuple[str, ...], bad: tuple[str, ...], asked: str) -> None:
        """Hear lines up to one that begins with a ``good`` word; raises ``Failed`` at a ``bad`` one."""
        for _ in range(MOST_LINES):
            line = self.line()
            if line.upper().startswith(good):
                return
            if line.upper().startswith(bad):
                raise Failed(f'it answered "{cut(printable(line), SHOWN)}" to {asked}')
        raise Failed(f"it answered more than {MOST_LINES} lines to {asked}")


def _mail(hello: str) -> Callable[[_Talk], None]:
    def ask(talk: _Talk) -> None:
        talk.reply("220", "the connection")
        talk.say(f"{hello} guardia.invalid\r\n".encode())
        talk.reply("250", hello)
        talk.say(b"STARTTLS\r\n")
        talk.reply("220", "STARTTLS")

    return ask


def _imap(talk: _Talk) -> None:
    talk.until(("* OK", "* PREAUTH"), ("* BYE",), "the connection")
    talk.say(b"a STARTTLS\r\n")
    talk.until(("A OK",), ("A NO", "A BAD", "* BYE"), "STARTTLS")


def _pop3(talk: _Talk) -> None:
    talk.reply("+OK", "the connection")
    talk.say(b"STLS\r\n")
    talk.reply("+OK", "STLS")


def _ftp(talk: _Talk) -> None:
    talk.coded("220", "the connection")
    talk.say(b"AUTH TLS\r\n")
    talk.coded("234", "AUTH TLS")


def _nntp(talk: _Talk) -> None:
    talk.reply("20", "the connection")
    talk.say(b"STARTTLS\r\n")
    talk.reply("382", "STARTTLS")


def _sieve(talk: _Talk) -> None:
    talk.until(("OK",), ("NO", "BYE"), "the connection")
    talk.say(b"STARTTLS\r\n")
    talk.until(("OK",), ("NO", "BYE"), "STARTTLS")


def _postgres(talk: _Talk) -> None:
    talk.say(_POSTGRES)
    if talk.hear() != b"S":
        raise Failed("it does not offer TLS")


def _ldap(talk: _Talk) -> None:
    talk.say(_LDAP)
    size = talk.hear(2)[1]
    if size & 0x80:
        size = int.from_bytes(talk.hear(size & 0x7F or 1), "big")
    answer = talk.hear(min(size, LONGEST))
    # messageID INTEGER, then [APPLICATION 24], whose first part is ENUMERATED resultCode: 0 is success.
    at = answer.find(b"\x0a\x01")
    if b"\x78" not in answer[:8] or at < 0 or answer[at + 2 : at + 3] != b"\0":
        raise Failed("it does not offer TLS")


PROTOCOLS: dict[str, Callable[[_Talk], None]] = {
    "smtp": _mail("EHLO"),
    "lmtp": _mail("LHLO"),
    "imap": _imap,
    "pop3": _pop3,
    "ftp": _ftp,
    "nntp": _nntp,
    "sieve": _sieve,
    "postgres": _postgres,
    "ldap": _ldap,
}


def started(line: socket.socket, protocol: str, probe: Probe) -> socket.socket:
    """``line``, at the point where TLS begins; raises ``Failed`` or ``OSError``."""
    PROTOCOLS[protocol](_Talk(line, probe))
    return line
