"""A peer that speaks ZMTP 3 by hand, and therefore may speak it as wrongly as it likes."""

from __future__ import annotations

import contextlib
import socket
import struct

SIGNATURE = b"\xff" + bytes(8) + b"\x7f"
MORE, LONG, COMMAND = 1, 2, 4


def greeting(mechanism: bytes = b"NULL", version: bytes = b"\x03\x01", server: bytes = b"\0") -> bytes:
    """The 64 bytes that everybody begins with."""
    return SIGNATURE + version + mechanism.ljust(20, b"\0") + server + bytes(31)


def frame(body: bytes, flags: int = 0) -> bytes:
    """One frame as it travels."""
    if len(body) > 255 or flags & LONG:
        return bytes((flags | LONG,)) + struct.pack(">Q", len(body)) + body
    return bytes((flags, len(body))) + body


def ready(kind: bytes = b"PUSH") -> bytes:
    """The command that ends a handshake without keys."""
    return frame(b"\x05READY\x0bSocket-Type" + struct.pack(">I", len(kind)) + kind, COMMAND)


def connected(port: int, timeout: float = 10.0) -> socket.socket:
    """A plain connection to a port of this machine."""
    found = socket.create_connection(("127.0.0.1", port), timeout)
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return found


def admitted(port: int) -> socket.socket:
    """A connection past its handshake, at a door without keys."""
    found = connected(port)
    found.sendall(greeting() + ready())
    seen = b""
    while len(seen) < 64 + 2 or b"READY" not in seen:
        more = found.recv(4096)
        assert more, "the door hung up during the handshake"
        seen += more
    return found


def ended(one: socket.socket, seconds: float) -> bool:
    """Whether the other side ends the connection within ``seconds``."""
    one.settimeout(seconds)
    with contextlib.suppress(TimeoutError):
        try:
            while one.recv(65_536):
                continue
        except ConnectionError:
            return True
        return True
    return False
