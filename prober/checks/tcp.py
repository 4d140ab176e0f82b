"""A TCP port: does it take connections, and does it say what it should?"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from bus.config import Objection, setting
from bus.harmless import printable
from prober.checks.securing import STARTTLS, Securing, opened
from prober.outcome import Failed, Outcome
from prober.probe import Probe

MOST_BYTES = 65_536
"""What is read of an answer, at most."""
SHOWN = 80


@dataclass(frozen=True, kw_only=True)
class Tcp(Securing):
    """A TCP port: it takes connections and, if you wish, answers what it should."""

    send: str = setting("", help="What is sent once it is connected; \\r, \\n, \\t and \\xNN stand for such bytes.")
    expect: str = setting("", help="A regular expression that what it says has to match somewhere.")
    tls: bool = setting(False, help="Whether it speaks TLS from the first byte.")
    starttls: str = setting("", choices=STARTTLS, help="The protocol in which TLS is asked for; empty: none is.")

    def objections(self) -> Iterator[Objection]:
        """A port is needed, and an expression that can be read."""
        yield from super().objections()
        try:
            parts = self.parts()
            complete = bool(parts.hostname and parts.port)
        except ValueError:
            return
        if not complete:
            yield Objection("url", f'"{self.url}"', "a host and a port as in tcp://db-1:5432")
        if self.tls and self.starttls:
            yield Objection("starttls", f'"{self.starttls}" beside tls = true', "one of them")
        try:
            re.compile(self.expect.encode())
        except re.error as error:
            yield Objection("expect", f'"{self.expect}"', f"a regular expression ({error})")
        try:
            unescaped(self.send)
        except ValueError as error:
            yield Objection("send", f'"{self.send}"', str(error))

    @property
    def secure(self) -> bool:
        """If it is to."""
        return self.tls or bool(self.starttls)

    def look(self, probe: Probe) -> Outcome:
        """Connect, send, and read until the answer is as it should be."""
        parts = self.parts()
        host, port = parts.hostname or "", parts.port or 0
        if not (self.tls or self.starttls):
            from prober.lines import counted

            with counted(probe.connect(host, port), probe) as line:
                return self._talked(line, probe)
        from prober import trust

        with opened(self, probe, host, port, self.starttls) as secure:
            seen = trust.seen(secure, verified=self.tls_verify)
            found = replace(self._talked(secure, probe), response_ms=probe.elapsed_ms())
            if not self.expect:
                trust.confirm(secure, probe)
            return self.dated(found, seen, probe)

    def _talked(self, line: socket.socket, probe: Probe) -> Outcome:
        if self.send:
            line.settimeout(probe.deadline.left())
            line.sendall(unescaped(self.send))
        if not self.expect:
            return Outcome("up")
        probe.ask()
        heard = b""
        while not self._wanted.search(heard):
            if len(heard) >= MOST_BYTES:
                raise Failed(f"its first {MOST_BYTES} bytes do not match /{self.expect}/")
            line.settimeout(probe.deadline.left())
            try:
                more = line.recv(8192)
            except OSError:
                if not heard:
                    raise
                more = b""  # it may have said something wrong, which tells more than that it said no more
            if not more:
                raise Failed(self._said(heard, probe), settled=True)
            heard += more
        return Outcome("up", metrics={"bytes": float(len(heard))})

    @cached_property
    def _wanted(self) -> re.Pattern[bytes]:
        return re.compile(self.expect.encode())

    def _said(self, heard: bytes, probe: Probe) -> str:
        if not heard:
            return probe.late() if probe.deadline.passed else "it closed the connection without a word"
        text = heard[:SHOWN].decode("utf-8", "replace").split()
        shown = printable(" ".join(text))
        within = f" within {probe.deadline.seconds:g} s" if probe.deadline.passed else ""
        return f'it said "{shown}"{within}, which does not match /{self.expect}/'


_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_SIGNS = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}


def unescaped(text: str) -> bytes:
    """The bytes that ``text`` stands for; raises ``ValueError`` for a backslash before anything else."""

    def sign(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return bytes.fromhex(match[1].decode())
        if match[2] not in _SIGNS:
            raise ValueError(r"\r, \n, \t, \0, \\ or \xNN after a backslash")
        return _SIGNS[match[2]]

    return _ESCAPE.sub(sign, text.encode())
