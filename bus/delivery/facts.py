"""What the receiver says: verdicts on records, and what came to light. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bus.delivery.identity import TwoHosts
from bus.delivery.stream import Gap


class Verdict(Enum):
    """What becomes of a record."""

    NEW = "new"
    """To be written."""
    DUPLICATE = "duplicate"
    """On the disk, or in this batch, already."""
    EPOCHS = "too many epochs"
    HOLES = "too many holes"
    NUMBER = "impossible number"


@dataclass(frozen=True, slots=True)
class Declared:
    """A gap was declared."""

    source: str
    epoch: int
    gap: Gap


@dataclass(frozen=True, slots=True)
class Found:
    """A number that had been declared gone came after all."""

    source: str
    epoch: int
    number: int


Fact = Declared | Found | TwoHosts
