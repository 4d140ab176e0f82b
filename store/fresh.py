"""Fresh rows: the groups of several series in one value, and a series' groups of several commits as one. Pure.

A fresh value, all numbers big-endian:

offset size  field
     0    4  CRC-32 of all that follows until the groups
     4    1  version, 1
     5    1  zero
     6    2  number of groups, n
     8   4n  the series' numbers, ascending
  8+4n   4n  where each group ends, counted from the first one's begin
             groups, back to back, as drawn in ``store.rows``; each has a checksum of its own
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from zlib import crc32

from bus.wire import HEADER, LENGTHS
from store.rows import Change, Damaged, group, opened

PAGE = 4080
"""Bytes of a value that fills one page of LMDB. Single pages are found at once among those that were let go, runs of
many are looked for, and the more of these there were the longer."""
HEAD = struct.Struct(">IBxH")
VERSION = 1


def pages(groups: Iterable[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    """The groups in lists whose fresh values each take a page, but for single groups that are larger."""
    held: list[tuple[int, bytes]] = []
    room = PAGE - HEAD.size
    for one in groups:
        size = len(one[1]) + 8
        if held and size > room:
            yield held
            held, room = [], PAGE - HEAD.size
        held.append(one)
        room -= size
    if held:
        yield held


def fresh(groups: Sequence[tuple[int, bytes]]) -> bytes:
    """The value that holds these groups; each of another series, by number."""
    count = len(groups)
    values = [value for _, value in groups]
    numbers = [number for number, _ in groups]
    table = struct.pack(f">BxH{2 * count}I", VERSION, count, *numbers, *accumulate(map(len, values)))
    return b"".join((crc32(table).to_bytes(4, "big"), table, *values))


def group_of(value: bytes, number: int) -> bytes | None:
    """The group of one series; None when there is none of it. Raises ``Damaged``."""
    numbers, ends = _table(value)
    place = bisect_left(numbers, number)
    if place == len(numbers) or numbers[place] != number:
        return None
    begin = HEAD.size + 8 * len(numbers)
    return value[begin + (ends[place - 1] if place else 0) : begin + ends[place]]


def groups_in(value: bytes) -> list[tuple[int, bytes]]:
    """(number, group) of each series; raises ``Damaged``."""
    numbers, ends = _table(value)
    begin = HEAD.size + 8 * len(numbers)
    starts = (0, *ends[:-1])
    return [
        (number, value[begin + start : begin + end]) for number, start, end in zip(numbers, starts, ends, strict=True)
    ]


def together(groups: Sequence[bytes]) -> bytes:
    """One group that holds the records of several of one series and minute, in their order; raises ``Damaged``."""
    found: list[bytes] = []
    changes: list[Change] = []
    first = last = -1
    before = 0
    for place, value in enumerate(groups):
        received, records, later = opened(value)
        if not place:
            first = received
        elif received != last:
            changes.append((before, received))
        last = received
        if later:
            changes += [(before + number, at) for number, at in later]
            last = later[-1][1]
        before += _count(records)
        found.append(records)
    return group(first, found, changes)


def _count(records: bytes) -> int:
    count = at = 0
    size, header, unpack = len(records), HEADER.size, LENGTHS.unpack_from
    while at + header <= size:
        source, subject, body = unpack(records, at)
        at += header + source + subject + body
        count += 1
    if at != size:
        raise Damaged("records that do not end where they should")
    return count


def _table(value: bytes) -> tuple[Sequence[int], Sequence[int]]:
    if len(value) < HEAD.size:
        raise Damaged(f"a fresh value of {len(value)} bytes")
    found, version, count = HEAD.unpack_from(value)
    begin = HEAD.size + 8 * count
    if version != VERSION:
        raise Damaged(f"a fresh value of version {version}, this store reads {VERSION}")
    if len(value) < begin or crc32(value[4:begin]) != found:
        raise Damaged("the checksum of a fresh value does not hold")
    numbers = struct.unpack_from(f">{count}I", value, HEAD.size)
    ends = struct.unpack_from(f">{count}I", value, HEAD.size + 4 * count)
    if not count or len(value) != begin + ends[-1]:
        raise Damaged(f"a fresh value of {len(value)} bytes, which should have {begin + (ends[-1] if count else 0)}")
    return numbers, ends
