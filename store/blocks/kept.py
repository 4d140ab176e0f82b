"""What was read from files that never change, the most recently used of it, up to so many bytes. Pure.

A chart of thirty days that is drawn again each few seconds reads thirty files each time, of which only the newest
is another one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

MOST = 32 * 2**20
EACH = 200
"""What the entry itself takes, about."""


class Kept:
    """Found things by their key, which has to name the very file too. Whoever gets one leaves it as it is."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._found: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self.bytes = 0

    def get(self, key: Hashable) -> Any:
        """What was put there; None when it is not, or no more."""
        found = self._found.get(key)
        if found is None:
            return None
        self._found.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, found: Any, size: int) -> None:
        """Keep it, which takes so many bytes; what is larger than an eighth of all is not kept."""
        if key in self._found or size * 8 > self._most:
            return
        self._found[key] = found, size + EACH
        self.bytes += size + EACH
        while self.bytes > self._most:
            self.bytes -= self._found.popitem(last=False)[1][1]

    def clear(self) -> None:
        """Forget all of it."""
        self._found.clear()
        self.bytes = 0
