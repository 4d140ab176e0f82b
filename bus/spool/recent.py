"""The messages of a spool that were appended just now, in memory: most are sent at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

RECENT, RECENT_BYTES = 4096, 524_288
"""So many messages and bytes are kept until they are acknowledged."""


class Recent:
    """The newest messages; what does not fit any more is forgotten, and read from the disk."""

    def __init__(self) -> None:
        self.held: deque[tuple[int, int, Sequence[bytes]]] = deque()
        """(epoch, first number, messages), oldest first."""
        self._count = self._bytes = 0

    def add(self, epoch: int, first: int, packed: Sequence[bytes]) -> None:
        """Remember what was appended."""
        self.held.append((epoch, first, packed))
        self._count += len(packed)
        self._bytes += sum(map(len, packed))
        while (self._count > RECENT or self._bytes > RECENT_BYTES) and len(self.held) > 1:
            self._forget()

    def _forget(self) -> None:
        packed = self.held.popleft()[2]
        self._count -= len(packed)
        self._bytes -= sum(map(len, packed))

    def acknowledged(self, epoch: int, watermark: int) -> None:
        """Forget what nobody will ask for."""
        held = self.held
        while held and held[0][0] == epoch and held[0][1] + len(held[0][2]) <= watermark + 1:
            self._forget()

    def read(self, epoch: int, first: int, last: int) -> list[bytes] | None:
        """These messages, None when not all of them were appended at once just now."""
        for recent, start, packed in reversed(self.held):
            if recent == epoch and start <= first and last < start + len(packed):
                return list(packed[first - start : last - start + 1])
        return None
