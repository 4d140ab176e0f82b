"""Sockets that tell an attempt what came through them: how much, and when the first of it."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from prober.probe import Probe


class Line(socket.socket):
    """A plain connection."""

    probe: Probe | None = None

    def recv(self, size: int, flags: int = 0) -> bytes:
        """As the socket's."""
        data = super().recv(size, flags)
        if self.probe is not None:
            self.probe.hear(len(data))
        return data

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """As the socket's."""
        count = super().recv_into(buffer, nbytes, flags)
        if self.probe is not None:
            self.probe.hear(count)
        return count


class SecureLine(ssl.SSLSocket):
    """A connection over TLS; counted is what was said, not how it was wrapped."""

    probe: Probe | None = None
    """None while TLS is agreed upon."""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """As the socket's."""
        data = super().recv(buflen, flags)
        if self.probe is not None:
            self.probe.hear(len(data))
        return data

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        """As the socket's."""
        count = super().recv_into(buffer, nbytes, flags)
        if self.probe is not None:
            self.probe.hear(count)
        return count


def counted(connection: socket.socket, probe: Probe) -> Line:
    """The same connection as a ``Line``; ``connection`` itself cannot be used any more."""
    line = Line(connection.family, connection.type, connection.proto, fileno=connection.detach())
    line.settimeout(probe.deadline.left())
    line.probe = probe
    return line
