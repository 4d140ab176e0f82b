"""Residuals to Rice codes (``store.blocks.rice`` draws them). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from store.blocks.rice import (
    BLOCK,
    COUNT,
    LONGEST,
    Flags,
    Narrow,
    Places,
    by_parameter,
    grouped,
    in_each,
    last_blocks,
    spans_of,
    told_planes,
)

AROUND = np.array([[-0.6], [0.4], [1.4]])
"""Which parameters are tried, from the mean of what the residuals' lengths are."""
WIDEST, SHORT = 8, 2
"""Bytes: residuals that fit in a few are worked on apart from the others, together with which they would be as wide."""


class Plan:
    """Columns of residuals, the parameter of each block, and how many bytes each column's codes will take."""

    __slots__ = ("_groups", "sizes")

    def __init__(self, columns: Sequence[npt.NDArray[Any]]) -> None:
        """Columns of unsigned integers; none of them is empty."""
        short = [place for place, column in enumerate(columns) if column.itemsize <= SHORT]
        others = [place for place, column in enumerate(columns) if column.itemsize > SHORT]
        longest = max([column.itemsize for column in columns])
        self.sizes = np.empty(len(columns), np.int64)
        """About, and some too few or too many."""
        self._groups: list[tuple[dict[int, int], _Blocks]] = []
        for size, places in ((SHORT, short), (longest, others)):
            if places:
                blocks = _Blocks([columns[place] for place in places], np.dtype(f"u{size}"))
                self.sizes[places] = blocks.sizes
                self._groups.append(({place: at for at, place in enumerate(places)}, blocks))

    def codes(self, wanted: Sequence[int]) -> list[bytes]:
        """The codes of these columns."""
        found: dict[int, bytes] = {}
        for at, blocks in self._groups:
            some = [place for place in wanted if place in at]
            found.update(zip(some, blocks.codes([at[place] for place in some]), strict=True))
        return [found[place] for place in wanted]


class _Blocks:
    """As ``Plan``, for columns of residuals that are as narrow as this type."""

    __slots__ = ("_blocks", "_firsts", "_k", "_lengths", "_rows", "sizes")

    def __init__(self, columns: Sequence[npt.NDArray[Any]], narrow: np.dtype[Any]) -> None:
        self._lengths = np.array([len(column) for column in columns])
        self._blocks = -(-self._lengths // BLOCK)
        self._firsts = np.concatenate(([0], np.cumsum(self._blocks)))
        self._rows = _in_blocks(columns, self._firsts, narrow)
        counts = in_each(self._lengths, self._blocks)
        self._k, bits = _parameters(self._rows, counts)
        firsts = self._firsts[:-1]
        spread = np.maximum.reduceat(self._k, firsts) - np.minimum.reduceat(self._k, firsts)
        told = _bit_lengths(spread.astype(np.uint64)) * self._blocks
        self.sizes: Places = 5 + (np.add.reduceat(bits, firsts) + told) // 8

    def codes(self, wanted: Sequence[int]) -> list[bytes]:
        """The codes of these columns."""
        if not wanted:
            return []
        lengths, blocks = self._lengths[wanted], self._blocks[wanted]
        if list(wanted) == list(range(len(self._lengths))):
            rows, k = self._rows, self._k
        else:
            places = np.concatenate([np.arange(self._firsts[at], self._firsts[at + 1]) for at in wanted])
            rows, k = self._rows[places], self._k[places]
        high = (rows >> k[:, None].astype(rows.dtype)).reshape(-1)
        if lengths.sum() < len(high):
            high = np.concatenate([high[begin:end] for begin, end in spans_of(lengths, blocks)])
        long = high >= LONGEST
        besides = _besides(high, long, lengths)
        high[long] = LONGEST
        told = _heads(k, blocks, besides), _lowest(rows, k, lengths, blocks), _unary(high, lengths)
        return [b"".join(pieces) for pieces in zip(*told, strict=True)]


def _in_blocks(columns: Sequence[npt.NDArray[Any]], firsts: Places, narrow: np.dtype[Any]) -> Narrow:
    """All residuals, a block a row; zeros where a column's last block ends before the row does."""
    rows = np.empty((int(firsts[-1]), BLOCK), narrow)
    flat = rows.reshape(-1)
    for column, first, end in zip(columns, (firsts[:-1] * BLOCK).tolist(), (firsts[1:] * BLOCK).tolist(), strict=True):
        flat[first : first + len(column)] = column
        flat[first + len(column) : end] = 0
    return rows


def _bit_lengths(words: npt.NDArray[Any]) -> Any:
    # The exponent of 2x + 1 as a floating-point number; one that was rounded up to a power of two counts one bit more.
    if words.itemsize < WIDEST:
        singles = words.astype(np.float32)
        singles *= np.float32(2)
        singles += np.float32(1)
        lengths: Any = singles.view(np.int32)
        lengths >>= 23
        lengths -= 127
        return lengths
    return ((words.astype(np.float64) * 2 + 1).view(np.int64) >> 52) - 1023


def _parameters(rows: Narrow, counts: Places) -> tuple[Places, Places]:
    """(k, bits with it) of each block: the lightest of three around what the residuals' lengths let expect."""
    # One below the other, as many blocks are folded at once as there are, and not as many residuals as a block has.
    turned = np.ascontiguousarray(rows.T)
    # Lengths rather than values: one burst among small residuals does not move their mean.
    lengths = _bit_lengths(turned)
    middle = lengths.sum(axis=0, dtype=lengths.dtype) / counts
    largest = turned.max(axis=0)
    longest = -(-_bit_lengths(largest) // 8) * 8
    padded = -(-counts // 8) * 8
    tried = np.maximum(np.floor(middle + AROUND), 0).astype(np.int64)
    np.minimum(tried, np.minimum(longest, 63), out=tried)
    shifts = tried.astype(rows.dtype)
    bits = counts + padded * tried
    for one, shift in zip(bits, shifts, strict=True):
        high = turned >> shift
        one += high.sum(axis=0, dtype=high.dtype).astype(np.int64)
    which, block = (largest >> shifts >= LONGEST).nonzero()
    if len(block):
        some = np.minimum(rows[block] >> shifts[which, block][:, None], LONGEST)
        besides = np.count_nonzero(some == LONGEST, axis=1) * longest[block]
        unary = some.sum(axis=1, dtype=np.int64)
        bits[which, block] = counts[block] + padded[block] * tried[which, block] + unary + besides
    lightest = bits.argmin(axis=0)
    places = np.arange(len(rows))
    return tried[lightest, places], bits[lightest, places]


def _heads(k: Places, blocks: Places, besides: Sequence[tuple[int, bytes]]) -> list[bytes]:
    """What stands before the lowest bits of each column."""
    ends = np.cumsum(blocks)
    firsts = ends - blocks
    least = np.minimum.reduceat(k, firsts)
    bits = _bit_lengths((np.maximum.reduceat(k, firsts) - least).astype(np.uint64))
    each = np.unpackbits((k - np.repeat(least, blocks)).astype(np.uint8)[:, None], axis=1)
    told = [b""] * len(blocks)
    for many, width, places in grouped(blocks, bits):
        if width:
            rows = (firsts[places][:, None] + np.arange(many)).reshape(-1)
            packed = np.packbits(each[rows, 8 - width :].reshape(len(places), -1), axis=1)
            for place, of in zip(places.tolist(), packed, strict=True):
                told[place] = of.tobytes()
    found = []
    for low, width, (size, data), of_it in zip(least.tolist(), bits.tolist(), besides, told, strict=True):
        count = (len(data) // size).to_bytes(COUNT, "little") if size else b""
        found.append(b"".join((bytes((low, width, size)), count, of_it, data)))
    return found


def _besides(high: Narrow, long: Flags, lengths: Places) -> list[tuple[int, bytes]]:
    """(width, bytes) of what is too long for unary, of each column."""
    found = [(0, b"")] * len(lengths)
    if long.any():
        ends = np.cumsum(lengths)
        for place in np.flatnonzero(np.logical_or.reduceat(long, ends - lengths)).tolist():
            column = slice(ends[place] - lengths[place], ends[place])
            values = high[column][long[column]]
            width = -(-int(values.max()).bit_length() // 8)
            found[place] = width, values.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width].tobytes()
    return found


def _unary(high: Narrow, lengths: Places) -> list[bytes]:
    ends = np.cumsum(high + high.dtype.type(1), dtype=np.int64)
    columns = np.cumsum(lengths)
    lasts = ends[columns - 1]
    bits = np.diff(lasts, prepend=0)
    begins = np.concatenate(([0], np.cumsum(-(-bits // 8))))
    # Each column moves on to the next byte; a number's mark is the last of its bits.
    shifts = begins[:-1] * 8 - (lasts - bits) - 1
    for first, end, shift in zip((columns - lengths).tolist(), columns.tolist(), shifts.tolist(), strict=True):
        ends[first:end] += shift
    marks = np.zeros(int(begins[-1]) * 8, np.uint8)
    marks[ends] = 1
    packed = np.packbits(marks).tobytes()
    return [packed[begin:end] for begin, end in zip(begins[:-1].tolist(), begins[1:].tolist(), strict=True)]


def _lowest(rows: Narrow, k: Places, lengths: Places, blocks: Places) -> list[bytes]:
    most = int(k.max())
    if not most:
        return [b""] * len(blocks)
    # Blocks by their parameter: of most there are few bits, of few there are many.
    order, held = by_parameter(k, most)
    rows = rows[order]
    planes = np.zeros((len(rows), most), np.uint64)
    byte = rows.astype(np.uint8)
    for bit, many in enumerate(held):
        if bit and bit % 8 == 0:
            byte = (rows[:many] >> rows.dtype.type(bit)).astype(np.uint8)
        planes[order[:many], bit] = np.packbits(byte[:many] & np.uint8(1 << bit % 8)).view(np.uint64)
    packed = planes[told_planes(k, most)].view(np.uint8).reshape(-1, BLOCK // 8)
    found = []
    for first, last, end, size in last_blocks(k, lengths, blocks):
        found.append(packed[first:last].tobytes() + packed[last:end, :size].tobytes())
    return found
