"""Residuals as Rice codes: for numbers that are noise, of which zstd finds nothing and pays for its tables. Pure.

A column's residuals, each below 2^64, in blocks of 64, the last one shorter. A block has a parameter k. Of a residual r
its k lowest bits are told as they are, and h = r >> k in unary; where h is 16 or more, 16 is, and h besides. The
**codes**:

    offset size  field
         0    1  the least k
         1    1  v, the bits in which each block's k is told, less the least
         2    1  w, the bytes of each h that is told besides; 0 where there are none
         3    4  how many there are, if w is not 0
                 k of each block less the least, by bits
                 the h that are told besides, w bytes each
                 the lowest bits, block by block: bit 0 of all its residuals, then bit 1 ... bit k - 1
                 h of all in unary: so many 0 bits and a 1

Everything begins at a byte, each bit of a block's residuals too, and bits fill a byte from the highest on.

Many columns are done at once: a call of numpy for each column would cost more than what it does for a short one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from store.blocks.pressing import Damaged

BLOCK = 64
LONGEST = 16
"""In unary."""
COUNT = 4
AROUND = np.array([[-0.6], [0.4], [1.4]])
"""Which parameters are tried, from the mean of what the residuals' lengths are."""
Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
NONE = np.zeros(0, np.uint64)
WIDEST, SHORT = 8, 2
"""Bytes: residuals that fit in a few are worked on apart from the others, together with which they would be as wide."""
Narrow = npt.NDArray[np.uint16] | npt.NDArray[np.uint32] | Words
"""Residuals in as many bytes as they need: half the room is half the time."""


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
        counts = _in_each(self._lengths, self._blocks)
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
            high = np.concatenate([high[begin:end] for begin, end in _each(lengths, blocks)])
        long = high >= LONGEST
        besides = _besides(high, long, lengths)
        high[long] = LONGEST
        told = _heads(k, blocks, besides), _lowest(rows, k, lengths, blocks), _unary(high, lengths)
        return [b"".join(pieces) for pieces in zip(*told, strict=True)]


def decoded(codes: Sequence[bytes], counts: Sequence[int]) -> list[npt.NDArray[Any]]:
    """So many residuals of each column, at least one, from its codes, as narrow as they are; raises ``Damaged``."""
    try:
        alike: dict[str, list[int]] = {}
        for place, code in enumerate(codes):
            alike.setdefault(_narrowest(code), []).append(place)
        if len(alike) > 2:
            alike["u8"] += alike.pop("u4")
        found: list[npt.NDArray[Any]] = [NONE] * len(codes)
        for narrow, places in alike.items():
            of = [codes[place] for place in places], np.array([counts[place] for place in places], np.int64)
            for place, column in zip(places, _decoded(*of, np.dtype(narrow)), strict=True):
                found[place] = column
        return found
    except (IndexError, ValueError) as error:
        raise Damaged(f"Rice codes that are none: {error}") from None


# -- to codes ---


def _in_blocks(columns: Sequence[npt.NDArray[Any]], firsts: Places, narrow: np.dtype[Any]) -> Narrow:
    """All residuals, a block a row; zeros where a column's last block ends before the row does."""
    rows = np.empty((int(firsts[-1]), BLOCK), narrow)
    flat = rows.reshape(-1)
    for column, first, end in zip(columns, (firsts[:-1] * BLOCK).tolist(), (firsts[1:] * BLOCK).tolist(), strict=True):
        flat[first : first + len(column)] = column
        flat[first + len(column) : end] = 0
    return rows


def _in_each(lengths: Places, blocks: Places) -> Places:
    """How many residuals there are in each block."""
    each = np.full(int(blocks.sum()), BLOCK)
    each[np.cumsum(blocks) - 1] = lengths - (blocks - 1) * BLOCK
    return each


def _each(lengths: Places, blocks: Places) -> Iterator[tuple[int, int]]:
    """Where each column begins and ends among all blocks; behind its end there may be filling."""
    firsts = (np.cumsum(blocks) - blocks) * BLOCK
    return zip(firsts.tolist(), (firsts + lengths).tolist(), strict=True)


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
    for many, width, places in _alike(blocks, bits):
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


def _alike(blocks: Places, bits: Places) -> list[tuple[int, int, Places]]:
    """(blocks, bits, places) of the columns that have as many of both."""
    found: dict[tuple[int, int], list[int]] = {}
    for place, pair in enumerate(zip(blocks.tolist(), bits.tolist(), strict=True)):
        found.setdefault(pair, []).append(place)
    return [(*pair, np.array(places)) for pair, places in found.items()]


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
    order, held = _by_parameter(k, most)
    rows = rows[order]
    planes = np.zeros((len(rows), most), np.uint64)
    byte = rows.astype(np.uint8)
    for bit, many in enumerate(held):
        if bit and bit % 8 == 0:
            byte = (rows[:many] >> rows.dtype.type(bit)).astype(np.uint8)
        planes[order[:many], bit] = np.packbits(byte[:many] & np.uint8(1 << bit % 8)).view(np.uint64)
    packed = planes[_told_planes(k, most)].view(np.uint8).reshape(-1, BLOCK // 8)
    found = []
    for first, last, end, size in _last_blocks(k, lengths, blocks):
        found.append(packed[first:last].tobytes() + packed[last:end, :size].tobytes())
    return found


def _last_blocks(k: Places, lengths: Places, blocks: Places) -> Iterator[tuple[int, int, int, int]]:
    """Of the bits told of each column's blocks: (the first, the last block's first, where they end, its bytes each)."""
    lasts = np.cumsum(blocks) - 1
    ends = np.cumsum(k)[lasts]
    sizes = -(-(lengths - (blocks - 1) * BLOCK) // 8)
    return zip([0, *ends.tolist()], (ends - k[lasts]).tolist(), ends.tolist(), sizes.tolist(), strict=False)


def _by_parameter(k: Places, most: int) -> tuple[npt.NDArray[np.intp], list[int]]:
    """(blocks, those of the largest first; of how many of them bit 0, bit 1 ... is told)."""
    order = np.argsort(-k, kind="stable")
    return order, np.searchsorted(-k[order], -np.arange(most)).tolist()


def _told_planes(k: Places, most: int) -> Flags:
    """Which bits of the blocks' residuals are told."""
    # Most blocks tell far fewer bits than the one that tells most: bytes are looked at where there are any.
    told: Flags = np.arange(most) < k[:, None]
    return told


# -- and back ---


def _narrowest(code: bytes) -> str:
    """The type that holds all residuals which these codes may tell."""
    least, more, besides = code[:3]
    bits = least + (1 << more) - 1 + max(8 * besides, LONGEST.bit_length())
    return "u2" if bits <= 16 else "u4" if bits <= 32 else "u8"


def _decoded(codes: Sequence[bytes], lengths: Places, narrow: np.dtype[Any]) -> list[npt.NDArray[Any]]:
    blocks = -(-lengths // BLOCK)
    counts = _in_each(lengths, blocks)
    heads = np.frombuffer(b"".join(code[:3] for code in codes), np.uint8).reshape(-1, 3).astype(np.int64)
    firsts = np.cumsum(blocks) - blocks
    k, begins = np.repeat(heads[:, 0], blocks), 3 + COUNT * (heads[:, 2] > 0)
    sizes = -(-blocks * heads[:, 1] // 8)
    for many, bits, places in _alike(blocks, heads[:, 1]):
        if bits:
            size = int(sizes[places[0]])
            some = zip(places.tolist(), begins[places].tolist(), strict=True)
            told = np.frombuffer(b"".join([codes[place][at : at + size] for place, at in some]), np.uint8)
            each = np.zeros((len(places) * many, 8), np.uint8)
            bitwise = np.unpackbits(told.reshape(len(places), size), axis=1, count=many * bits)
            each[:, 8 - bits :] = bitwise.reshape(-1, bits)
            k[(firsts[places][:, None] + np.arange(many)).reshape(-1)] += np.packbits(each, axis=1)[:, 0]
    lows = np.add.reduceat(k * -(-counts // 8), firsts).tolist()
    besides, lowest, unary = [], [], []
    for code, width, at, low in zip(codes, heads[:, 2].tolist(), (begins + sizes).tolist(), lows, strict=True):
        if width:
            end = at + width * int.from_bytes(code[3 : 3 + COUNT], "little")
            besides.append(_long(code[at:end], width))
            at = end
        lowest.append(code[at : at + low])
        unary.append(code[at + low :])
    high = _from_unary(unary, lengths).astype(narrow)
    if besides:
        high[high == LONGEST] = np.concatenate(besides)
    words = _from_lowest(lowest, k, lengths, blocks, narrow)
    if lengths.sum() == words.size:
        spread = high.reshape(words.shape)
    else:
        spread = np.zeros_like(words)
        flat, ends = spread.reshape(-1), np.cumsum(lengths).tolist()
        for (begin, end), first, last in zip(_each(lengths, blocks), [0, *ends], ends, strict=False):
            flat[begin:end] = high[first:last]
    words |= np.left_shift(spread, k.astype(narrow)[:, None], out=spread)
    flat = words.reshape(-1)
    return [flat[begin:end] for begin, end in _each(lengths, blocks)]


def _long(data: bytes, width: int) -> Words:
    each = np.zeros((len(data) // width, 8), np.uint8)
    each[:, :width] = np.frombuffer(data, np.uint8).reshape(-1, width)
    return each.view("<u8").reshape(-1).astype(np.uint64)


def _from_unary(streams: Sequence[bytes], lengths: Places) -> Narrow:
    sizes = np.array([len(stream) * 8 for stream in streams])
    narrow = np.uint32 if sizes.sum() < 1 << 32 else np.uint64
    ones = np.flatnonzero(np.unpackbits(np.frombuffer(b"".join(streams), np.uint8)).view(np.bool_)).astype(narrow)
    if len(ones) != lengths.sum():
        raise Damaged(f"{len(ones)} numbers in unary where {lengths.sum()} should be")
    high = np.empty_like(ones)
    np.subtract(ones[1:], ones[:-1], out=high[1:])
    high -= narrow(1)
    firsts = np.cumsum(lengths) - lengths
    high[firsts] = ones[firsts] - (np.cumsum(sizes) - sizes).astype(narrow)
    if high.max() > LONGEST:  # or less than none
        raise Damaged("numbers in unary that are none")
    return high


def _from_lowest(
    lowest: Sequence[bytes], k: Places, lengths: Places, blocks: Places, narrow: np.dtype[Any]
) -> npt.NDArray[Any]:
    most = int(k.max())
    told = _told_planes(k, most)
    some = np.zeros((int(k.sum()), BLOCK // 8), np.uint8)
    for data, (first, last, end, size) in zip(lowest, _last_blocks(k, lengths, blocks), strict=True):
        whole = (last - first) * BLOCK // 8
        some[first:last] = np.frombuffer(data, np.uint8, whole).reshape(-1, BLOCK // 8)
        some[last:end, :size] = np.frombuffer(data, np.uint8, (end - last) * size, whole).reshape(-1, size)
    words = np.zeros(told.shape, np.uint64)
    words[told] = some.view(np.uint64).reshape(-1)
    order, held = _by_parameter(k, most)
    planes = words[order].view(np.uint8).reshape(*told.shape, BLOCK // 8)
    rows = np.zeros((len(k), BLOCK), narrow)
    for first in range(0, most, 8):
        byte = np.zeros((held[first], BLOCK), np.uint8)
        for bit in range(first, min(first + 8, most)):
            many = held[bit]
            plane = np.unpackbits(np.ascontiguousarray(planes[:many, bit])).view(np.uint64)
            # A byte holds one bit: eight of them are shifted as one word in an eighth of the time.
            plane <<= np.uint64(bit % 8)
            byte[:many] |= plane.view(np.uint8).reshape(many, BLOCK)
        if first:
            rows[: held[first]] |= byte.astype(narrow) << narrow.type(first)
        else:
            rows[: held[first]] = byte
    found = np.empty_like(rows)
    found[order] = rows
    return found
