"""How far the messages of one epoch have gone from this producer. Pure."""

from __future__ import annotations

from dataclasses import dataclass

Store = tuple[int, int]
"""Generation and incarnation: which life of which store a watermark came from."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One epoch as a spool remembers it over a restart; ``last`` < ``base`` when no message is left."""

    epoch: int
    base: int
    last: int
    acked: int
    """The watermark of the store that was last heard of."""
    once: int = 0
    """The highest watermark that any store ever told; a store that was restored may tell a lower one."""


@dataclass(slots=True)
class Outflow:
    """Positions within one epoch: done <= sent <= last <= claimed."""

    epoch: int
    base: int = 1
    """The lowest number that can still be supplied."""
    last: int = 0
    """The highest number in the spool."""
    claimed: int = 0
    """The highest number given to a message."""
    acked: int = 0
    """The watermark of the store."""
    once: int = 0
    """The highest watermark that any store ever told."""
    sent: int = 0
    store: Store | None = None
    """Whose watermark ``acked`` is."""
    deadline: float | None = None
    """When a receipt is overdue."""
    held_until: float = float("-inf")
    behind_since: float | None = None
    hole_since: float = float("-inf")
    hole_at: int = -1

    @property
    def done(self) -> int:
        """The end of what need not, or cannot, be sent (again)."""
        return max(self.acked, self.base - 1)

    @property
    def under_way(self) -> int:
        """Messages sent and not yet acknowledged."""
        return self.sent - self.done

    @property
    def unsent(self) -> int:
        """Messages in the spool that are not under way."""
        return self.last - self.sent

    @property
    def unfinished(self) -> bool:
        """Whether the spool holds messages that are not acknowledged."""
        return self.last > self.done

    @property
    def held(self) -> bool:
        """Whether the spool holds any message, acknowledged or not."""
        return self.last >= self.base

    def rewind(self) -> int:
        """Take everything that is under way for lost; returns how much that was."""
        lost, self.sent, self.deadline = self.under_way, self.done, None
        return lost
