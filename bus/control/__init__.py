"""The two frames of the receipts' road: HELLO (producer to store) and RECEIPT (store to producer).

A HELLO goes from a producer's DEALER to the collector's ROUTER and on to the store; a RECEIPT comes back the
same way. Each is one frame; its first three bytes tell which. ``hello`` and ``receipt`` draw the bytes.

The collector passes a HELLO to the store up the stair, as ``STAIR`` and the frame, and tells it there what it refused
for good, as ``REFUSED`` and the frame that ``refusal`` draws; nobody else subscribes to these.
"""

from bus.control.hello import HELLO, MAX_HELLO, MAX_OFFERS, Hello, Offer, SpoolReport, pack_hello, read_hello
from bus.control.receipt import (
    BUNDLE,
    CODES,
    MAX_MARKS,
    MAX_REJECTS,
    RECEIPT,
    Flags,
    Mark,
    Receipt,
    Reject,
    bundled,
    outspoken,
    pack_receipt,
    read_receipt,
    receipt_source,
    unbundled,
)
from bus.control.refusal import WHY, Refusal, pack_refusals, read_refusals

STAIR = b"hello\0"
"""The topic of a HELLO on the stair."""

REFUSED = b"refused\0"
"""The topic of refusals on the stair."""

__all__ = [
    "BUNDLE",
    "CODES",
    "HELLO",
    "MAX_HELLO",
    "MAX_MARKS",
    "MAX_OFFERS",
    "MAX_REJECTS",
    "RECEIPT",
    "REFUSED",
    "STAIR",
    "WHY",
    "Flags",
    "Hello",
    "Mark",
    "Offer",
    "Receipt",
    "Refusal",
    "Reject",
    "SpoolReport",
    "bundled",
    "outspoken",
    "pack_hello",
    "pack_receipt",
    "pack_refusals",
    "read_hello",
    "read_receipt",
    "read_refusals",
    "receipt_source",
    "unbundled",
]
