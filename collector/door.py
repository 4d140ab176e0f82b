"""The shell between the doors and the stair: drain, admit, coalesce, publish."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from bus import failpoints
from bus.control import REFUSED, pack_refusals
from bus.messages import KINDS
from bus.sockets import Publish, Pull
from bus.vitals import Vitals
from bus.wire import PLACE_BITS, Malformed, stamped
from collector.entrance import Entrance, HangUp, Who
from collector.intake import Intake, never_let_in
from collector.limits import Limits
from collector.refusals import Refusals

MICROSECOND = 1000
"""Receipt is told in whole ones: nothing here is done faster, and chance digits fill disks."""
TICK_SECONDS = 0.05
"""Allowances are given back in such steps: reckoning them anew for each frame would cost as much as its checksum."""


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
        place: int = 1,
        clock: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.incarnation = place << PLACE_BITS | secrets.randbits(PLACE_BITS)
        self._stair = stair
        self._refusals = refusals
        self._vitals = vitals
        self._drain_frames = drain_frames
        self._drain_bytes = drain_bytes
        self._clock = clock
        self._monotonic = monotonic
        self._counters = dict.fromkeys(KINDS, 0)

    def opened(
        self,
        pull: Pull,
        intake: Intake,
        *,
        name: str,
        who: Who | None = None,
        limits: Limits | None = None,
        hang_up: HangUp = lambda frame: None,
    ) -> Callable[[], None]:
        """The handler for ``pull``: takes what has come and passes it on; the rest: see ``Entrance``."""
        entrance = Entrance(pull, intake, name, who, limits, hang_up)

        def refuse(fault: Malformed, sender: str, frame: bytes, keyed: str | None) -> None:
            self._refusals.count(fault.reason, sender, str(fault))
            told = never_let_in(frame, fault.reason, public=intake.public)
            if who is not None:
                # Nobody may have somebody else's records passed as refused.
                told = [one for one in told if one.source == keyed]
            if told:
                self._stair.send(REFUSED + pack_refusals(told))

        def drain() -> None:
            now = self._monotonic() // TICK_SECONDS * TICK_SECONDS
            frames, count = entrance.taken(self._drain_frames, self._drain_bytes, now, refuse)
            self._vitals.count("intake.frames", count)
            self._pass_on(frames)

        return drain

    def _pass_on(self, by_kind: dict[str, list[bytes]]) -> None:
        if by_kind:
            failpoints.at("collector.forward")
        received = self._clock() // MICROSECOND * MICROSECOND
        # In the order of KINDS: a layout goes up the stair before the samples that use it.
        for kind in KINDS:
            frames = by_kind.get(kind)
            if frames:
                self._counters[kind] += 1
                self._stair.send(stamped(kind, self.incarnation, self._counters[kind], received, frames))
                self._vitals.count("published.frames", len(frames))
