"""The two frames of the receipts' road: HELLO (producer to store) and RECEIPT (store to producer).

A HELLO goes from a producer's DEALER to the collector's ROUTER and on to the store; a RECEIPT comes back the
same way. Each is one frame; its first three bytes tell which. ``hello`` and ``receipt`` draw the bytes.

The collector passes a HELLO to the store up the stair, as ``STAIR`` and the frame; nobody else subscribes to it.
"""

from bus.control.hello import HELLO, MAX_HELLO, MAX_OFFERS, Hello, Offer, SpoolReport, pack_hello, read_hello
from bus.control.receipt import (
    CODES,
    MAX_MARKS,
    MAX_REJECTS,
    RECEIPT,
    Flags,
    Mark,
    Receipt,
    Reject,
    pack_receipt,
    read_receipt,
    receipt_source,
)

STAIR = b"hello\0"
"""The topic of a HELLO on the stair."""

__all__ = [
    "CODES",
    "HELLO",
    "MAX_HELLO",
    "MAX_MARKS",
    "MAX_OFFERS",
    "MAX_REJECTS",
    "RECEIPT",
    "STAIR",
    "Flags",
    "Hello",
    "Mark",
    "Offer",
    "Receipt",
    "Reject",
    "SpoolReport",
    "pack_hello",
    "pack_receipt",
    "read_hello",
    "read_receipt",
    "receipt_source",
]
