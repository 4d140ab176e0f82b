"""What a courier needs of a spool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bus.delivery.outflow import Kept
from bus.delivery.retention import Evicted


class Status(Protocol):
    """What the courier reports of a spool."""

    @property
    def bytes(self) -> int:
        """Bytes in use."""

    @property
    def limit(self) -> int:
        """Bytes that it may use."""

    @property
    def seconds(self) -> float:
        """How long it keeps messages."""

    @property
    def messages(self) -> int:
        """Messages kept."""

    @property
    def dropped(self) -> int:
        """Unacknowledged messages that had to go, ever."""


class Keeping(Protocol):
    """A spool, as ``bus.spool`` says it."""

    @property
    def generation(self) -> int:
        """The generation of the store that was last heard of."""

    def kept(self) -> list[Kept]:
        """The epochs that are remembered."""

    def append(self, epoch: int, first: int, packed: Sequence[bytes], now: float, wall: int) -> list[Evicted]:
        """Make messages durable."""

    def read(self, epoch: int, first: int, last: int) -> list[bytes]:
        """Some messages from ``first`` on."""

    def acknowledged(self, epoch: int, watermark: int, generation: int) -> None:
        """The store has everything up to here."""

    def trim(self, epoch: int, upto: int, now: float, wall: int) -> None:
        """Delete what stands elsewhere."""

    def sweep(self, now: float, wall: int) -> list[Evicted]:
        """Once a minute."""

    def status(self) -> Status:
        """What it holds."""

    def close(self, now: float, wall: int) -> None:
        """Let go of it."""
