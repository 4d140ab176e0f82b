"""A TCP port: does it take connections, and does it say what it should?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bus.config import Objection, setting
from prober.checks.common import Check
from prober.outcome import Failed, Outcome
from prober.probe import Probe

MOST_BYTES = 65_536
"""What is read of an answer, at most."""
SHOWN = 80


@dataclass(frozen=True, kw_only=True)
class Tcp(Check):
    """A TCP port: it takes connections and, if you wish, answers what it should."""

    send: str = setting("", help="What is sent once it is connected; \\r, \\n, \\t and \\xNN stand for such bytes.")
    expect: str = setting("", help="A regular expression that what it says has to match somewhere.")

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
        try:
            re.compile(self.expect.encode())
        except re.error as error:
            yield Objection("expect", f'"{self.expect}"', f"a regular expression ({error})")
        try:
            unescaped(self.send)
        except ValueError as error:
            yield Objection("send", f'"{self.send}"', str(error))

    def look(self, probe: Probe) -> Outcome:
        """Connect, send, and read until the answer is as it should be."""
        parts = self.parts()
        with probe.connect(parts.hostname or "", parts.port or 0) as connection:
            if self.send:
                connection.settimeout(probe.deadline.left())
                connection.sendall(unescaped(self.send))
            if not self.expect:
                return Outcome("up")
            wanted, heard = re.compile(self.expect.encode()), b""
            while not wanted.search(heard):
                if len(heard) >= MOST_BYTES:
                    raise Failed(f"its first {MOST_BYTES} bytes do not match {self.expect}")
                with probe.phase("read" if heard else "first_byte"):
                    connection.settimeout(probe.deadline.left())
                    try:
                        more = connection.recv(8192)
                    except TimeoutError:
                        raise Failed(probe.late() if not heard else f"{self._said(heard)} and no more") from None
                if not more:
                    late = probe.deadline.over and not heard
                    raise Failed(probe.late() if late else self._said(heard) if heard else "it said nothing and closed")
                heard += more
            return Outcome("up", metrics={"bytes": float(len(heard))})

    def _said(self, heard: bytes) -> str:
        text = " ".join(heard[:SHOWN].decode("utf-8", "replace").split())
        return f'it said "{text}", which does not match {self.expect}'


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
