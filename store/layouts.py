"""Which layouts are kept, whose they are, and when they were heard of last. Pure.

Whoever samples announces its layout again and again, so one of which nothing was heard for long, and which no row
needs, may go. Names that are invented with each sample would fill the state before that: of one source only so many
are kept.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from bus.timing import DAY, HOUR

FORGET_AFTER = 3 * DAY
"""So long, ns, a layout is kept of which nothing is heard."""
HEARD_EVERY = HOUR
"""So old, ns, what is known of when a layout was heard of last may be."""
EACH = 400
"""Bytes that a layout takes beside its names, about."""
NOBODY = ""
"""Whose layouts are that were there before anybody wrote down whose they are: they are on nobody's account."""


@dataclass(slots=True)
class Kept:
    """A layout: who announced it first, what it takes, when it was heard of last (ns)."""

    source: str
    size: int
    heard: int
    needed: int = 0
    """The time of the latest sample by it that its source dated ahead of us, ns."""


class Ledger:
    """All layouts by their ids; ``changed`` are those of which something is to be written down."""

    def __init__(self) -> None:
        self.changed: set[int] = set()
        self._kept: dict[int, Kept] = {}
        self._taken: Counter[str] = Counter()

    def __contains__(self, layout: int) -> bool:
        return layout in self._kept

    def __getitem__(self, layout: int) -> Kept:
        return self._kept[layout]

    def load(self, layout: int, source: str, size: int, heard: int, needed: int = 0) -> None:
        """One that is on the disk, whose names take ``size`` bytes."""
        self._kept[layout] = Kept(source, size + EACH, heard, needed)
        self._taken[source] += size + EACH

    def learn(self, layout: int, source: str, size: int, now: int, most: int) -> bool:
        """Keep a layout whose names take ``size`` bytes; False when its source would have more than ``most``."""
        if layout in self._kept:
            self.hear(layout, now)
            return True
        if source != NOBODY and self._taken[source] + size + EACH > most:
            return False
        self.load(layout, source, size, now)
        self.changed.add(layout)
        return True

    def hear(self, layout: int, now: int) -> None:
        """One that is known was announced, or is used."""
        kept = self._kept.get(layout)
        # A clock that was put back makes the last time one of the future.
        if kept is not None and not 0 <= now - kept.heard < HEARD_EVERY:
            kept.heard = now
            self.changed.add(layout)

    def need(self, layout: int, until: int) -> None:
        """A row of that time to come refers to it."""
        kept = self._kept.get(layout)
        if kept is not None and until > kept.needed:
            kept.needed = until
            self.changed.add(layout)

    def stale(self, before: int) -> list[int]:
        """Those that were heard of last, and are needed last, before this instant."""
        return [layout for layout, kept in self._kept.items() if max(kept.heard, kept.needed) < before]

    def forget(self, layout: int) -> None:
        """It is kept no more."""
        kept = self._kept.pop(layout)
        self._taken[kept.source] -= kept.size
        if self._taken[kept.source] <= 0:
            del self._taken[kept.source]
        self.changed.discard(layout)


def forgotten_before(now: int, oldest: list[int]) -> int:
    """Layouts that were heard of last before this are in no row; ``oldest``: since when there are rows in partitions.

    A row is told soon after its layout: what was told before the oldest partition began is in blocks, which have names
    of their own.
    """
    return min([now - FORGET_AFTER, *(start - 2 * HEARD_EVERY for start in oldest)])
