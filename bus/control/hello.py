"""The two frames of the receipts' road as bytes and back: HELLO and RECEIPT. Pure, strict.

A **HELLO** (producer to store) says what a producer can still supply:

    0    3  magic "G1H"
    3       msgpack map: v (1), source, boot (text), started, sent (ns), nonce, generation, more (bool),
            spool {bytes, messages, dropped, memory (bool)},
            epochs: binary, 32 bytes for each epoch, oldest first, the newest (live) one last:
                0  8  epoch
                8  8  floor: the highest number that can no longer be supplied
               16  8  last: the highest number given so far
               24  8  once: the highest watermark that any store ever acknowledged

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

all numbers big-endian. Bytes that do not fit exactly are ``Malformed``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntFlag
from typing import Any

import msgpack

from bus.messages import is_name
from bus.wire import Malformed

HELLO = b"G1H"
RECEIPT = b"G1R"
MAX_OFFERS = 512
MAX_MARKS = 1024
MAX_REJECTS = 256
MAX_HELLO = 65_536
CODES = ("unknown", "malformed", "poison", "limit")
_OFFER = struct.Struct(">QQQQ")
_HEAD = struct.Struct(">3sBQQqQIHHB")
_MARK = struct.Struct(">QQQB")
_REJECT = struct.Struct(">QQB")


class Flags(IntFlag):
    """What the store says of itself in every receipt."""

    NONE = 0
    DISK_FULL = 1
    SLOW = 2
    REVOKED = 4


@dataclass(frozen=True, slots=True)
class Offer:
    """One epoch in a HELLO; the layout above tells what the numbers mean."""

    epoch: int
    floor: int
    last: int
    once: int


@dataclass(frozen=True, slots=True)
class SpoolReport:
    """How full a producer's spool is; ``dropped`` counts unacknowledged messages, ever."""

    bytes: int = 0
    messages: int = 0
    dropped: int = 0
    memory: bool = False


@dataclass(frozen=True, slots=True)
class Hello:
    """A producer's question for its watermarks; ``more`` says that it has epochs beyond the listed ones."""

    source: str
    boot: str
    started: int
    sent: int
    nonce: int
    generation: int
    offers: tuple[Offer, ...]
    spool: SpoolReport = SpoolReport()
    more: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
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


@dataclass(frozen=True, slots=True)
class Receipt:
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


def pack_hello(hello: Hello) -> bytes:
    """The bytes of a HELLO."""
    spool = hello.spool
    body = {
        "v": 1,
        "source": hello.source,
        "boot": hello.boot,
        "started": hello.started,
        "sent": hello.sent,
        "nonce": hello.nonce,
        "generation": hello.generation,
        "more": hello.more,
        "spool": {
            "bytes": spool.bytes,
            "messages": spool.messages,
            "dropped": spool.dropped,
            "memory": spool.memory,
        },
        "epochs": b"".join(_OFFER.pack(o.epoch, o.floor, o.last, o.once) for o in hello.offers),
    }
    return HELLO + msgpack.packb(body, use_bin_type=True)  # type: ignore[no-any-return]


def read_hello(frame: bytes) -> Hello:
    """The HELLO in ``frame``; raises ``Malformed``."""
    if frame[:3] != HELLO:
        raise Malformed("magic", f"starts with {frame[:3]!r}, not with {HELLO!r}")
    if len(frame) > MAX_HELLO:
        raise Malformed("size", f"a HELLO of {len(frame)} bytes, at most {MAX_HELLO}")
    body = _map(frame[3:])
    version = _whole(body, "v")
    if version != 1:
        raise Malformed("version", f"a HELLO of version {version}, understood is 1")
    spool = body.get("spool")
    if type(spool) is not dict:
        raise Malformed("body", "HELLO.spool: expected a map")
    return Hello(
        source=_name(body.get("source")),
        boot=_text(body, "boot"),
        started=_whole(body, "started"),
        sent=_whole(body, "sent"),
        nonce=_whole(body, "nonce"),
        generation=_whole(body, "generation"),
        offers=_offers(body.get("epochs")),
        spool=SpoolReport(
            _whole(spool, "bytes"), _whole(spool, "messages"), _whole(spool, "dropped"), _truth(spool, "memory")
        ),
        more=_truth(body, "more"),
    )


def _map(body: bytes) -> dict[str, Any]:
    try:
        value = msgpack.unpackb(
            body,
            raw=False,
            strict_map_key=True,
            max_str_len=256,
            max_bin_len=MAX_OFFERS * _OFFER.size,
            max_array_len=0,
            max_map_len=32,
            max_ext_len=0,
        )
    except (ValueError, msgpack.UnpackException, RecursionError) as error:
        raise Malformed("body", f"HELLO: no msgpack: {error or type(error).__name__}") from None
    if type(value) is not dict:
        raise Malformed("body", "HELLO: expected a map")
    return value


def _whole(body: dict[str, Any], name: str) -> int:
    value = body.get(name)
    if type(value) is not int or not 0 <= value < 2**64:
        raise Malformed("body", f"HELLO.{name}: expected an unsigned 64-bit number")
    return value


def _truth(body: dict[str, Any], name: str) -> bool:
    value = body.get(name)
    if type(value) is not bool:
        raise Malformed("body", f"HELLO.{name}: expected true or false")
    return value


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if type(value) is not str or not value.isprintable() or len(value) > 128:
        raise Malformed("body", f"HELLO.{name}: expected up to 128 printable characters")
    return value


def _name(value: object) -> str:
    if type(value) is not str or not is_name(value):
        raise Malformed("name", f"HELLO.source: {str(value)[:40]!r} is no name of ours")
    return value


def _offers(packed: object) -> tuple[Offer, ...]:
    if type(packed) is not bytes or len(packed) % _OFFER.size:
        raise Malformed("body", "HELLO.epochs: expected 32 bytes for each epoch")
    offers = tuple(Offer(*fields) for fields in _OFFER.iter_unpack(packed))
    if len({offer.epoch for offer in offers}) != len(offers):
        raise Malformed("body", "HELLO.epochs: an epoch stands there twice")
    if any(offer.floor > offer.last for offer in offers):
        raise Malformed("body", "HELLO.epochs: a floor above the last number")
    return offers


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
    marks = (_MARK.pack(m.epoch, m.watermark, m.until, m.refused) for m in receipt.marks)
    rejects = (_REJECT.pack(r.epoch, r.number, CODES.index(r.code)) for r in receipt.rejects)
    return b"".join((head, source, *marks, *rejects))


def receipt_source(frame: bytes) -> str:
    """Whom the receipt in ``frame`` is for, without reading the rest; raises ``Malformed``."""
    if len(frame) < _HEAD.size or frame[:3] != RECEIPT:
        raise Malformed("magic", f"starts with {frame[:3]!r}, not with {RECEIPT!r}")
    return _name(frame[_HEAD.size : _HEAD.size + frame[_HEAD.size - 1]].decode("ascii", "replace"))


def read_receipt(frame: bytes) -> Receipt:
    """The receipt in ``frame``; raises ``Malformed``."""
    source = receipt_source(frame)
    _, flags, generation, incarnation, hub_time, answer, credit, marks, rejects, length = _HEAD.unpack_from(frame)
    if marks > MAX_MARKS or rejects > MAX_REJECTS or flags > max_flags():
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


def max_flags() -> int:
    """All flags that this version knows, together."""
    return int(Flags.DISK_FULL | Flags.SLOW | Flags.REVOKED)


def _mark(epoch: int, watermark: int, until: int, refused: int) -> Mark:
    if refused > 1 or (until and until <= watermark):
        raise Malformed("body", f"a mark up to {watermark} with a hole up to {until}, refused {refused}")
    return Mark(epoch, watermark, until, refused == 1)


def _reject(epoch: int, number: int, code: int) -> Reject:
    if code >= len(CODES):
        raise Malformed("body", f"a reject with code {code}")
    return Reject(epoch, number, CODES[code])
