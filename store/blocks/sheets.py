"""The columns of one series coded together: cheap to make and to read, if not as small as can be. Pure.

A column that is coded by itself (``store.blocks.coding``) is worth its time where it is long and stays. What it costs
is less its numbers than itself, and of an hour, or of a rollup's day, there are few numbers in each. Here a few calls
do all columns of several series.

    offset size  field
         0    1  version, 3
         1    1  what it holds: 1 samples, 2 a rollup
         2    2  columns C
         4    4  rows N
         8    4  CRC-32 of bytes 0 to 7 and of all until the bands
        12    4  how long the table is
        16       the table: a zstd frame without magic number
                 bands, back to back

little-endian. The **table** is by planes: the first byte of each column's entry, then the second ... Behind the entries
are, for each band, how many columns it holds u16, its length u32 and its CRC-32. An entry:

    offset size  field
         0    1  form: bits 0-1 what the integers are (1 numbers, 2 their bits); bit 2 there are holes; bit 4 the order
         1    1  width of a residual in bytes: 0, 1, 2, 4 or 8
         2    1  decimals: the numbers are the integers divided by ten to this power; of columns of integers they are
                 the integers times ten to this power
         3    8  base
        11    8  first

The integers are the numbers times 10^decimals where that is exact, else the numbers' own 64 bits. The residuals, where
all wraps at 64 bits: in order 0 the integers less the base; in order 1 the differences of neighbours less the base, of
which the first says nothing, for the first integer is told. The base is the least, so that none is negative.

A **band** holds some columns, so that one is read without unpacking all: a zstd frame without magic number, or nothing
at all where there is nothing to tell. In it are, for each column with holes, a bitmap of the rows that have a reading,
the first row in the highest bit; then the residuals of one byte, of two, of four, of eight, each by planes: the lowest
byte of all columns, then the next. A row without a reading has the integer of a neighbour.

The columns are those of ``store.blocks.parts``, the bodies of records excepted.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from zlib import crc32

import numpy as np
import numpy.typing as npt

from store.blocks.coding import BITS, HOLES, INTEGERS, NAN, ORDER, in_units
from store.blocks.parts import CRC, HEAD, SIZE
from store.blocks.planes import LIMITS, SIZES, Bytes, apart
from store.blocks.pressing import pressed, pressed_apart
from store.blocks.scaled import Floats, Integers, Scaled, scaled

VERSION = 3
LEVEL = 1
"""zstd's: the third takes half as long again and saves next to nothing."""
BAND = 1 << 15
"""About so many bytes are a band: to read one column they have to be unpacked, which takes 20 µs."""
MOST_IN_BAND = 0xFFFF
AT_ONCE = 1 << 17
"""So many numbers are coded at once: more would not stay in the processor's cache from one step to the next."""
ENTRY = 19
WORDS_AT = 3, 11
"""Where in an entry the base and the first integer are."""
WIDTHS = SIZES[1:]
BAND_ENTRY = struct.Struct("<HII")
Present = npt.NDArray[np.bool_]
Planes = dict[int, tuple[Bytes, list[int]]]
"""By width: the planes of the columns that have it, and how many of these columns are in a band by now."""
Series = tuple[Integers, Scaled]
"""(columns of integers, of numbers behind them)."""


@dataclass(slots=True)
class _Made:
    """What there is of a part by now."""

    entries: list[Bytes] = field(default_factory=list)
    bands: list[tuple[int, bytes]] = field(default_factory=list)
    """(columns, bytes) of each."""

    def packed(self, what: int, rows: int) -> bytes:
        entries = self.entries[0] if len(self.entries) == 1 else np.concatenate(self.entries, axis=1)
        listed = b"".join([BAND_ENTRY.pack(columns, len(band), crc32(band)) for columns, band in self.bands])
        table = pressed(entries.tobytes() + listed, LEVEL)
        head, rest = HEAD.pack(VERSION, what, entries.shape[1], rows), SIZE.pack(len(table)) + table
        return b"".join((head, CRC.pack(crc32(rest, crc32(head))), rest, *(band for _, band in self.bands)))


def sheets(what: int, some: Sequence[Series], *, small: bool = False) -> list[bytes]:
    """The parts of several series of equally many rows.

    ``small``: they stay for long, and are worth a fifth more time for a tenth less room.
    """
    made = [_Made() for _ in some]
    for pieces in _at_once(some):
        _code([(made[place], whole, numbers) for place, whole, numbers in pieces], small)
    return [one.packed(what, some[0][0].shape[1]) for one in made]


class Growing:
    """A part whose numbers come some columns at a time: it has the bytes that ``sheets`` would give it, and never more
    than a few of them in memory.
    """

    def __init__(self, what: int, whole: Integers, *, small: bool = False) -> None:
        """``whole`` are its columns of integers."""
        self._what, self._whole, self._small = what, whole, small
        self._made, self._rows = _Made(), whole.shape[1]
        self._left = Scaled(np.empty((0, self._rows), np.int64), np.empty(0, np.int64))
        self.columns = len(whole)
        """So many there are by now."""

    def add(self, numbers: Scaled) -> None:
        """These come next."""
        self.columns += len(numbers.tens)
        if len(self._left.tens):
            numbers = Scaled(*map(np.concatenate, zip(self._left, numbers, strict=True)))
        most, first = _most(self._rows), 0
        while len(numbers.tens) - first >= most:
            self._code(numbers.those(slice(first, first + most)))
            first += most
        self._left = numbers.those(slice(first, None))

    def packed(self) -> bytes:
        """All of it."""
        if len(self._left.tens) or not self._made.entries:
            self._code(self._left)
        return self._made.packed(self._what, self._rows)

    def _code(self, numbers: Scaled) -> None:
        _code([(self._made, self._whole, numbers)], self._small)
        self._whole = self._whole[:0]


def _most(rows: int) -> int:
    """So many columns are coded at once."""
    return max(1, AT_ONCE // max(rows, 1))


def _at_once(some: Sequence[Series]) -> Iterator[list[tuple[int, Integers, Scaled]]]:
    """(place, columns of integers, of numbers) of whole series, or of some columns of one that is large."""
    most = _most(some[0][0].shape[1])
    waiting: list[tuple[int, Integers, Scaled]] = []
    held = 0
    for place, (whole, numbers) in enumerate(some):
        for first in range(0, max(len(numbers.tens), 1), most):
            few = numbers.those(slice(first, first + most))
            if held and held + len(few.tens) > most:
                yield waiting
                waiting, held = [], 0
            waiting.append((place, whole if not first else whole[:0], few))
            held += len(few.tens)
    yield waiting


def _code(pieces: Sequence[tuple[_Made, Integers, Scaled]], small: bool) -> None:
    ends = list(accumulate(len(integers) + len(numbers.tens) for _, integers, numbers in pieces))
    whole = np.concatenate([of for _, integers, numbers in pieces for of in (integers, numbers.whole)])
    told = np.concatenate([np.arange(len(of) + len(numbers.tens)) < len(of) for _, of, numbers in pieces])
    tens, forms = np.empty(ends[-1], np.int64), np.full(ends[-1], INTEGERS, np.uint8)
    whole[told], tens[told] = in_units(whole[told])
    tens[~told] = np.concatenate([numbers.tens for *_, numbers in pieces])
    holes = _of_raw(whole, tens, forms)
    bases, firsts, widths, planes = _planes(whole, forms)
    entries = np.empty((ENTRY, ends[-1]), np.uint8)
    entries[0], entries[1], entries[2] = forms, widths, tens
    for at, of in zip(WORDS_AT, (bases, firsts), strict=True):
        entries[at : at + 8] = of.astype("<i8").view(np.uint8).reshape(-1, 8).T
    for (made, _, _), (first, end) in zip(pieces, pairwise([0, *ends]), strict=True):
        made.entries.append(entries[:, first:end])
        its = [holes.get(column) for column in range(first, end)] if holes else []
        made.bands += _bands(
            whole.shape[1], forms[first:end].tobytes(), widths[first:end].tobytes(), planes, its, small
        )


def _of_raw(whole: Integers, tens: Integers, forms: Bytes) -> dict[int, Present]:
    """Find the integers of columns that are raw, and note what they are; which rows those with holes have."""
    raw = np.flatnonzero(tens < 0)
    if not len(raw):
        return {}
    there = whole[raw].view(np.uint64) != NAN
    holed = ~there.all(axis=1) & there.any(axis=1)
    columns, there = raw[holed], there[holed]
    forms[raw] ^= INTEGERS ^ BITS
    tens[raw] = 0
    if len(columns):
        numbers = _filled(whole[columns].view(np.float64), there)
        some, powers = scaled(numbers)
        exact = powers >= 0
        whole[columns] = np.where(exact[:, None], some, numbers.view(np.int64))
        tens[columns] = np.where(exact, powers, 0)
        forms[columns[exact]] ^= INTEGERS ^ BITS
        forms[columns] |= HOLES
    return dict(zip(columns.tolist(), there, strict=True))


def _filled(values: Floats, there: npt.NDArray[np.bool_]) -> Floats:
    """The numbers, and in place of what is not there the one before it; the next one where none is before."""
    rows = np.where(there, np.arange(values.shape[1]), there.argmax(axis=1)[:, None])
    return np.take_along_axis(values, np.maximum.accumulate(rows, axis=1), axis=1)


def _planes(whole: Integers, forms: Bytes) -> tuple[Integers, Integers, Bytes, Planes]:
    """(bases, first integers, widths, residuals by planes) of the columns, whose order is noted in ``forms``."""
    if not whole.size:
        none = np.zeros(len(whole), np.int64)
        return none, none, none.astype(np.uint8), {}
    steps = np.empty_like(whole)
    # From the last of one column to the first of the next there is no step; rows one by one would take far longer.
    np.subtract(whole.reshape(-1)[1:], whole.reshape(-1)[:-1], out=steps.reshape(-1)[1:])
    steps[:, 0] = steps[:, 1] if whole.shape[1] > 1 else 0
    least, lowest = whole.min(axis=1), steps.min(axis=1)
    plain, once = (whole.max(axis=1) - least).view(np.uint64), (steps.max(axis=1) - lowest).view(np.uint64)
    ordered = once < plain // np.uint64(2)
    forms[ordered] |= 1 << ORDER
    bases = np.where(ordered, lowest, least)
    widths = np.array(SIZES, np.uint8)[np.searchsorted(LIMITS, np.where(ordered, once, plain))]
    planes = {}
    for width in WIDTHS:
        columns = (widths == width).nonzero()[0]
        if len(columns):
            some = whole[columns]
            stepped = ordered[columns].nonzero()[0]
            some[stepped] = steps[columns[stepped]]
            # What wraps at 64 bits wraps at fewer: the bytes that are kept are the same.
            narrow = some.astype(f"<u{width}")
            narrow -= bases[columns].astype(narrow.dtype)[:, None]
            planes[width] = np.empty((width, *narrow.shape), np.uint8), [0]
            apart(narrow, planes[width][0])
    return bases, np.where(ordered, whole[:, 0], 0), widths, planes


def _bands(
    rows: int, forms: bytes, widths: bytes, planes: Planes, holes: Sequence[Present | None], small: bool
) -> list[tuple[int, bytes]]:
    """(columns, bytes) of each band."""
    found = []
    for first, end in pairwise(_begins(rows, forms, widths)):
        told = [np.packbits(there).tobytes() for there in holes[first:end] if there is not None]
        for width, (of_it, taken) in planes.items():
            many = widths.count(width, first, end)
            if many:
                some = of_it[:, taken[0] : taken[0] + many]
                taken[0] += many
                told += [plane.tobytes() for plane in some] if small else [some.tobytes()]
        found.append(
            (end - first, (pressed_apart(told, LEVEL) if small else pressed(b"".join(told), LEVEL)) if told else b"")
        )
    return found


def _begins(rows: int, forms: bytes, widths: bytes) -> list[int]:
    """Where each band begins among the columns, and the last one ends."""
    found, size = [0], 0
    bitmap = -(-rows // 8)
    for column, (form, width) in enumerate(zip(forms, widths, strict=True)):
        more = width * rows + (bitmap if form & HOLES else 0)
        if column > found[-1] and (size + more > BAND or column - found[-1] == MOST_IN_BAND):
            found.append(column)
            size = 0
        size += more
    return [*found, len(widths)]
