"""One door: takes what has come, and lets it in or refuses it, frame by frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import zmq

from bus.sockets import Pull
from bus.wire import HEADER, Malformed
from collector.intake import Intake, Partly
from collector.limits import Limits, Quota
from collector.usual import SAMPLES

_SOURCE_LENGTH = 4
"""Where a record's header says how long its source is; see ``bus/wire.py``."""
Who = Callable[[zmq.Frame], str]
"""The name that a frame's connection stands for; raises ``Malformed`` when it stands for none any more."""
HangUp = Callable[[zmq.Frame], object]
"""Ends the connection that a frame came by."""
Refuse = Callable[[Malformed, str, bytes, str | None], None]
"""Is told of a refusal: why, of whom, which frame, and the name that its key stands for."""
ByKind = dict[str, list[bytes]]
"""Admitted frames by the kind of their records."""


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
    hang_up: HangUp = lambda frame: None
    _parted: bool = False

    def taken(self, frames: int, room: int, now: float, refuse: Refuse) -> tuple[ByKind, int]:
        """Admitted frames by kind, and how many came; at most ``frames`` of ``room`` bytes. ``now`` is monotonic."""
        by_kind: ByKind = {}
        receive, who, flag = self.pull.raw.recv, self.who, zmq.NOBLOCK
        samples: list[zmq.Frame] = []
        count = 0
        while count < frames and room > 0:
            try:
                frame = receive(flag, copy=False)
            except zmq.Again:
                break
            count += 1
            room -= len(frame)
            if frame.more or self._parted:
                self._parted = frame.more
                refuse(Malformed("frames", "a message of several frames"), self._sender(frame), b"", None)
            elif who is None and frame.bytes.startswith(SAMPLES):
                samples.append(frame)
            else:
                self._judge(frame, now, by_kind, refuse)
        if samples:
            self._judge_samples(samples, now, by_kind, refuse)
        return by_kind, count

    def _judge_samples(self, samples: list[zmq.Frame], now: float, by_kind: ByKind, refuse: Refuse) -> None:
        """Samples of nobody in particular, as they came."""
        told = [frame.bytes for frame in samples]
        quotas = self.limits.quotas if self.limits is not None else None
        left = self.intake.usual_each(told, quotas, now)
        if left is not None and not left:
            by_kind.setdefault("sample", []).extend(told)
            return
        unpaid = None if left is None else frozenset(left)
        for place, data in enumerate(told):
            if not self.intake.usual(data, quotas, now) if unpaid is None else place in unpaid:
                self._judge(samples[place], now, by_kind, refuse)
            else:
                by_kind.setdefault("sample", []).append(data)

    def _judge(self, frame: zmq.Frame, now: float, by_kind: ByKind, refuse: Refuse) -> None:
        who, limits = self.who, self.limits
        sender: str | None = None
        quota: Quota | None = None
        data = b""
        try:
            if who is not None:
                sender = who(frame)
                if limits is not None:
                    # What is over the allowance costs no copy.
                    quota = limits.of(sender, now)
                    quota.frame(len(frame))
                data = frame.bytes
            else:
                data = frame.bytes
                if limits is not None:
                    quota = limits.of_claimed(claimed(data), now)
                    quota.frame(len(frame))
            kind = self.intake.admit(data, sender, quota)
        except Malformed as fault:
            if isinstance(fault, Partly):
                if fault.rest:
                    by_kind.setdefault(fault.kind, []).append(fault.rest)
                data = fault.refused
            refuse(fault, sender or self._sender(frame), data, sender)
            if fault.reason == "revoked" or (quota is not None and quota.hopeless):
                self.hang_up(frame)
        else:
            by_kind.setdefault(kind, []).append(data)

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
