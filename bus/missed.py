"""How many published frames a subscriber missed, of each collector and kind. Pure.

Each collector counts what it publishes, apart for each kind, from 1 at its start (``bus.wire.Stamp``).
"""

from __future__ import annotations

from bus.wire import Stamp

MOST = 64
"""Pairs of a collector's life and a kind that are remembered; the longest unheard go first."""


class Passed:
    """The counters as last seen. ``from_one``: of a collector that was heard, another life began at 1 since."""

    def __init__(self, *, from_one: bool = False) -> None:
        self._from_one = from_one
        self._places: set[int] = set()
        """The collectors that were heard."""
        self._lives: dict[int, bool] = {}
        """Those that were heard, the longest unheard first; whether the collector had been heard before in another."""
        self._last: dict[tuple[str, int], int] = {}
        self._kinds: set[str] = set()
        self._amid: set[int] = set()
        """Lives of which it is known that they told something before they were heard."""

    def missing(self, stamp: Stamp) -> int:
        """How many frames of its kind should have come before this one and did not."""
        last = self._last.get((stamp.kind, stamp.incarnation))
        if last is not None:
            return max(0, stamp.counter - last - 1)
        return stamp.counter - 1 if self._began_since(stamp) and stamp.kind in self._kinds else 0

    def is_new(self, stamp: Stamp) -> bool:
        """Whether this is the first frame of its collector's life: nobody can tell what went before it."""
        return stamp.incarnation not in self._lives

    def is_amid(self, stamp: Stamp) -> bool:
        """Whether this is the first frame to show that its collector told others before it was heard: of any kind."""
        known = (stamp.kind, stamp.incarnation) in self._last or stamp.incarnation in self._amid
        return stamp.counter > 1 and not known and not self._began_since(stamp)

    def _began_since(self, stamp: Stamp) -> bool:
        return self._lives.get(stamp.incarnation, self._from_one and stamp.place in self._places)

    def note(self, stamp: Stamp) -> None:
        """This frame has come."""
        key = stamp.kind, stamp.incarnation
        if self.is_amid(stamp):
            self._amid.add(stamp.incarnation)
        self._last.pop(key, None)
        self._last[key] = stamp.counter
        self._kinds.add(stamp.kind)
        began = self._began_since(stamp)
        self._places.add(stamp.place)
        self._lives.pop(stamp.incarnation, None)
        self._lives[stamp.incarnation] = began
        if len(self._lives) > MOST:
            forgotten = next(iter(self._lives))
            del self._lives[forgotten]
            self._amid.discard(forgotten)
        if len(self._last) > MOST:
            del self._last[next(iter(self._last))]

    def clear(self) -> None:
        """Whatever is missing from here on is known."""
        self._last.clear()
        self._kinds.clear()
