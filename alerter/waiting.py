"""Samples of layouts that nobody announced yet. Pure."""

from __future__ import annotations

from bus.wire import Record

MOST = 10_000


class Waiting:
    """Keeps samples, with when they were received, until their layout is known; more than ``MOST`` are let go."""

    def __init__(self) -> None:
        self._samples: dict[int, list[tuple[Record, int]]] = {}
        self._count = 0

    def add(self, layout: int, record: Record, received: int) -> None:
        """Keep a sample of ``layout``."""
        samples = self._samples.setdefault(layout, [])
        if self._count < MOST:
            samples.append((record, received))
            self._count += 1

    def taken(self, layout: int) -> list[tuple[Record, int]]:
        """What waited for ``layout``, in the order in which it came."""
        found = self._samples.pop(layout, [])
        self._count -= len(found)
        return found

    def layouts(self) -> tuple[int, ...]:
        """What is waited for."""
        return tuple(self._samples)
