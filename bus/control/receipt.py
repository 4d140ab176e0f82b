"""RECEIPT, what is on the store's disk, as bytes and back. Pure, strict.

A **RECEIPT** (store to producer, through the collector) says what is on the store's disk:

    0    3  magic "G1R"
    3    1  flags: 1 DISK_FULL, 2 SLOW, 4 REVOKED
    4    8  generation of the store
   12    8  incarnation: random, new at every start of the store
   20    8  hub time, ns, signed
   28    8  nonce of the HELLO that this answers, or 0
   36    4  credit: messages the store would take in flight, 0 for no opinion
   40    2  count of marks
   42    2  count of rejects
   44    1  length of source
   45       source (ASCII), then 25 bytes for each mark:
                0  8  epoch
                8  8  watermark: everything up to here is stored or declared gone
               16  8  until: the last number of the first hole beyond the watermark, or 0
               24  1  refused: 1 when messages were refused because of too many epochs
            then 17 bytes for each reject: epoch u64, number u64, code u8 (an index of ``CODES``)

all numbers big-endian. Bytes that do not fit exactly are ``Malformed``. The store gives the collector receipts back to
back in one frame; a producer gets its own alone.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import NamedTuple

from bus.messages import is_name
from bus.wire import Malformed

RECEIPT = b"G1R"
MAX_MARKS = 1024
MAX_REJECTS = 256
BUNDLE = 32_768
"""About so many bytes of receipts go from the store to the collector in one frame."""
CODES = ("unknown", "malformed", "poison", "limit")
_HEAD = struct.Struct(">3sBQQqQIHHB")
_MARK = struct.Struct(">QQQB")
_REJECT = struct.Struct(">QQB")


class Flags(IntFlag):
    """What the store says of itself in every receipt."""

    NONE = 0
    DISK_FULL = 1
    SLOW = 2
    REVOKED = 4


ALL_FLAGS = Flags.DISK_FULL | Flags.SLOW | Flags.REVOKED


class Mark(NamedTuple):
    """How far one epoch is stored."""

    epoch: int
    watermark: int
    until: int = 0
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Reject:
    """A message that the store will never take; the watermark passes it."""

    epoch: int
    number: int
    code: str


class Receipt(NamedTuple):
    """What the store says to one producer after a commit, or in answer to a HELLO."""

    source: str
    generation: int
    incarnation: int
    hub_time: int
    marks: tuple[Mark, ...]
    answer: int = 0
    flags: Flags = Flags.NONE
    credit: int = 0
    rejects: tuple[Reject, ...] = ()


def pack_receipt(receipt: Receipt) -> bytes:
    """The bytes of a receipt."""
    source = receipt.source.encode()
    head = _HEAD.pack(
        RECEIPT,
        receipt.flags,
        receipt.generation,
        receipt.incarnation,
        receipt.hub_time,
        receipt.answer,
        receipt.credit,
        len(receipt.marks),
        len(receipt.rejects),
        len(source),
    )
    marks = [_MARK.pack(*mark) for mark in receipt.marks]
    rejects = [_REJECT.pack(r.epoch, r.number, CODES.index(r.code)) for r in receipt.rejects]
    return b"".join((head, source, *marks, *rejects))


def bundled(receipts: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """Packed receipts back to back in frames of about ``BUNDLE`` bytes, and how many each frame holds."""
    held: list[bytes] = []
    size = 0
    for receipt in receipts:
        if size + len(receipt) > BUNDLE and held:
            yield b"".join(held), len(held)
            held, size = [], 0
        held.append(receipt)
        size += len(receipt)
    if held:
        yield b"".join(held), len(held)


def unbundled(frame: bytes) -> Iterator[tuple[str, bytes]]:
    """Whom each receipt in ``frame`` is for, and the receipt; raises ``Malformed``."""
    if not frame:
        raise Malformed("truncated", "a frame without a receipt")
    start = 0
    while start < len(frame):
        if len(frame) - start < _HEAD.size:
            raise Malformed("truncated", f"{len(frame) - start} bytes where a receipt should be")
        fields = _HEAD.unpack_from(frame, start)
        end = start + _HEAD.size + fields[9] + fields[7] * _MARK.size + fields[8] * _REJECT.size
        if end > len(frame):
            raise Malformed("truncated", f"a receipt of {end - start} bytes, of which {len(frame) - start} came")
        receipt = frame[start:end]
        yield receipt_source(receipt), receipt
        start = end


def receipt_source(frame: bytes) -> str:
    """Whom the receipt in ``frame`` is for, without reading the rest; raises ``Malformed``."""
    if len(frame) < _HEAD.size or frame[:3] != RECEIPT:
        raise Malformed("magic", f"starts with {frame[:3]!r}, not with {RECEIPT!r}")
    source = frame[_HEAD.size : _HEAD.size + frame[_HEAD.size - 1]].decode("ascii", "replace")
    if not is_name(source):
        raise Malformed("name", f"a receipt for {source[:40]!r}, which is no name of ours")
    return source


def read_receipt(frame: bytes) -> Receipt:
    """The receipt in ``frame``; raises ``Malformed``."""
    source = receipt_source(frame)
    _, flags, generation, incarnation, hub_time, answer, credit, marks, rejects, length = _HEAD.unpack_from(frame)
    if marks > MAX_MARKS or rejects > MAX_REJECTS or flags > ALL_FLAGS:
        raise Malformed("size", f"a receipt with {marks} marks, {rejects} rejects, flags {flags}")
    first = _HEAD.size + length
    middle = first + marks * _MARK.size
    if len(frame) != middle + rejects * _REJECT.size:
        raise Malformed("truncated", f"a receipt of {len(frame)} bytes with {marks} marks, {rejects} rejects")
    return Receipt(
        source,
        generation,
        incarnation,
        hub_time,
        tuple(_mark(*fields) for fields in _MARK.iter_unpack(frame[first:middle])),
        answer,
        Flags(flags),
        credit,
        tuple(_reject(*fields) for fields in _REJECT.iter_unpack(frame[middle:])),
    )


def outspoken(receipts: Sequence[Receipt]) -> list[Receipt]:
    """Of receipts in the order in which they came, those that say something that the one after them does not."""
    return [one for place, one in enumerate(receipts, 1) if not _said_again(one, receipts[place : place + 1])]


def _said_again(one: Receipt, after: Sequence[Receipt]) -> bool:
    # As a rule they differ in the time, the credit and how far one epoch is stored, of which the last word counts.
    if not after or one.answer or one.rejects or len(one.marks) != 1 or len(after[0].marks) != 1:
        return False
    (was,), (now,) = one.marks, after[0].marks
    same_store = one[:3] == after[0][:3] and one.flags == after[0].flags
    return same_store and was.epoch == now.epoch and was.watermark <= now.watermark and not (was.until or was.refused)


def _mark(epoch: int, watermark: int, until: int, refused: int) -> Mark:
    if refused > 1 or (until and until <= watermark):
        raise Malformed("body", f"a mark up to {watermark} with a hole up to {until}, refused {refused}")
    return Mark(epoch, watermark, until, refused == 1)


def _reject(epoch: int, number: int, code: int) -> Reject:
    if code >= len(CODES):
        raise Malformed("body", f"a reject with code {code}")
    return Reject(epoch, number, CODES[code])
