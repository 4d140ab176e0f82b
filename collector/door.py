"""The shell between the doors and the stair: drain, admit, coalesce, publish."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

import zmq

from bus import failpoints
from bus.control import REFUSED, pack_refusals
from bus.messages import KINDS
from bus.sockets import Publish, Pull
from bus.vitals import Vitals
from bus.wire import Malformed, stamped
from collector.intake import Intake
from collector.refusals import Refusals
from collector.refused import refusals

Who = Callable[[zmq.Frame], str]
"""The name that a frame's connection stands for; raises ``Malformed`` when it stands for none any more."""


class Door:
    """Passes on what the doors let in, one bus frame per kind and drain."""

    def __init__(
        self,
        stair: Publish,
        refusals: Refusals,
        vitals: Vitals,
        *,
        drain_frames: int,
        drain_bytes: int,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.incarnation = secrets.randbits(64)
        self._stair = stair
        self._refusals = refusals
        self._vitals = vitals
        self._drain_frames = drain_frames
        self._drain_bytes = drain_bytes
        self._clock = clock
        self._counters = dict.fromkeys(KINDS, 0)

    def opened(self, pull: Pull, intake: Intake, *, name: str, who: Who | None = None) -> Callable[[], None]:
        """The handler for ``pull``: takes what has come and passes it on. ``name`` is for the log.

        ``who`` tells who a frame's connection belongs to; None: anybody who comes in may speak under any name.
        """

        def drain() -> None:
            self._pass_on(self._taken(pull, intake, name, who))

        return drain

    def _taken(self, pull: Pull, intake: Intake, name: str, who: Who | None) -> dict[str, list[bytes]]:
        by_kind: dict[str, list[bytes]] = {}
        receive, admit = pull.raw.recv, intake.admit
        room, count = self._drain_bytes, 0
        while count < self._drain_frames and room > 0:
            try:
                frame = receive(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                break
            count += 1
            data = frame.bytes
            room -= len(data)
            sender = None
            try:
                sender = who(frame) if who else None
                kind = admit(data, sender)
            except Malformed as fault:
                self._refusals.count(fault.reason, sender or _sender(frame, name), str(fault))
                told = refusals(data, fault.reason, public=intake.public)
                if who is not None:
                    # Nobody may have somebody else's records passed as refused.
                    told = [one for one in told if one.source == sender]
                if told:
                    self._stair.send(REFUSED + pack_refusals(told))
                continue
            by_kind.setdefault(kind, []).append(data)
        self._vitals.count("intake.frames", count)
        return by_kind

    def _pass_on(self, by_kind: dict[str, list[bytes]]) -> None:
        if by_kind:
            failpoints.at("collector.forward")
        received = self._clock()
        # In the order of KINDS: a layout goes up the stair before the samples that use it.
        for kind in KINDS:
            frames = by_kind.get(kind)
            if frames:
                self._counters[kind] += 1
                self._stair.send(stamped(kind, self.incarnation, self._counters[kind], received, frames))
                self._vitals.count("stair.frames", len(frames))


def _sender(frame: zmq.Frame, name: str) -> str:
    try:
        return str(frame.get("Peer-Address")).removeprefix("::ffff:")  # an IPv4 address in IPv6 clothes
    except zmq.ZMQError:  # ipc has no addresses
        return name
