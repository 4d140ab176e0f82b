"""Samples of layouts that nobody announced yet. Pure."""

from __future__ import annotations

from operator import itemgetter

from bus.wire import Record

MOST = 10_000
EACH = 200
"""Of one source: whoever invents the numbers of layouts takes nobody else's place."""


class Waiting:
    """Keeps samples, with when they were received, until their layout is known.

    Of a source that has more than ``EACH`` the oldest are let go; where there are ``MOST``, those of newcomers.
    """

    def __init__(self) -> None:
        self._of: dict[str, dict[int, list[tuple[Record, int]]]] = {}
        """By source and layout."""
        self._who: dict[int, set[str]] = {}
        """By layout the sources that have samples of it here."""
        self._counts: dict[str, int] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, layout: int, record: Record, received: int) -> None:
        """Keep a sample of ``layout``."""
        source = record.source
        held = self._counts.get(source, 0)
        if held >= EACH or (held and self._count >= MOST):
            self._let_go(source)
        elif self._count >= MOST:
            return
        self._of.setdefault(source, {}).setdefault(layout, []).append((record, received))
        self._who.setdefault(layout, set()).add(source)
        self._counts[source] = self._counts.get(source, 0) + 1
        self._count += 1

    def taken(self, layout: int) -> list[tuple[Record, int]]:
        """What waited for ``layout``, in the order in which it was received."""
        found: list[tuple[Record, int]] = []
        for source in sorted(self._who.pop(layout, ())):
            samples = self._of[source].pop(layout)
            self._less(source, len(samples))
            found += samples
        return sorted(found, key=itemgetter(1))

    def layouts(self) -> tuple[int, ...]:
        """What is waited for."""
        return tuple(self._who)

    def _let_go(self, source: str) -> None:
        """Forget the oldest sample of the layout that this source waits for longest."""
        layout, samples = next(iter(self._of[source].items()))
        del samples[0]
        if not samples:
            del self._of[source][layout]
            self._who[layout].discard(source)
            if not self._who[layout]:
                del self._who[layout]
        self._less(source, 1)

    def _less(self, source: str, by: int) -> None:
        self._count -= by
        self._counts[source] -= by
        if not self._counts[source]:
            del self._counts[source], self._of[source]
