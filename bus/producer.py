"""What a producer has to say, numbered and pushed to the door."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence

from bus.messages import Layout, Message, Sample, layout_id
from bus.sockets import Push
from bus.wire import pack, record


class Producer:
    """Numbers the messages of one process without holes and pushes them; never blocks."""

    def __init__(
        self,
        push: Push,
        source: str,
        *,
        clock: Callable[[], int] = time.time_ns,
        announce_seconds: float = 60.0,
    ) -> None:
        self.source = source
        self.epoch = int.from_bytes(os.urandom(8), "big")
        self.number = 0
        self.refused = 0
        self._push = push
        self._clock = clock
        self._announce_ns = int(announce_seconds * 1e9)
        self._announced: dict[int, int] = {}

    def tell(self, message: Message, *, at: int, subject: str | None = None) -> bool:
        """Push ``message`` about ``subject`` (None: the producer itself); False when nobody takes it now.

        Raises ``Unfit`` when it is over the wire's limits: such a message would be refused for ever.
        """
        self.number += 1
        told = record(
            message,
            source=self.source,
            subject=subject,
            at=at,
            epoch=self.epoch,
            number=self.number,
            sent=self._clock(),
        )
        taken = self._push.send(pack(told))
        self.refused += not taken
        return taken

    def sample(self, names: Sequence[str], values: Sequence[float | None], *, at: int) -> bool:
        """Push one sample, after its layout where that was not announced within the last minute."""
        names = tuple(names)
        layout = layout_id(names)
        if at - self._announced.get(layout, -self._announce_ns) >= self._announce_ns and self.tell(
            Layout(names), at=at
        ):
            self._announced[layout] = at
        return self.tell(Sample(layout, tuple(values)), at=at)

    def readings(self, readings: Mapping[str, float | None], *, at: int) -> bool:
        """Push one sample of named readings."""
        return self.sample(tuple(readings), tuple(readings.values()), at=at)
