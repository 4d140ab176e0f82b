"""How many published frames a subscriber missed, of each collector and kind. Pure.

Each collector counts what it publishes, apart for each kind, from 1 at its start (``bus.wire.Stamp``).
"""

from __future__ import annotations

from bus.wire import Stamp

MOST = 64
"""Pairs of a collector's life and a kind that are remembered; the longest unheard go first."""


class Passed:
    """The counters as last seen. Of so many ``collectors`` each was heard once: another life of one began at 1 since.

    Where their number is not told, no life is known to have begun since.
    """

    def __init__(self, *, collectors: int = 0) -> None:
        self._collectors = collectors
        self._lives: dict[int, bool] = {}
        """Those that were heard, the longest unheard first; whether each began when all collectors had been heard."""
        self._last: dict[tuple[str, int], int] = {}
        self._kinds: set[str] = set()

    def missing(self, stamp: Stamp) -> int:
        """How many frames of its kind should have come before this one and did not."""
        last = self._last.get((stamp.kind, stamp.incarnation))
        if last is not None:
            return max(0, stamp.counter - last - 1)
        return stamp.counter - 1 if self._began_since(stamp.incarnation) and stamp.kind in self._kinds else 0

    def is_new(self, stamp: Stamp) -> bool:
        """Whether this is the first frame of its collector's life: nobody can tell what went before it."""
        return stamp.incarnation not in self._lives

    def _began_since(self, life: int) -> bool:
        return self._lives.get(life, 0 < self._collectors <= len(self._lives))

    def note(self, stamp: Stamp) -> None:
        """This frame has come."""
        key = stamp.kind, stamp.incarnation
        self._last.pop(key, None)
        self._last[key] = stamp.counter
        self._kinds.add(stamp.kind)
        began = self._began_since(stamp.incarnation)
        self._lives.pop(stamp.incarnation, None)
        self._lives[stamp.incarnation] = began
        if len(self._lives) > MOST:
            del self._lives[next(iter(self._lives))]
        if len(self._last) > MOST:
            del self._last[next(iter(self._last))]

    def clear(self) -> None:
        """Whatever is missing from here on is known."""
        self._last.clear()
        self._kinds.clear()
