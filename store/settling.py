"""Receipts on their way out: soon after a commit, at once for whoever asks."""

from __future__ import annotations

import time
from collections.abc import Callable

from bus import failpoints
from bus.control import Flags, bundled, pack_receipt
from bus.delivery.receiver import Receiver
from bus.loop import Loop, Timer
from bus.sockets import Settle


class Settling:
    """Sends what the receiver has to tell; commits of a short while are told together, one receipt a producer."""

    def __init__(
        self,
        receiver: Receiver,
        settle: Settle,
        loop: Loop,
        seconds: float,
        *,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.sent = 0
        self.dropped = 0
        """Receipts that the collector did not take; their producers ask for them."""
        self.flags = Flags.NONE
        self._receiver = receiver
        self._settle = settle
        self._loop = loop
        self.seconds = seconds
        """So long commits are told together."""
        self._clock = clock
        self._timer: Timer | None = None

    @property
    def waits(self) -> bool:
        """Whether something is about to be sent."""
        return self._timer is not None

    def soon(self) -> None:
        """Something was committed, or came that was committed before, or cannot be committed now."""
        if self._receiver.asked:
            self.now()
        elif self._timer is None:
            self._timer = self._loop.after(self.seconds, self.now)

    def now(self) -> None:
        """Send what there is to tell."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        failpoints.at("receipt.send")
        for frame, count in bundled(map(pack_receipt, self._receiver.receipts(self._clock(), self.flags))):
            if self._settle.send(frame):
                self.sent += count
            else:
                self.dropped += count
