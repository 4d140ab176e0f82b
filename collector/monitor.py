"""What becomes of connections to a public socket: they come, go, are too many, or come to nothing."""

from __future__ import annotations

import contextlib
import itertools
import struct

import zmq

from bus.sockets import Road
from collector.connections import Connections
from collector.hangup import address_of, descriptor_of, hang_up
from collector.refusals import Refusals

_EVENT = struct.Struct("=Hi")
"""A monitor's first frame: event and value."""
_ACCEPTED, _ENDED = zmq.EVENT_ACCEPTED, zmq.EVENT_DISCONNECTED
_EXHAUSTED = zmq.EVENT_ACCEPT_FAILED
_PROTOCOL = zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
_NO_DETAIL = zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
_CRYPTOGRAPHIC = zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC
_MECHANISM = zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
MOST_AT_ONCE = 1000
_numbers = itertools.count()


class Monitor:
    """Counts them; keys that are not on the list are counted by the ZAP handler, which knows their address."""

    def __init__(self, road: Road, refusals: Refusals, connections: Connections, place: str) -> None:
        """``place`` is the address that the socket listens at."""
        self._road = road
        self._refusals = refusals
        self._connections = connections
        self._place = place
        self.port = int(place.rpartition(":")[2])
        self.fds: set[int] = set()
        """The connections of this socket."""
        address = f"inproc://monitor-{next(_numbers)}"
        road.raw.monitor(address, _ACCEPTED | _ENDED | _EXHAUSTED | _PROTOCOL | _NO_DETAIL)
        self.raw: zmq.Socket[bytes] = road.raw.context.socket(zmq.PAIR)
        # With a bound, libzmq's own thread would wait for us where thousands of connections come at once.
        self.raw.setsockopt(zmq.RCVHWM, 0)
        self.raw.setsockopt(zmq.LINGER, 0)
        self.raw.connect(address)

    def address_of(self, fd: int) -> str:
        """Where a connection comes from."""
        return self._connections.held.get(fd, "somebody")

    def hang_up(self, frame: zmq.Frame) -> None:
        """End the connection that a message came by."""
        fd = descriptor_of(frame)
        if fd is not None:
            hang_up(fd, self.port)

    def drain(self) -> None:
        """Take in what happened since the last call."""
        with contextlib.suppress(zmq.Again):
            for _ in range(MOST_AT_ONCE):
                event, value = _EVENT.unpack(self.raw.recv_multipart(zmq.NOBLOCK)[0])
                if event == _ACCEPTED:
                    self._opened(value)
                elif event == _ENDED:
                    self.fds.discard(value)
                    self._connections.closed(value)
                else:
                    reason, text = _reason(event, value)
                    self._refusals.count(reason, f"a connection to {self._place}", text)

    def close(self) -> None:
        """Stop watching; the socket is about to be closed, and its connections with it."""
        if not self._road.raw.closed:
            self._road.raw.monitor(None, 0)
        self.raw.close(0)
        for fd in self.fds:
            self._connections.closed(fd)
        self.fds.clear()

    def _opened(self, fd: int) -> None:
        address = address_of(fd, self.port)
        self.fds.add(fd)
        too_many = self._connections.opened(fd, address)
        if too_many:
            self._refusals.count("connections", address or "somebody", too_many)
            hang_up(fd, self.port)


def _reason(event: int, value: int) -> tuple[str, str]:
    if event == _EXHAUSTED:
        return "descriptors", "a connection that could not be accepted: the process may open no more files"
    if event == _PROTOCOL and value == _MECHANISM:
        return "no key", "a connection without a key"
    if event == _PROTOCOL and value == _CRYPTOGRAPHIC:
        return "wrong hub key", "a connection meant for a hub with another key"
    # Whoever has no key may notice first that one is asked for, and hang up.
    return "handshake", "a connection that ended before it had shown a key"
