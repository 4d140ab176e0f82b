"""How much a spool keeps, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """How much a spool keeps, and for how long."""

    bytes: int = 512 * 1_048_576
    seconds: float = 7 * 86_400.0
    """Messages are dropped after so long, acknowledged or not."""
    acknowledged_seconds: float = 86_400.0
    """Acknowledged messages are kept for so long while there is room."""
    mark_seconds: float = 300.0
    """How exactly ages are known."""
    compact_bytes: int = 64 * 1_048_576
    """A larger file of which less than a quarter is in use is written anew."""
    floors: int = 448
    """Epochs without messages that are remembered."""
    journal_bytes: int = 262_144
    """So large is the journal, whole pages of 4,096; 0 for a spool that does without."""


@dataclass(frozen=True, slots=True)
class SpoolStatus:
    """What a spool holds and lost; times in ns since 1970, 0 for never."""

    bytes: int
    limit: int
    file_bytes: int
    messages: int
    epochs: int
    dropped: int
    dropped_first: int
    dropped_last: int
    moved_aside: str
