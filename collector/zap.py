"""The ZAP handler: says for every new connection to a public socket whether its key is on the list (RFC 27).

It answers on the collector's own loop. While that does not turn, handshakes wait and nobody gets in; with the
handler gone, ``ZAP_ENFORCE_DOMAIN`` refuses them.

A request's frames: version, request id, domain, address, identity, mechanism, credentials (the client's public key).
An answer's: version, request id, status, text, User-Id, metadata. The User-Id is the public key and not the name,
so that a connection made with a key that was since replaced is told from one made with its successor.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import zmq

from bus.keys import BYTES, as_text, fingerprint
from bus.sockets import DOMAIN
from collector.refusals import Refusals

ADDRESS = "inproc://zeromq.zap.01"
VERSION = b"1.0"
ADMITTED = (b"200", b"OK")
UNKNOWN = (b"300", b"not enrolled")
"""Temporary: after 400 a client's socket is dead until it is connected anew; after 300 it asks again by itself."""
MOST_AT_ONCE = 1000
REASONS = {
    "unknown key": "is not enrolled",
    "late": "came after its line had run out: enroll it --again",
    "unread": "has to wait: whether it ever came before its line ran out cannot be read now",
}


class Zap:
    """Answers libzmq, and counts whom it turns away.

    ``admitted`` gets a public key and an address; it returns one of ``REASONS``, or None to let in.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        admitted: Callable[[str, str], str | None],
        refusals: Refusals,
    ) -> None:
        self.raw = context.socket(zmq.ROUTER)
        self.raw.setsockopt(zmq.LINGER, 0)
        self.raw.bind(ADDRESS)
        self.answered = 0
        self._admitted = admitted
        self._refusals = refusals

    def drain(self) -> None:
        """Answer what was asked since the last call."""
        with contextlib.suppress(zmq.Again):
            for _ in range(MOST_AT_ONCE):
                frames = self.raw.recv_multipart(zmq.NOBLOCK)
                empty = frames.index(b"") if b"" in frames else len(frames) - 1
                answer = self.answer(frames[empty + 1 :])
                self.answered += 1
                self.raw.send_multipart([*frames[: empty + 1], *answer], zmq.NOBLOCK)

    def answer(self, request: list[bytes]) -> list[bytes]:
        """The frames that answer ``request``."""
        number = request[1] if len(request) > 1 else b""
        status, user = UNKNOWN, b""
        if len(request) == 7 and request[0] == VERSION and request[2] == DOMAIN and request[5] == b"CURVE":
            address = request[3].decode("ascii", "replace").removeprefix("::ffff:")
            if len(request[6]) == BYTES:
                public = as_text(request[6])
                reason = self._admitted(public, address)
                if reason is None:
                    status, user = ADMITTED, public.encode()
                else:
                    self._refusals.count(reason, address, f"the key {fingerprint(public)} {REASONS[reason]}")
        else:
            self._refusals.count("no key", "somebody", "a connection without a key")
        return [VERSION, number, *status, user, b""]

    def close(self) -> None:
        """Close it; from now on nobody gets in."""
        self.raw.close()
