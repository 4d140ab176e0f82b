"""What a spool appended at once, to the bytes of its journal and back. Pure.

    offset size  field
         0    4  checksum: CRC-32 of all bytes from here to the end of the last message
         4    4  length of these bytes
         8    8  life of the journal: a random number, another one whenever it begins anew
        16    4  place among the entries of this life: 0, 1, 2 ...
        20    8  epoch: the newest, which the spool's file knows
        28    8  number of the first message
        36    8  running time of the spool, s, f64
        44    8  generation of the store that was last heard of
        52    2  count of watermarks
        54    2  count of messages
        56   24  each watermark that changed: epoch, acked, once (u64 each)
              4  length of each message
                 messages, packed (``bus.wire``)

all numbers big-endian. An entry begins at a multiple of 4,096 bytes and the rest of its last page is zero, so that
no write touches a page that holds what was promised before.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

PAGE = 4096
_HEAD = struct.Struct(">IQIQQdQHH")
_SUM = struct.Struct(">I")
_START = struct.Struct(">IIQI")
_WATERMARK = struct.Struct(">QQQ")
LEAST = _SUM.size + _HEAD.size
MOST = 65_535
"""So many watermarks and messages an entry takes."""

Watermark = tuple[int, int, int]
"""An epoch, how far the store has it, and how far any store ever had it."""


class Entry(NamedTuple):
    """Messages ``first`` and following of an epoch, and what else was known when they were appended."""

    epoch: int
    first: int
    packed: Sequence[bytes]
    running: float
    generation: int
    watermarks: Sequence[Watermark]


def packed_entry(
    life: int,
    place: int,
    epoch: int,
    first: int,
    packed: Sequence[bytes],
    running: float,
    generation: int,
    watermarks: Sequence[Watermark],
) -> bytes:
    """The bytes of an entry, whole pages."""
    # Run cold, once a second, every call here costs as much as a kilobyte of checksum.
    parts = [_WATERMARK.pack(*one) for one in watermarks] if watermarks else []
    parts += [_SUM.pack(len(one)) for one in packed]
    parts += packed
    rest = b"".join(parts)
    length = _HEAD.size + len(rest)
    head = _HEAD.pack(length, life, place, epoch, first, running, generation, len(watermarks), len(packed))
    data = b"".join((_SUM.pack(crc32(rest, crc32(head))), head, rest))
    return data.ljust(-(-len(data) // PAGE) * PAGE, b"\0")


class Found(NamedTuple):
    """The valid entries of a life, and how many are missing before the last of them."""

    entries: list[Entry]
    missing: int


def found(content: bytes, life: int) -> Found:
    """The entries of this life in a journal.

    None is missing unless the file was damaged: an entry that a crash tore is the last. Those after a damaged one are
    found page by page.
    """
    entries: list[Entry] = []
    missing = place = at = 0
    while at + LEAST <= len(content):
        _, length, whose, here = _START.unpack_from(content, at)
        entry = _entry(content, at) if whose == life and here >= place else None
        if entry is None:
            at += PAGE
            continue
        entries.append(entry)
        missing += here - place
        place = here + 1
        at += -(-(_SUM.size + length) // PAGE) * PAGE
    return Found(entries, missing)


def first_life(content: bytes) -> int | None:
    """The life of the entry that a journal begins with; None when it begins with none."""
    if len(content) < LEAST or _entry(content, 0) is None:
        return None
    life: int = _START.unpack_from(content)[2]
    return life


def _entry(content: bytes, at: int) -> Entry | None:
    """The entry that begins at ``at``, if its checksum holds."""
    total, length = _START.unpack_from(content, at)[:2]
    start, end = at + _SUM.size, at + _SUM.size + length
    if length < _HEAD.size or end > len(content) or crc32(memoryview(content)[start:end]) != total:
        return None
    _, _, _, epoch, first, running, generation, marks, count = _HEAD.unpack_from(content, start)
    at = start + _HEAD.size
    if at + _WATERMARK.size * marks + _SUM.size * count > end:
        return None
    watermarks = [_WATERMARK.unpack_from(content, at + _WATERMARK.size * n) for n in range(marks)]
    at += _WATERMARK.size * marks
    lengths = struct.unpack_from(f">{count}I", content, at)
    at += _SUM.size * count
    if at + sum(lengths) != end:
        return None
    packed = []
    for size in lengths:
        packed.append(content[at : at + size])
        at += size
    return Entry(epoch, first, packed, running, generation, watermarks)
