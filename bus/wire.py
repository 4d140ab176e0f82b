"""Messages to frames and back; refuses bytes it does not understand. Pure.

A **frame** from a producer holds one or more records of one kind, back to back. A **record** is

    offset size  field
         0    2  magic "G1"
         2    1  kind, a code of ``bus.messages.KINDS``
         3    1  flags, 0 in this version
         4    1  length of source
         5    1  length of subject; 0 when the subject is the source itself
         6    2  zero
         8    4  length of body
        12    8  epoch: 64 random bits, new at every start of the producer
        20    8  number: 1, 2, 3 ... without holes within the epoch
        28    8  at: when it was measured, ns since 1970 in UTC, signed
        36    4  checksum: CRC-32 of bytes 0 to 35, source, subject and body
        40    8  base: the lowest number of this epoch that the producer can still supply
        48    8  generation of the store that the producer last heard of; 0 for none
        56    8  sent: when it was sent, ns
        64       source, subject (ASCII names), body (msgpack)

all numbers big-endian. Base, generation and sent may differ when a record is sent again; they stand outside
the checksum, so that the spool keeps one form for ever and patches 24 bytes.

A **bus frame** from the collector holds what it drained at once, per kind:

    kind's name, 0x00, incarnation u64, counter u64, received i64 (ns), records ...

The topic is the kind alone, since one bus frame carries many subjects (``docs/decisions/0001``). The counter
counts bus frames of that kind since the collector's start (the incarnation, whose first two bytes say which of the
hub's collectors it is), so that a subscriber knows what it missed. When the records were received counts in whole
milliseconds for everybody (``docs/decisions/0028``); the digits behind say only which of two bus frames came first.
"""

from __future__ import annotations

import struct
from _blake2 import blake2b  # hashlib has it too, but loads OpenSSL: 4 MB that each agent would carry
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from bus.fields import Unfit
from bus.messages import BY_CODE, KINDS, MAX_BODY, Message, encode, is_name

MAGIC = b"G1"
HEADER = struct.Struct(">2sBBBBHIQQqIQQq")
FIXED = struct.Struct(">2sBBBBHIQQq")
"""The first 36 bytes of a header: what the checksum covers beside names and body."""
CHECKSUM = struct.Struct(">I")
RESEND = struct.Struct(">QQq")
"""base, generation, sent: bytes 40 to 63, rewritten at every sending."""
RESEND_AT = 40
LENGTHS = struct.Struct(">4xBB2xI")
"""Of a header the lengths of source, subject and body."""
_AT = struct.Struct(">28xq")
MILLISECOND = 1_000_000
PLAIN = struct.Struct(">8sIQQqI")
"""The first 40 bytes, with what says of which form the record is in one piece: see ``PLAIN_SAMPLE``."""
PLAIN_SAMPLE = {
    struct.pack(">2sBBBBH", MAGIC, KINDS["sample"].code, 0, length, 0, 0): HEADER.size + length
    for length in range(1, 256)
}
"""By the first 8 bytes of a sample that its source tells of itself, as nearly all records are: where its body begins.

Hot loops take such a record apart in one stroke, and leave all others, and what is wrong, to ``walk``.
"""
ALIKE = 20
"""So far samples of one source, epoch and layout are alike: up to the number."""
STAMP = struct.Struct(">QQq")
PLACE_BITS = 48
"""Below the place of a collector in its incarnation; they are random, and all are in earlier versions."""
MAX_FRAME = MAX_BODY + 1024
"""The largest record has room, with the longest names and the 33 bytes that encryption adds; ``bus.courier`` puts less
than that into a frame of several. No more, since a thousand frames of each connection may wait at the hub.
"""


class Field:
    """Where each field of a header stands in what ``walk`` gives; source, subject and body are their lengths."""

    MAGIC, KIND, FLAGS, SOURCE, SUBJECT, ZERO, BODY, EPOCH, NUMBER, AT, CHECKSUM, BASE, GENERATION, SENT = range(14)


class Malformed(ValueError):
    """Bytes that are no record of ours. ``reason`` is one word to count by."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Record:
    """One message as it travels: who said it about what and when, its number, and its body undecoded."""

    kind: str
    source: str
    subject: str
    at: int
    epoch: int
    number: int
    body: bytes
    base: int = 1
    generation: int = 0
    sent: int = 0

    def message(self) -> Any:
        """The body as the kind's type; raises ``Malformed`` when it is not of that shape."""
        try:
            return KINDS[self.kind].decode(self.body)
        except Unfit as error:
            raise Malformed("body", f"{self.kind} of {self.subject}: {error}") from None


def record(
    message: Message,
    *,
    source: str,
    at: int,
    epoch: int,
    number: int,
    subject: str | None = None,
    base: int = 1,
    generation: int = 0,
    sent: int = 0,
) -> Record:
    """The record of ``message``; raises ``Unfit`` when it does not fit the limits."""
    kind, body = encode(message)
    return Record(kind.name, source, subject or source, at, epoch, number, body, base, generation, sent)


def pack(record: Record) -> bytes:
    """The bytes of one record; raises ``Unfit`` for names that no URL takes and numbers of more than 64 bits."""
    if not is_name(record.source) or not is_name(record.subject):
        raise Unfit(f"{record.source!r} about {record.subject!r}: names take letters, digits and . _ : -")
    source = record.source.encode()
    subject = b"" if record.subject == record.source else record.subject.encode()
    try:
        fixed = FIXED.pack(
            MAGIC,
            KINDS[record.kind].code,
            0,
            len(source),
            len(subject),
            0,
            len(record.body),
            record.epoch,
            record.number,
            record.at,
        )
        resend = RESEND.pack(record.base, record.generation, record.sent)
    except struct.error as error:
        raise Unfit(f"{record.kind} of {record.subject}: a number that does not fit the header: {error}") from None
    tail = b"".join((source, subject, record.body))
    return b"".join((fixed, CHECKSUM.pack(crc32(tail, crc32(fixed))), resend, tail))


def walk(frame: bytes, start: int = 0) -> Iterator[tuple[int, int, tuple[Any, ...]]]:
    """(start, end, header fields) of each record from ``start`` on; raises ``Malformed`` at the first fault.

    ``Field`` names the header's fields. Checksums are not looked at: see ``verify``.
    """
    size, header, unpack = len(frame), HEADER.size, HEADER.unpack_from
    while start < size:
        if size - start < header:
            raise Malformed("truncated", f"{size - start} bytes where a header of {header} should be")
        fields = unpack(frame, start)
        magic, _, flags, source_length, subject_length, zero, body_length, _, _, _, _, _, _, _ = fields
        end = start + header + source_length + subject_length + body_length
        if magic != MAGIC:
            raise Malformed("magic", f"starts with {bytes(frame[start : start + 2])!r}, not with {MAGIC!r}")
        if body_length > MAX_BODY:
            raise Malformed("size", f"a body of {body_length} bytes, at most {MAX_BODY}")
        if end > size:
            raise Malformed("truncated", f"a record of {end - start} bytes, of which {size - start} came")
        if flags or zero:
            raise Malformed("version", "flags that this version does not know")
        yield start, end, fields
        start = end


def names_in(frame: bytes, start: int, fields: tuple[Any, ...]) -> tuple[bytes, bytes]:
    """The source and the subject of the record at ``start``; no subject where it is the source itself."""
    source = start + HEADER.size
    subject = source + fields[Field.SOURCE]
    return frame[source:subject], frame[subject : subject + fields[Field.SUBJECT]]


def verify(frame: bytes, start: int, end: int) -> bool:
    """Whether the record's checksum holds."""
    fixed = frame[start : start + FIXED.size]
    tail = frame[start + HEADER.size : end]
    found: int = CHECKSUM.unpack_from(frame, start + FIXED.size)[0]
    return crc32(tail, crc32(fixed)) == found


def measured_at(packed: bytes) -> int:
    """The ``at`` of a packed record."""
    at: int = _AT.unpack_from(packed)[0]
    return at


def read(frame: bytes, start: int = 0) -> list[Record]:
    """The records of a frame, checksums and names verified; raises ``Malformed``."""
    return [_read(frame, *place) for place in walk(frame, start)]


def _read(frame: bytes, start: int, end: int, fields: tuple[Any, ...]) -> Record:
    _, code, _, source_length, subject_length, _, _, epoch, number, at, _, base, generation, sent = fields
    if code not in BY_CODE:
        raise Malformed("kind", f"kind {code} is not known here")
    if not verify(frame, start, end):
        raise Malformed("checksum", "the checksum does not hold")
    names = start + HEADER.size
    body = names + source_length + subject_length
    try:
        source = frame[names : names + source_length].decode("ascii")
        subject = frame[names + source_length : body].decode("ascii") or source
    except UnicodeDecodeError:
        raise Malformed("name", "a name that is not ASCII") from None
    if not is_name(source) or not is_name(subject):
        raise Malformed("name", f"{source[:40]!r} about {subject[:40]!r}: no names of ours")
    return Record(
        BY_CODE[code].name,
        source,
        subject,
        at,
        epoch,
        number,
        frame[body:end],
        base,
        generation,
        sent,
    )


def identity(record: Record) -> str:
    """What a record is known again by, live and from the store: two that differ in it are two messages."""
    told = (record.kind, record.source, record.subject, record.epoch, record.number, record.at)
    return blake2b(repr(told).encode(), digest_size=8).hexdigest()


# -- the collector's stamp ---


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the collector put before the records: which of its bus frames of this kind, and when received."""

    kind: str
    incarnation: int
    counter: int
    received: int
    """ns, a whole millisecond: what is stored, judged and shown."""
    moment: int = 0
    """ns, as the collector wrote it: what of a millisecond came first. Nobody keeps it."""

    @property
    def place(self) -> int:
        """Which of the hub's collectors it was."""
        return self.incarnation >> PLACE_BITS


def topic(kind: str) -> bytes:
    """What a subscriber asks for to get all messages of ``kind``."""
    return kind.encode() + b"\0"


def stamped(kind: str, incarnation: int, counter: int, received: int, frames: list[bytes]) -> bytes:
    """One bus frame of the records in ``frames``."""
    return b"".join((topic(kind), STAMP.pack(incarnation, counter, received), *frames))


def unstamped(frame: bytes) -> tuple[Stamp, int]:
    """The stamp of a bus frame and where its records begin; raises ``Malformed``."""
    end = frame.find(b"\0", 0, 32)
    kind = frame[:end].decode("ascii", "replace") if end > 0 else ""
    if kind not in KINDS:
        raise Malformed("topic", f"{frame[:16]!r} begins no bus frame")
    if len(frame) < end + 1 + STAMP.size:
        raise Malformed("truncated", "a bus frame that ends within its stamp")
    incarnation, counter, moment = STAMP.unpack_from(frame, end + 1)
    return Stamp(kind, incarnation, counter, moment - moment % MILLISECOND, moment), end + 1 + STAMP.size
