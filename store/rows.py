"""Groups of records as they came, with a checksum. Pure.

offset size  field
     0    4  CRC-32 of all that follows
     4    1  version: 1 where all were received at one time, else 2
     5    3  zero
     8    8  received: when the collector received the first of them, ns
    16    4  version 2 only: how often the time changes, then for each change
         4  the number of records before it
         8  when the collector received the next ones, ns
             records, back to back, as drawn in ``bus.wire``

When a record was received is kept for each: what is judged again from the store has to come out as it did live.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from zlib import crc32

from bus.wire import HEADER, MAGIC, Field, Malformed, verify, walk
from store.keys import dated

HEAD = struct.Struct(">I B3x q")
_AFTER_CRC = struct.Struct(">B3xq")
AT_ONCE, AT_TIMES = 1, 2
"""The versions."""
_COUNT = struct.Struct(">I")
_CHANGE = struct.Struct(">I q")
Row = tuple[int, int, bytes]
"""(time under which it is kept, received, record as on the wire)."""
Change = tuple[int, int]
"""(number of records before it, when the next ones were received)."""
Opened = tuple[int, bytes, Sequence[Change]]
"""A group: when the first record was received, records back to back, and how that time changes."""
Seen = tuple[int, bytes | memoryview, Sequence[Change]]
"""The same, of which the records may be where the value is."""


@functools.lru_cache(256)
def _changes(count: int) -> struct.Struct:
    """So many changes and their number before them; one stroke for all is several times as fast as one for each."""
    return struct.Struct(">I" + count * "Iq")


class Damaged(Exception):
    """A stored value whose checksum does not hold, or of a version from the future."""


def group(received: int, records: Sequence[bytes], changes: Sequence[Change] = ()) -> bytes:
    """The value that holds ``records``, the first of them received at ``received``, and later ones as they changed.

    Several may stand back to back in one piece.
    """
    if changes:
        head = _AFTER_CRC.pack(AT_TIMES, received)
        head += _changes(len(changes)).pack(len(changes), *chain.from_iterable(changes))
    else:
        head = _AFTER_CRC.pack(AT_ONCE, received)
    tail = b"".join((head, *records))
    return _COUNT.pack(crc32(tail)) + tail


def opened(value: bytes) -> Opened:
    """What is in a group; raises ``Damaged``."""
    received, begin, changes = _looked_into(value, memoryview(value))
    return received, value[begin:], changes


def seen(value: bytes) -> Seen:
    """The same, without a copy of the records."""
    view = memoryview(value)
    received, begin, changes = _looked_into(value, view)
    return received, view[begin:], changes


def _looked_into(value: bytes, view: memoryview) -> tuple[int, int, Sequence[Change]]:
    """(when the first was received, where the records begin, how the time changes)."""
    if len(value) < HEAD.size:
        raise Damaged(f"a group of {len(value)} bytes")
    found, version, received = HEAD.unpack_from(value)
    if version not in (AT_ONCE, AT_TIMES):
        raise Damaged(f"a group of version {version}, this store reads {AT_ONCE} and {AT_TIMES}")
    if crc32(view[4:]) != found:
        raise Damaged("the checksum does not hold")
    if version == AT_ONCE:
        return received, HEAD.size, ()
    begin = HEAD.size + _COUNT.size
    end = begin + _CHANGE.size * _COUNT.unpack_from(value, HEAD.size)[0]
    return received, end, list(_CHANGE.iter_unpack(value[begin:end]))


def spread(value: bytes) -> Iterator[Row]:
    """Each record of a group."""
    received, records, changes = opened(value)
    later = dict(changes)
    for number, (start, end, fields) in enumerate(walk(records)):
        received = later.get(number, received)
        yield dated(fields[Field.AT]), received, records[start:end]


def salvaged(value: bytes) -> Iterator[Row]:
    """What is whole of a group whose checksum does not hold, as ``spread`` gives it: each record has one of its own.

    All count as received when the first was: which one is missing, and so where the time changes, is not known.
    """
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
            yield dated(fields[Field.AT]), received, value[start:end]
            start = end
        else:
            start += 1


def folded(rows: Iterable[Row]) -> list[Row]:
    """The rows by time, each message once.

    A replay stores the same message again, in the same or in another epoch: it has the same time, names and body.
    Two different messages of the same instant both stay.
    """
    unique: dict[tuple[int, bytes], Row] = {}
    for row in rows:
        unique.setdefault((row[0], row[2][HEADER.size :]), row)
    return sorted(unique.values(), key=lambda row: row[:2])
