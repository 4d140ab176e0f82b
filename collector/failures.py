"""Connections that came to nothing at a public socket: no key, the wrong server's key, no ZMTP at all."""

from __future__ import annotations

import contextlib
import struct

import zmq

from bus.sockets import Road
from collector.refusals import Refusals

_EVENT = struct.Struct("=Hi")
_PROTOCOL = zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
_NO_DETAIL = zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
_CRYPTOGRAPHIC = zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC
_MECHANISM = zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
MOST_AT_ONCE = 1000


class Failures:
    """Counts them; keys that are not on the list are counted by the ZAP handler, which knows their address."""

    def __init__(self, road: Road, refusals: Refusals, place: str) -> None:
        self.raw: zmq.Socket[bytes] = road.raw.get_monitor_socket(_PROTOCOL | _NO_DETAIL)
        self._road = road
        self._refusals = refusals
        self._place = place

    def drain(self) -> None:
        """Count what failed since the last call."""
        with contextlib.suppress(zmq.Again):
            for _ in range(MOST_AT_ONCE):
                event, value = _EVENT.unpack(self.raw.recv_multipart(zmq.NOBLOCK)[0])
                reason, text = _reason(event, value)
                self._refusals.count(reason, f"a connection to {self._place}", text)

    def close(self) -> None:
        """Stop watching."""
        if not self._road.raw.closed:
            self._road.raw.disable_monitor()
        self.raw.close(0)


def _reason(event: int, value: int) -> tuple[str, str]:
    if event == _PROTOCOL and value == _MECHANISM:
        return "no key", "a connection without a key"
    if event == _PROTOCOL and value == _CRYPTOGRAPHIC:
        return "wrong hub key", "a connection meant for a hub with another key"
    # Whoever has no key may notice first that one is asked for, and hang up.
    return "handshake", "a connection that ended before it had shown a key"
