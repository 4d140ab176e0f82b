"""One door: takes what has come, and lets it in or refuses it, frame by frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import zmq

from bus.sockets import Pull
from bus.wire import HEADER, Malformed
from collector.hangup import descriptor_of
from collector.intake import Intake
from collector.limits import Limits, Sender

_SOURCE_LENGTH = 4
"""Where a record's header says how long its source is; see ``bus/wire.py``."""
Who = Callable[[zmq.Frame], str]
"""The name that a frame's connection stands for; raises ``Malformed`` when it stands for none any more."""
HangUp = Callable[[int], object]
"""Ends the connection with this file descriptor."""
Refuse = Callable[[Malformed, str, bytes, str | None], None]
"""Is told of a refusal: why, of whom, which frame, and the name that its key stands for."""


@dataclass(slots=True)
class Entrance:
    """``name`` is for the log. Without ``who`` anybody may speak under any name, without ``limits`` without end.

    ``hang_up`` ends connections by which nothing good can come any more.
    """

    pull: Pull
    intake: Intake
    name: str
    who: Who | None = None
    limits: Limits | None = None
    hang_up: HangUp | None = None
    _parted: bool = False

    def taken(self, frames: int, room: int, now: float, refuse: Refuse) -> tuple[dict[str, list[bytes]], int]:
        """Admitted frames by kind, and how many came; at most ``frames`` of ``room`` bytes. ``now`` is monotonic."""
        by_kind: dict[str, list[bytes]] = {}
        receive, admit, who, limits = self.pull.raw.recv, self.intake.admit, self.who, self.limits
        usual, purses, flag = self.intake.usual, limits.purses if limits is not None else None, zmq.NOBLOCK
        kind, admitted = "", []
        count = 0
        while count < frames and room > 0:
            try:
                frame = receive(flag, copy=False)
            except zmq.Again:
                break
            count += 1
            size = len(frame)
            room -= size
            sender: str | None = None
            purse: Sender | None = None
            data = b""
            try:
                if frame.more or self._parted:
                    self._parted = frame.more
                    raise Malformed("frames", "a message of several frames")
                if who is not None:
                    sender = who(frame)
                    if limits is not None:
                        # What is over the allowance costs no copy.
                        purse = limits.of(sender, now)
                        purse.frame(size)
                    data = frame.bytes
                    found = admit(data, sender, purse)
                else:
                    data = frame.bytes
                    if usual(data, purses, now):
                        found = "sample"
                    else:
                        if limits is not None:
                            purse = limits.of_claimed(claimed(data), now)
                            purse.frame(size)
                        found = admit(data, sender, purse)
            except Malformed as fault:
                refuse(fault, sender or self._sender(frame), data, sender)
                if fault.reason == "revoked" or (purse is not None and purse.hopeless):
                    self._end(frame)
                continue
            if found != kind:
                kind, admitted = found, by_kind.setdefault(found, [])
            admitted.append(data)
        return by_kind, count

    def _end(self, frame: zmq.Frame) -> None:
        fd = descriptor_of(frame)
        if self.hang_up is not None and fd is not None:
            self.hang_up(fd)

    def _sender(self, frame: zmq.Frame) -> str:
        """Where a frame of nobody's came from."""
        try:
            address = str(frame.get("Peer-Address"))
        except zmq.ZMQError:  # ipc has no addresses
            return self.name
        return address.removeprefix("::ffff:")  # an IPv4 address in IPv6 clothes


def claimed(data: bytes) -> bytes:
    """The source that a frame's first record claims, unchecked; empty where it is too short."""
    return data[HEADER.size : HEADER.size + data[_SOURCE_LENGTH]] if len(data) >= HEADER.size else b""
