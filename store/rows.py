"""Groups of records as they came, with a checksum. Pure.

offset size  field
     0    4  CRC-32 of all that follows
     4    1  version, 1
     5    3  zero
     8    8  received: when the collector received the first of them, ns
    16       records, back to back, as drawn in ``bus.wire``
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from zlib import crc32

from bus.wire import HEADER, MAGIC, Malformed, verify, walk
from store.keys import dated

HEAD = struct.Struct(">I B3x q")
_AFTER_CRC = struct.Struct(">B3xq")
VERSION = 1


class Damaged(Exception):
    """A stored value whose checksum does not hold, or of a version from the future."""


def group(received: int, records: list[bytes]) -> bytes:
    """The value that holds ``records``."""
    tail = b"".join((_AFTER_CRC.pack(VERSION, received), *records))
    return struct.pack(">I", crc32(tail)) + tail


def opened(value: bytes) -> tuple[int, bytes]:
    """(received, records) of a group; raises ``Damaged``."""
    if len(value) < HEAD.size:
        raise Damaged(f"a group of {len(value)} bytes")
    found, version, received = HEAD.unpack_from(value)
    if version != VERSION:
        raise Damaged(f"a group of version {version}, this store reads {VERSION}")
    if crc32(value[4:]) != found:
        raise Damaged("the checksum does not hold")
    return received, value[HEAD.size :]


def spread(value: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(time under which it is kept, received, record) of each record of a group."""
    received, records = opened(value)
    for start, end, fields in walk(records):
        yield dated(fields[9]), received, records[start:end]


def salvaged(value: bytes) -> Iterator[tuple[int, int, bytes]]:
    """What is whole of a group whose checksum does not hold, as ``spread`` gives it: each record has one of its own."""
    if len(value) < HEAD.size:
        return
    received, start = HEAD.unpack_from(value)[2], HEAD.size
    while (start := value.find(MAGIC, start)) >= 0:
        try:
            _, end, fields = next(walk(value, start))
        except Malformed:
            start += 1
            continue
        if verify(value, start, end):
            yield dated(fields[9]), received, value[start:end]
            start = end
        else:
            start += 1


def folded(rows: Iterable[tuple[int, int, bytes]]) -> list[tuple[int, int, bytes]]:
    """The rows by time, each message once.

    A replay stores the same message again, in the same or in another epoch: it has the same time, names and body.
    Two different messages of the same instant both stay.
    """
    unique: dict[tuple[int, bytes], tuple[int, int, bytes]] = {}
    for row in rows:
        unique.setdefault((row[0], row[2][HEADER.size :]), row)
    return sorted(unique.values(), key=lambda row: row[:2])
