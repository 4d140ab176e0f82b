"""A receiver, and what it is told and tells, in few words."""

from __future__ import annotations

from bus.control import Hello, Mark, Offer
from bus.delivery.facts import Declared, Verdict
from bus.delivery.receiver import Receiver
from bus.delivery.sources import Limits
from bus.delivery.stream import Reason

GENERATION = 5
NOON = 1_700_000_000.0


def receiver_of(kept: list[tuple[bytes, bytes]] | None = None, limits: Limits | None = None) -> Receiver:
    """A receiver that goes on from what was kept."""
    return Receiver(GENERATION, 1, kept or (), limits)


def came(
    receiver: Receiver, source: str, epoch: int, first: int, last: int, base: int, generation: int, now: float
) -> list[int]:
    """Those of consecutive records that are to be written."""
    admit = receiver.admit
    return [n for n in range(first, last + 1) if admit(source, epoch, n, base, generation, now) is Verdict.NEW]


def marks(receiver: Receiver) -> list[Mark]:
    """All watermarks of the next receipts."""
    return [mark for receipt in receiver.receipts(0) for mark in receipt.marks]


def hello(*offers: Offer, boot: str = "boot-1", generation: int = GENERATION, nonce: int = 1) -> Hello:
    """A HELLO of web-1."""
    return Hello("web-1", boot, 0, 0, nonce, generation, offers)


def declared(receiver: Receiver) -> list[tuple[int, int, int, Reason]]:
    """Epoch, first and last number and reason of what is declared gone."""
    found = [fact for fact in receiver.facts if isinstance(fact, Declared)]
    return [(fact.epoch, fact.gap.first, fact.gap.last, fact.gap.reason) for fact in found]
