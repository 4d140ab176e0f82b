"""End a connection that libzmq holds: the one thing that it has no call for.

libzmq tells a connection's file descriptor when it accepts it, and with every message that came by it. Shutting
that down looks to libzmq as if the peer had hung up. The descriptor may be another connection's by then; whether it is
one of the same port is looked at, and a producer that is cut off by mistake comes back within a second.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import zmq

_TCP_INFO_RECEIVED = 128
"""Where Linux keeps ``tcpi_bytes_received`` in ``struct tcp_info``."""


@contextmanager
def _borrowed(fd: int, port: int) -> Iterator[socket.socket | None]:
    """The connection, None when ``fd`` is no connection to ``port`` (any more).

    It is libzmq's, and not copied: a copy would need a descriptor, of which there is none when too many connect.
    """
    try:
        found = socket.socket(fileno=fd)
    except OSError:
        yield None
        return
    try:
        yield found if _is_connection(found, port) else None
    finally:
        found.detach()


def _is_connection(found: socket.socket, port: int) -> bool:
    try:
        # A listening socket has the port too, and no peer.
        return found.type == socket.SOCK_STREAM and found.getsockname()[1] == port and bool(found.getpeername())
    except (OSError, IndexError):
        return False


def address_of(fd: int, port: int) -> str:
    """The peer's address; empty when it is gone."""
    with _borrowed(fd, port) as found:
        if found is None:
            return ""
        try:
            return str(found.getpeername()[0]).removeprefix("::ffff:")
        except OSError:
            return ""


def received_bytes(fd: int, port: int) -> int:
    """Bytes that came by this connection so far, as the kernel counted; 0 when it is gone."""
    with _borrowed(fd, port) as found:
        if found is None:
            return 0
        info = found.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        if len(info) < _TCP_INFO_RECEIVED + 8:
            return 0
        return int(struct.unpack_from("=Q", info, _TCP_INFO_RECEIVED)[0])


def hang_up(fd: int, port: int) -> bool:
    """End the connection; False when it has ended already."""
    with _borrowed(fd, port) as found:
        if found is None:
            return False
        try:
            found.shutdown(socket.SHUT_RDWR)
        except OSError:
            return False
    return True


def descriptor_of(frame: zmq.Frame) -> int | None:
    """The connection that a message came by; None where it came by no network."""
    try:
        return int(frame.get(zmq.SRCFD))
    except (zmq.ZMQError, ValueError):
        return None
