"""ZeroMQ sockets by role, their options set once. What the options do was measured; the reasons stand here.

No socket lingers for ever: a hub's socket drops what is queued at its end (receipts make that harmless), a
producer's waits up to two seconds. A producer's heartbeats notice a cut that TCP would notice in hours.
``MAXMSGSIZE`` ends the connection of whoever sends more than the wire allows, before the memory is taken.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING

import zmq

from bus.wire import MAX_FRAME, topic

if TYPE_CHECKING:
    from bus.keys import KeyPair

Socket = zmq.Socket[bytes]
DOMAIN = b"guardia"
"""The name under which public sockets ask who may come in."""
HUB_HWM = 100_000
"""Bus frames a subscriber may lag behind before the collector drops for it alone."""


class Road:
    """What all roles share."""

    def __init__(self, raw: Socket) -> None:
        self.raw = raw

    def bind(self, address: str) -> str:
        """Listen at ``address``; returns it with the port that was taken where it said ``*``."""
        self.raw.bind(address)
        last: bytes = self.raw.getsockopt(zmq.LAST_ENDPOINT)  # type: ignore[assignment]
        return last.rstrip(b"\0").decode()

    def connect(self, address: str) -> None:
        """Connect, now or as soon as somebody listens there."""
        self.raw.connect(address)

    def ask_for_keys(self, own: KeyPair) -> None:
        """From the next ``bind`` on, let in only whom the ZAP handler knows; without a handler, nobody."""
        self.raw.setsockopt(zmq.CURVE_SERVER, 1)
        self.raw.setsockopt(zmq.CURVE_SECRETKEY, own.secret.encode())
        self.raw.setsockopt(zmq.ZAP_DOMAIN, DOMAIN)
        # Without this, a dead handler would let every key in.
        self.raw.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)

    def show_key(self, own: KeyPair, hub: str) -> None:
        """From the next ``connect`` on, speak with ``own`` key, and to nobody but the holder of ``hub``'s."""
        self.raw.setsockopt(zmq.CURVE_SERVERKEY, hub.encode())
        self.raw.setsockopt(zmq.CURVE_PUBLICKEY, own.public.encode())
        self.raw.setsockopt(zmq.CURVE_SECRETKEY, own.secret.encode())

    def take_names_by(self, *, six: bool) -> None:
        """From the next ``connect`` on, a name means its IPv6 address if it has one (``six``), or its IPv4 one."""
        # libzmq tries one address of a name, and if IPv6 is on that is the one of IPv6.
        self.raw.setsockopt(zmq.IPV6, int(six))

    def close(self) -> None:
        """Close the socket; what is queued goes out within the linger time of its role."""
        self.raw.close()

    def send(self, frame: bytes) -> bool:
        """Queue one frame; False when nobody can take it now."""
        try:
            self.raw.send(frame, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def drain(self, limit: int = 1000) -> list[bytes]:
        """Up to ``limit`` frames that have come, without waiting. Further parts of a multipart are frames."""
        frames: list[bytes] = []
        receive, append, flag = self.raw.recv, frames.append, zmq.NOBLOCK
        with contextlib.suppress(zmq.Again):
            for _ in range(limit):
                append(receive(flag))
        return frames


def _producing(raw: Socket) -> Socket:
    raw.setsockopt(zmq.LINGER, 2000)
    raw.setsockopt(zmq.SNDHWM, 1000)
    raw.setsockopt(zmq.RECONNECT_IVL, 200)
    raw.setsockopt(zmq.RECONNECT_IVL_MAX, 30_000)
    raw.setsockopt(zmq.CONNECT_TIMEOUT, 5000)
    raw.setsockopt(zmq.HANDSHAKE_IVL, 10_000)
    raw.setsockopt(zmq.TCP_KEEPALIVE, 1)
    # Each question wakes both sides, on each of a producer's two roads.
    _heartbeats(raw)
    raw.setsockopt(zmq.IPV6, 1)
    return raw


def _heartbeats(raw: Socket) -> None:
    """Connect anew where nobody answers: after both times at most.

    It may be on this machine: after one write that failed for want of memory (ENOBUFS) libzmq may never write to that
    connection again.
    """
    raw.setsockopt(zmq.HEARTBEAT_IVL, 10_000)
    raw.setsockopt(zmq.HEARTBEAT_TIMEOUT, 10_000)


def _public(raw: Socket) -> Socket:
    raw.setsockopt(zmq.LINGER, 0)
    raw.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME)
    raw.setsockopt(zmq.RCVHWM, 5000)
    raw.setsockopt(zmq.BACKLOG, 1024)
    raw.setsockopt(zmq.HANDSHAKE_IVL, 5000)
    # No heartbeats of its own: at each answer libzmq looks through the timers of all connections, which at 17,000
    # of them took a whole core. The producers' heartbeats are answered; whoever is gone, the kernel notices.
    raw.setsockopt(zmq.TCP_KEEPALIVE, 1)
    raw.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 60)
    raw.setsockopt(zmq.TCP_KEEPALIVE_INTVL, 15)
    raw.setsockopt(zmq.TCP_KEEPALIVE_CNT, 4)
    raw.setsockopt(zmq.IPV6, 1)
    return raw


class Push(Road):
    """A producer's way to the door. Connects; never blocks."""

    def __init__(self, context: zmq.Context[Socket], *, queue: int = 1000) -> None:
        super().__init__(_producing(context.socket(zmq.PUSH)))
        self.raw.setsockopt(zmq.SNDHWM, queue)


class Pull(Road):
    """The door itself. Binds, at several addresses if need be."""

    def __init__(self, context: zmq.Context[Socket]) -> None:
        super().__init__(_public(context.socket(zmq.PULL)))


class Settle:
    """The store's way back: to every collector, since only the one that a producer talks to knows where it is."""

    def __init__(self, pushes: Iterable[Push]) -> None:
        self._pushes = tuple(pushes)

    def send(self, frame: bytes) -> bool:
        """Give a receipt to each collector; False when none of them could take it."""
        took = [push.send(frame) for push in self._pushes]
        return any(took)


class Publish(Road):
    """The stair: everything the collector admitted. A slow subscriber loses frames alone and can count them."""

    def __init__(self, context: zmq.Context[Socket], *, queue: int = HUB_HWM) -> None:
        super().__init__(context.socket(zmq.PUB))
        self.raw.setsockopt(zmq.LINGER, 0)
        self.raw.setsockopt(zmq.SNDHWM, queue)


class Subscribe(Road):
    """A room's view of the stair: the messages of some kinds."""

    def __init__(self, context: zmq.Context[Socket], kinds: Iterable[str], *, queue: int = HUB_HWM) -> None:
        super().__init__(context.socket(zmq.SUB))
        self.raw.setsockopt(zmq.LINGER, 0)
        self.raw.setsockopt(zmq.RCVHWM, queue)
        # Who reads late loses nothing by this before the queue is full.
        _heartbeats(self.raw)
        for kind in kinds:
            self.raw.setsockopt(zmq.SUBSCRIBE, topic(kind))


class Ask(Road):
    """Asks the reader: a DEALER, so that many questions may be under way and a lost answer blocks nothing."""

    def __init__(self, context: zmq.Context[Socket]) -> None:
        super().__init__(context.socket(zmq.DEALER))
        self.raw.setsockopt(zmq.LINGER, 0)
        _heartbeats(self.raw)
        # With nobody there a question fails at once instead of waiting in a queue until nobody cares.
        self.raw.setsockopt(zmq.IMMEDIATE, 1)


class Answer(Road):
    """Answers questions: a ROUTER; frames are [who asked, number of the question, question]."""

    def __init__(self, context: zmq.Context[Socket]) -> None:
        super().__init__(context.socket(zmq.ROUTER))
        self.raw.setsockopt(zmq.LINGER, 0)


class Watch:
    """What becomes of a producer's connection: it comes, goes, or is refused."""

    def __init__(self, road: Road) -> None:
        self._road = road.raw
        self.raw: Socket = road.raw.get_monitor_socket(_UP | _DOWN | _REFUSED)
        """Becomes readable when something happened."""

    def changes(self) -> list[bool | None]:
        """What happened since the last call: True up, False down, None refused by the hub."""
        found: list[bool | None] = []
        with contextlib.suppress(zmq.Again):
            while True:
                event = _EVENT.unpack(self.raw.recv_multipart(zmq.NOBLOCK)[0])[0]
                found.append(True if event & _UP else False if event & _DOWN else None)
        return found

    def close(self) -> None:
        """Stop watching, before the road is closed."""
        self._road.disable_monitor()
        self.raw.close(0)


class Hear(Road):
    """A producer's end of the receipts' road: a DEALER, whose connection is watched."""

    def __init__(self, context: zmq.Context[Socket]) -> None:
        super().__init__(_producing(context.socket(zmq.DEALER)))
        self.raw.setsockopt(zmq.LINGER, 0)
        self.raw.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME)
        self._watch = Watch(self)
        self.watch: Socket = self._watch.raw
        """Becomes readable when the connection comes or goes."""

    def changes(self) -> list[bool | None]:
        """What became of the connection; see ``Watch``."""
        return self._watch.changes()

    def close(self) -> None:
        """Close it and its watch."""
        self._watch.close()
        super().close()


class Post(Road):
    """The collector's end of the receipts' road: a ROUTER; frames are [who, HELLO or receipt]."""

    def __init__(self, context: zmq.Context[Socket]) -> None:
        super().__init__(_public(context.socket(zmq.ROUTER)))
        # To somebody who is gone is an error to learn from, not a frame dropped without a word.
        self.raw.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self.raw.setsockopt(zmq.SNDHWM, 1000)

    def letters(self, limit: int = 1000) -> list[list[zmq.Frame]]:
        """Up to ``limit`` messages that have come, with who sent each; the frames know the key they came by."""
        found: list[list[zmq.Frame]] = []
        receive, append = self.raw.recv_multipart, found.append
        with contextlib.suppress(zmq.Again):
            for _ in range(limit):
                append(receive(zmq.NOBLOCK, copy=False))
        return found

    def deliver(self, who: bytes, frame: bytes) -> bool:
        """Send ``frame``; False when ``who`` is gone. Somebody who does not listen loses it."""
        try:
            self.raw.send_multipart((who, frame), zmq.NOBLOCK)
        except zmq.ZMQError as error:
            return error.errno != zmq.EHOSTUNREACH
        return True


_EVENT = struct.Struct("=Hi")
"""A monitor's first frame: event and value. ``zmq.utils.monitor`` would read it, and load asyncio: 8 MB."""
_UP = zmq.EVENT_HANDSHAKE_SUCCEEDED
_DOWN = zmq.EVENT_DISCONNECTED
_REFUSED = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
