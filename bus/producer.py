"""What a process has to say, as messages; ``Producer`` pushes them once, ``bus.delivering`` until they are stored."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from bus.messages import Layout, Message, Sample, layout_id
from bus.sockets import Push
from bus.wire import pack, record

ONCE = 0
"""The epoch of messages that are told once: whoever tells them keeps nothing, and nobody acknowledges them."""
ANNOUNCE_SECONDS = 60.0
MOST_LAYOUTS = 1000
"""Layouts remembered as announced; a host whose metrics come and go has new ones for ever."""


class Teller(Protocol):
    """A room's voice whose words are kept until they are stored: ``bus.delivering.Deliverer``, or a test's."""

    def tell(self, message: Any, *, at: int, subject: str | None = None) -> bool:
        """Say ``message`` about ``subject``."""
        ...

    def flush(self) -> None:
        """Make what was told durable."""
        ...


class Voice(ABC):
    """What a room speaks with. A sample's layout is announced by itself, before the sample and now and then."""

    def __init__(self, source: str, announce_seconds: float = ANNOUNCE_SECONDS) -> None:
        self.source = source
        self._announce_ns = int(announce_seconds * 1e9)
        self._announced: dict[int, int] = {}
        self._names: tuple[str, ...] | None = None
        self._layout = 0

    @abstractmethod
    def tell(self, message: Message, *, at: int, subject: str | None = None) -> bool:
        """Say ``message`` about ``subject`` (None: the producer itself); False when nobody takes it now.

        Raises ``Unfit`` when it is over the wire's limits: such a message would be refused for ever.
        """

    def sample(self, names: Sequence[str], values: Sequence[float | None], *, at: int) -> bool:
        """Tell one sample, after its layout where that was not announced within the last minute."""
        names = tuple(names)
        if names is not self._names:
            self._names, self._layout = names, layout_id(names)
        layout = self._layout
        announced = self._announced.get(layout)
        # A clock that was put back makes the last announcement one of the future.
        fresh = announced is not None and 0 <= at - announced < self._announce_ns
        if not fresh and self.tell(Layout(names), at=at):
            if len(self._announced) >= MOST_LAYOUTS:
                self._announced.clear()
            self._announced[layout] = at
        return self.tell(Sample(layout, tuple(values)), at=at)

    def readings(self, readings: Mapping[str, float | None], *, at: int) -> bool:
        """Tell one sample of named readings."""
        return self.sample(tuple(readings), tuple(readings.values()), at=at)


class Producer(Voice):
    """Pushes messages and forgets them; never blocks. For what is worth nothing later: a process's own counters."""

    def __init__(
        self,
        push: Push,
        source: str,
        *,
        clock: Callable[[], int] = time.time_ns,
        announce_seconds: float = ANNOUNCE_SECONDS,
    ) -> None:
        super().__init__(source, announce_seconds)
        self.number = 0
        self.refused = 0
        self._push = push
        self._clock = clock

    def tell(self, message: Message, *, at: int, subject: str | None = None) -> bool:
        """Push ``message``; see ``Voice``."""
        self.number += 1
        told = record(
            message,
            source=self.source,
            subject=subject,
            at=at,
            epoch=ONCE,
            number=self.number,
            sent=self._clock(),
        )
        taken = self._push.send(pack(told))
        self.refused += not taken
        return taken
