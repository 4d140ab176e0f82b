"""How much a spool keeps, and what it says of itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
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
    step_bytes: int = 64 * 1_048_576
    """So much goes at once: to let go of gigabytes takes minutes, in which nobody is told that the process lives."""
    floors: int = 448
    """Epochs without messages that are remembered."""
    journal_bytes: int = 262_144
    """So large is the journal, whole pages of 4,096; 0 for a spool that does without."""

    def aim(self, used: int) -> int:
        """The bytes that there may be after a write, of ``used`` before it: far too many become fewer in steps."""
        return max(self.bytes, used - self.step_bytes)


@dataclass(frozen=True, slots=True)
class SpoolStatus:
    """What a spool holds, may hold, and lost; see ``bus.keeping.Status``."""

    bytes: int
    limit: int
    seconds: float
    messages: int
    dropped: int


def faults(moved_aside: str, journal_fault: str) -> list[str]:
    """What was found wrong with a spool, as sentences that go on after "the spool"."""
    found = []
    if moved_aside:
        found.append(f" was damaged and is now {moved_aside}; what it held is lost, but for what its journal told")
    if journal_fault:
        found.append(f"'s journal {journal_fault}; messages of its last minute may be lost")
    return found


def fault_teller(faults: Callable[[], Sequence[str]], log: logging.Logger) -> Callable[[], None]:
    """Says in the log what was found wrong with a spool, each fault once; to be called now and then."""
    told = set[str]()

    def tell() -> None:
        for fault in faults():
            if fault not in told:
                told.add(fault)
                log.error("the spool%s", fault)

    return tell
