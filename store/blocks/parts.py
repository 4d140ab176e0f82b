"""The columns of one series: a directory, then each column's bytes. Pure.

    offset size  field
         0    1  version, 2
         1    1  what it holds: 1 samples, 2 a rollup, 3 records
         2    2  columns C
         4    4  rows N
         8    4  CRC-32 of bytes 0 to 7 and of all until the payloads
        12    4  how long the directory is, D
        16    D  the directory: an entry for each column (``store.blocks.coding``). If D is less than 12C it is a zstd
                 frame without magic number of the entries by planes: the first byte of each, then the second
                 payloads, back to back in the directory's order

all little-endian. **Version 1** has no D: its directory begins at 12 and is never a frame.

The columns of **samples**: at, received less at, epoch, number (integers), then the values of each metric in the
layout's order. Of a **rollup**: the starts of the buckets and how many rows fell into each (integers), then for each
metric in the layout's order: count (integers), min, max, sum, last. Of **records**: at, received less at, epoch,
number, length of the body (integers), then one column that is the bodies, back to back, in a zstd frame.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from zlib import crc32

import numpy as np

from store.blocks.coding import ENTRY, PRESSED, Coded
from store.blocks.decoding import all_floats, floats, integers
from store.blocks.gather import Told
from store.blocks.mirrors import is_mirror, opened, reflected
from store.blocks.pressing import Damaged, pressed, unpressed
from store.blocks.scaled import Floats, Integers, Scaled

HEAD = struct.Struct("<BBHI")
CRC = SIZE = struct.Struct("<I")
FIRST, VERSION = 1, 2
SAMPLES, ROLLUP, RECORDS = 1, 2, 3
META, LENGTH, BODIES = 4, 4, 5
"""Samples and records: so many columns say when and by whom. Records: where the length and the bodies are."""
MOST_BODIES = 2**32 - 1
Read = Callable[[int, int], bytes]
"""Bytes of a part from an offset on, so many."""


def packed(what: int, rows: int, columns: Sequence[Coded]) -> bytes:
    """The bytes of a part."""
    head = HEAD.pack(VERSION, what, len(columns), rows)
    plain = b"".join(column.entry for column in columns)
    planes = np.frombuffer(plain, np.uint8).reshape(-1, ENTRY.size).T.tobytes()
    directory = min(plain, pressed(planes), key=len)
    rest = SIZE.pack(len(directory)) + directory
    return b"".join((head, CRC.pack(crc32(rest, crc32(head))), rest, *(one.payload for one in columns)))


def reading(data: bytes) -> Read:
    """How a part is read that is in memory."""
    return lambda offset, length: data[offset : offset + length]


def bodies(data: bytes, level: int) -> Coded:
    """The column that is the bodies of records."""
    return Coded(PRESSED, 0, 0, 0, pressed(data, level))


def _plain(directory: bytes, size: int) -> bytes:
    if len(directory) == size:
        return directory
    planes = unpressed(directory, size)
    if len(planes) != size:
        raise Damaged(f"a directory of {len(planes)} bytes where {size} should be")
    return np.frombuffer(planes, np.uint8).reshape(ENTRY.size, -1).T.tobytes()


class Part:
    """One part, of which only what is asked for is read. Every question raises ``Damaged`` for bytes that changed."""

    def __init__(self, read: Read, columns: int) -> None:
        """``columns`` is how many it has, as the index of the file says."""
        self._read = read
        start, size = HEAD.size + CRC.size, columns * ENTRY.size
        head = read(0, start + SIZE.size + size)
        if len(head) < start + SIZE.size:
            raise Damaged("a part that ends within its head")
        version, self.what, found, self.rows = HEAD.unpack_from(head)
        if version not in (FIRST, VERSION):
            raise Damaged(f"a part of version {version}, this store reads {FIRST} to {VERSION}")
        begin = start
        if version == VERSION:
            begin, size = start + SIZE.size, *SIZE.unpack_from(head, start)
        at = begin + size
        if found != columns or crc32(head[start:at], crc32(head[: HEAD.size])) != CRC.unpack_from(head, HEAD.size)[0]:
            raise Damaged("the checksum of a directory does not hold")
        self._entries = list(ENTRY.iter_unpack(_plain(head[begin:at], columns * ENTRY.size)))
        self._at = []
        for entry in self._entries:
            self._at.append(at)
            at += entry[4]
        self.size = at

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return len(self._entries)

    def integers(self, column: int) -> Integers:
        """A column of integers."""
        return integers(self._entries[column], self.payload(column), self.rows)

    def floats(self, column: int) -> Floats:
        """A column of numbers."""
        if is_mirror(self._entries[column][0]):
            whole, less, other = self._behind(column)
            return reflected(self.floats(other), whole, less)
        return floats(self._entries[column], self.payload(column), self.rows)

    def all_floats(self, columns: Sequence[int]) -> Floats:
        """Several columns of numbers, a row of the matrix each."""
        if not any(is_mirror(self._entries[column][0]) for column in columns):
            return all_floats([(self._entries[column], self.payload(column)) for column in columns], self.rows)
        mirrors = [place for place, column in enumerate(columns) if is_mirror(self._entries[column][0])]
        behind = {place: self._behind(columns[place]) for place in mirrors}
        plain = dict.fromkeys([*columns, *(other for *_, other in behind.values())])
        plain = {column: at for at, column in enumerate(c for c in plain if not is_mirror(self._entries[c][0]))}
        read = self.all_floats(list(plain))
        found = np.empty((len(columns), self.rows))
        for place, column in enumerate(columns):
            if place in behind:
                whole, less, other = behind[place]
                found[place] = reflected(read[plain[other]], whole, less)
            else:
                found[place] = read[plain[column]]
        return found

    def scaled(self, columns: Sequence[int]) -> Scaled:
        """The same as integers."""
        return Scaled.of(self.all_floats(columns))

    def samples(self, metrics: slice) -> tuple[Integers, Scaled]:
        """When and by whom, and the numbers of some metrics."""
        numbers = self.scaled(range(META, self.columns)[metrics])
        return np.stack([self.integers(column) for column in range(META)]), numbers

    def _behind(self, column: int) -> tuple[float, int, int]:
        whole, less, before = opened(self.payload(column))
        other = column - before
        if other < META or is_mirror(self._entries[other][0]):
            raise Damaged(f"column {column} mirrors none")
        return whole, less, other

    def all_read(self) -> Part:
        """The same part, with all of it in memory: many columns in one reading."""
        self._read = reading(self._read(0, self.size))
        return self

    def told(self) -> Told:
        """All rows of it."""
        self.all_read()
        at, late, epoch, number = (self.integers(column) for column in range(META))
        if self.what == SAMPLES:
            return Told(at, at + late, epoch, number, self.all_floats(range(META, self.columns)))
        if self.what != RECORDS:
            raise Damaged(f"a part of rows that is of kind {self.what}")
        data = unpressed(self.payload(BODIES), MOST_BODIES)
        ends = np.cumsum(self.integers(LENGTH)).tolist()
        if (ends[-1] if ends else 0) != len(data):
            raise Damaged("the bodies of records do not have their lengths")
        bodies = tuple(data[begin:end] for begin, end in zip([0, *ends[:-1]], ends, strict=True))
        return Told(at, at + late, epoch, number, None, bodies)

    def payload(self, column: int) -> bytes:
        """A column's bytes, which are as they were written."""
        *_, length, checksum = self._entries[column]
        payload = self._read(self._at[column], length)
        if crc32(payload) != checksum or len(payload) != length:
            raise Damaged(f"the checksum of column {column} does not hold")
        return payload

    def verify(self) -> None:
        """Read all of it."""
        self.all_read()
        for column in range(self.columns):
            self.payload(column)
