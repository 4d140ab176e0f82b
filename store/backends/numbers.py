"""The numbers of series, remembered: a series has the same for ever. Pure."""

from __future__ import annotations

from collections.abc import Callable

from bus.messages import KINDS
from store.backends.values import unpack_series
from store.keys import series_key

MOST = 10_000


class Numbers:
    """Remembers up to ``most`` of them."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: dict[bytes, int] = {}

    def of(self, kind: str, subject: str, read: Callable[[bytes], int | None]) -> int | None:
        """The number of a series, which ``read`` finds by its key; what has none yet is read again the next time."""
        if kind not in KINDS:
            return None
        key = series_key(kind, subject.encode())
        number = self._known.get(key)
        if number is None and (number := read(key)) is not None:
            if len(self._known) >= self._most:
                self._known.clear()
            self._known[key] = number
        return number


def number_of(key: bytes, value: bytes | memoryview | None) -> int | None:
    """The number in what stands under a series' key; None when there is none, or it is damaged."""
    series = unpack_series(key, value) if value else None
    return None if series is None else series[0]
