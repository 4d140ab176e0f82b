"""One column of numbers to bytes, of which ``store.blocks.decoding`` makes the same numbers, bit for bit. Pure.

A column is coded by itself, so that one metric is read without the others. Its **entry** in the directory of a part
(``store.blocks.parts``) says how:

    offset size  field
         0    1  form: bits 0-1 what follows (0 constant, 1 integers, 2 bits, 3 dictionary); bit 2 there are holes;
                 bit 3 the body is compressed; bits 4-5 the order of the difference, 0 to 2, or 3
                 for a mirror of another column (``store.blocks.mirrors``);
                 bit 6 most residuals are zero; bit 7 the residuals are Rice codes
         1    1  width of a residual in bytes: 0, 1, 2, 4 or 8
         2    1  decimals: the numbers are the integers divided by ten to this power; a column of integers is its
                 integers times ten to this power
         3    1  shift: so many zero bits were taken from the right of each integer
         4    4  length of the payload
         8    4  CRC-32 of the payload

little-endian. The **payload**:

    constant     8 bytes: the bits that all rows have
    integers     a base for order 0 and 2, two for order 1, then the body
    bits         the body: the numbers' own 64 bits, each XORed with the one before
    dictionary   u16 count less one; the body: so many sorted 64-bit words, then the residuals, which are places in it

A base is a length u8 and so many bytes, little-endian, signed. The **body** is, if there are holes, a bitmap of the
rows that have a reading (first row in the highest bit; the rows without one are the canonical NaN), then the residuals
by planes: the lowest byte of each, then the next. If most are zero, a bitmap of those that are not stands before
the planes, which hold these alone. The body is one zstd frame without magic number if the flag says so.

Of residuals that are Rice codes (``store.blocks.rice``; of integers alone, from version 2 of a part on) the body is the
bitmaps, then the codes (``store.blocks.spots``). There the flag says that the bitmaps are a frame, and a width of 1
that gaps stand in place of the bitmap of those that are not zero.

The integers are x = number * 10^decimals, shifted right. Residuals, where z is zigzag and all wraps at 64 bits:

    order 0   x - base, unsigned
    order 1   z(d - second base), d the differences between neighbours; the base is the first x
    order 2   z of the differences of d, the first of which is d itself, d's first being 0; the base is the first x

Compare ``docs/storage.md``. The choice between forms is made by what the residuals weigh; every choice is exact,
because it was tried: what does not come back bit for bit is kept as bits.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

from store.blocks.planes import Body, by_planes, in_planes
from store.blocks.pressing import pressed, smaller
from store.blocks.rice import Narrow
from store.blocks.rice_coding import Plan
from store.blocks.scaled import Floats, Integers, Scaled, constant, scaled
from store.blocks.spots import LEAST_GAPS, MOST, SPOTTED, counted, gaps, headed

ENTRY = struct.Struct("<BBBBII")
CONSTANT, INTEGERS, BITS, DICTIONARY = 0, 1, 2, 3
HOLES, PRESSED, ORDER, SPARSE, RICED = 4, 8, 4, 64, 128
"""Flags of a form, and where the order stands in it."""
TRIED, TRIED_FROM = 1024, 2048
"""In columns of so many rows and more, what differences weigh is tried with so many of them."""
SAMPLED = 8
"""There one residual of so many is weighed."""
CLOSE = 1.35
"""Weights within this ratio are too close to decide unseen."""
NAN = 0x7FF8000000000000
"""The bits of the NaN that means no reading."""
UNITS = (9, 6, 3)
"""The powers of ten in which columns of integers are told: times are whole seconds, milliseconds, microseconds."""
NEAR = 2**28
"""Integers that are so near to one another are worked on in half the bytes: no difference of theirs gets too long."""
FAVOUR = 0.97
"""Differences have to weigh less than this share of the plain numbers: zstd finds more in plain ones."""


class Coded(NamedTuple):
    """A column as bytes, and what its entry says."""

    form: int
    width: int
    decimals: int
    shift: int
    payload: bytes

    @property
    def entry(self) -> bytes:
        """The directory's entry."""
        return ENTRY.pack(self.form, self.width, self.decimals, self.shift, len(self.payload), crc32(self.payload))


def coded_numbers(numbers: Scaled, level: int = 3) -> list[Coded]:
    """Each row of ``numbers`` as a column; any bits come back."""
    whole, tens = numbers
    if not whole.shape[1]:
        return [_constant(NAN)] * len(whole)
    found: list[Coded | None] = [None] * len(whole)
    same = constant(whole)
    for place in np.flatnonzero(same).tolist():
        found[place] = _constant(int(Scaled(whole[[place], :1], tens[[place]]).floats().view(np.uint64)[0, 0]))
    exact = np.flatnonzero(~same & (tens >= 0))
    for place, one in zip(exact.tolist(), _integers(whole[exact], tens[exact], level), strict=True):
        found[place] = one
    alike: dict[bytes, list[int]] = {}
    for place in np.flatnonzero(~same & (tens < 0)).tolist():
        there = whole[place].view(np.uint64) != NAN
        if there.all():
            found[place] = _bits(whole[place].view(np.float64), level, b"")
        else:
            alike.setdefault(np.packbits(there).tobytes(), []).append(place)
    for holes, places in alike.items():
        there = whole[places[0]].view(np.uint64) != NAN
        values = np.ascontiguousarray(whole[places][:, there]).view(np.float64)
        for place, one in zip(places, _with_holes(values, level, holes), strict=True):
            found[place] = one
    return [one for one in found if one is not None]


def coded_integers(values: Integers, level: int = 3) -> list[Coded]:
    """Each row of the matrix as a column of integers."""
    if not values.shape[1]:
        return [_constant(0)] * len(values)
    same = constant(values)
    others = iter(_integers(*in_units(values[~same]), level))
    return [
        _constant(int(row[0]) & 0xFFFFFFFFFFFFFFFF) if equal else next(others)
        for row, equal in zip(values, same, strict=True)
    ]


def in_units(values: Integers) -> tuple[Integers, npt.NDArray[np.int64]]:
    """(the rows in thousands, millions and so on if they are whole ones, the powers of ten that these are)."""
    powers, whole = np.zeros(len(values), np.int64), values
    left = np.arange(len(values))
    for power in UNITS:
        # A few are enough to see that it is not this power.
        likely = left[(values[left, :16] % 10**power == 0).all(axis=1)]
        some = values[likely]
        divided = some // 10**power
        fits = (divided * 10**power == some).all(axis=1)
        places = likely[fits]
        if len(places):
            whole = whole.copy() if whole is values else whole
            whole[places], powers[places] = divided[fits], power
            left = np.flatnonzero(powers == 0)
    return whole, powers


def _constant(bits: int) -> Coded:
    return Coded(CONSTANT, 0, 0, 0, bits.to_bytes(8, "little"))


def _with_holes(values: Floats, level: int, holes: bytes) -> list[Coded]:
    """Columns of which these rows have a reading, in as few bytes as we know."""
    whole, decimals = scaled(values)
    exact = decimals >= 0
    found = iter(_integers(whole[exact], decimals[exact], level, holes))
    return [next(found) if fits else _bits(row, level, holes) for row, fits in zip(values, exact, strict=True)]


class _Choices:
    """What is left of integers (columns by rows, less the least of each) in each of the three orders."""

    def __init__(self, values: npt.NDArray[Any], slopes: npt.NDArray[Any]) -> None:
        self._values = values
        self._slopes = slopes
        self._differences = np.empty((len(values), max(values.shape[1] - 1, 0)), values.dtype)
        np.subtract(values[:, 1:], values[:, :-1], out=self._differences)

    def residuals(self, order: int, places: Any) -> Narrow:
        """Those of some columns."""
        if order == 0:
            plain: Narrow = self._values[places].view(self._unsigned)
            return plain
        if order == 1:
            return _zigzag(self._differences[places] - self._slopes[places, None])
        some = self._differences[places]
        # The first of them is as it is.
        some[:, 1:] -= self._differences[places, :-1]
        return _zigzag(some)

    @property
    def _unsigned(self) -> np.dtype[Any]:
        return np.dtype(f"u{self._values.itemsize}")

    def orders(self, level: int) -> list[int]:
        """The order in which each column is lightest."""
        if self._values.shape[1] < 2:
            return [0] * len(self._values)
        if self._values.shape[1] < TRIED_FROM:
            # The third is seldom the lightest, and not worth its time where a longer column is made of this one soon.
            lighter = _weights(self.residuals(1, ...)) < _weights(self.residuals(0, ...)) * FAVOUR
            return lighter.astype(int).tolist()  # type: ignore[no-any-return]
        plain = np.ascontiguousarray(self._values[:, ::SAMPLED]).view(self._unsigned)
        once = _zigzag(self._differences[:, ::SAMPLED] - self._slopes[:, None])
        twice = _zigzag(self._differences[:, 1::SAMPLED] - self._differences[:, :-1:SAMPLED])
        weights = np.stack([_weights(plain) * FAVOUR, _weights(once), _weights(twice)])
        orders: list[int] = weights.argmin(axis=0).tolist()
        close = weights <= weights.min(axis=0) * CLOSE
        unsure = np.flatnonzero(close.sum(axis=0) > 1)
        if len(unsure):
            middle = max(0, (self._values.shape[1] - TRIED) // 2)
            some = self._values[unsure, middle : middle + TRIED]
            part = _Choices(some - some.min(axis=1, keepdims=True), self._slopes[unsure])
            sizes = np.full((len(weights), len(unsure)), np.iinfo(np.int64).max)
            for order, likely in enumerate(close[:, unsure]):
                sizes[order, likely] = part.sizes(order, np.flatnonzero(likely), level)
            for place, order in zip(unsure.tolist(), sizes.argmin(axis=0).tolist(), strict=True):
                orders[place] = order
        return orders

    def sizes(self, order: int, places: Any, level: int) -> list[int]:
        """How many bytes some columns take in this order."""
        return [len(one.bitmap) + len(pressed(one.planes, level)) for one in by_planes(self.residuals(order, places))]


def _slopes(values: Integers) -> Integers:
    """The usual difference of each row."""
    rows = values.shape[1]
    if rows < 2:
        return np.zeros(len(values), np.int64)
    slopes = (values[:, -1].astype(np.float64) - values[:, 0].astype(np.float64)) / (rows - 1)
    whole: Integers = np.clip(np.rint(slopes), -(2.0**62), 2.0**62).astype(np.int64)
    return whole


def _integers(values: Integers, decimals: npt.NDArray[np.int64], level: int, holes: bytes = b"") -> list[Coded]:
    """Each row as a column; the ``values`` are changed, and let go of before what needs most memory."""
    if not len(values):
        return []
    common = np.bitwise_or.reduce(values.view(np.uint64), axis=1)
    # The lowest bit that any of them has.
    shifts = [(word & -word).bit_length() - 1 if word else 0 for word in common.tolist()]
    if any(shifts):
        values >>= np.array(shifts)[:, None]
    least = values.min(axis=1)
    near = (values.max(axis=1) - least).view(np.uint64) < NEAR
    slopes = _slopes(values)
    firsts, lowest, steps, tens = values[:, 0].tolist(), least.tolist(), slopes.tolist(), decimals.tolist()
    values -= least[:, None]
    orders = [0] * len(values)
    form = INTEGERS | (HOLES if holes else 0)
    bodies: list[Body] = []
    places: list[int] = []
    left: list[tuple[npt.NDArray[np.intp], npt.NDArray[Any]]] = []
    for narrow, of_it in ((np.int32, np.flatnonzero(near)), (np.int64, np.flatnonzero(~near))):
        if len(of_it):
            left.append((of_it, (values if len(of_it) == len(values) else values[of_it]).astype(narrow, copy=False)))
    del values
    while left:
        of_it, some = left.pop(0)
        choices = _Choices(some, slopes[of_it].astype(some.dtype))
        its = choices.orders(level)
        for order in sorted(set(its)):
            alike = [at for at, one in enumerate(its) if one == order]
            bodies += by_planes(choices.residuals(order, alike if len(alike) < len(its) else slice(None)))
            places += of_it[alike].tolist()
        for place, order in zip(of_it.tolist(), its, strict=True):
            orders[place] = order
        del some, choices
    found: list[Coded | None] = [None] * len(orders)
    for place, (flags, width, body) in zip(places, _shortest(bodies, holes, level), strict=True):
        order = orders[place]
        base = _based(firsts[place] if order else lowest[place])
        if order == 1:
            base += _based(steps[place])
        found[place] = Coded(form | order << ORDER | flags, width, tens[place], shifts[place], base + body)
    return [one for one in found if one is not None]


def _shortest(bodies: Sequence[Body], holes: bytes, level: int) -> list[tuple[int, int, bytes]]:
    """(flags, width, body) of each, by planes or as Rice codes."""
    made: list[tuple[int, int, bytes]] = []
    heads: dict[int, tuple[int, int, bytes]] = {}
    spots: dict[int, Narrow] = {}
    for place, (is_sparse, bitmap, width, planes, told) in enumerate(bodies):
        sparse = SPARSE if is_sparse else 0
        body, pressed = _pressed(holes + bitmap, planes, width, level)
        made.append((sparse | pressed, width, body))
        # Codes take a bit for each residual at least.
        if width and len(body) > len(told) // 8:
            head, framed = headed(holes + bitmap, level)
            heads[place] = sparse | (PRESSED if framed else 0) | RICED, 0, head
            # And two bits for each gap, of which there are more zeros than ones.
            if sparse and len(head) > len(told) // 4 + LEAST_GAPS:
                before = gaps(bitmap)
                if before is not None:
                    spots[place] = before
    if heads:
        _as_codes(made, heads, {place: bodies[place].told for place in heads}, spots, headed(holes, level))
    return made


def _as_codes(
    made: list[tuple[int, int, bytes]],
    heads: Mapping[int, tuple[int, int, bytes]],
    columns: Mapping[int, Narrow],
    spots: Mapping[int, Narrow],
    plain: tuple[bytes, bool],
) -> None:
    """Put Rice codes where they are shorter than what was ``made``, behind their head or the ``plain`` one and gaps."""
    plan = Plan([*columns.values(), *spots.values()])
    sizes = dict(zip(columns, plan.sizes.tolist(), strict=False))
    least = {place: len(head) for place, (_, _, head) in heads.items()}
    gapped = {}
    for at, (place, size) in enumerate(zip(spots, plan.sizes[len(columns) :].tolist(), strict=True), len(columns)):
        # What is estimated may be a few bytes too many: then it is tried.
        if len(plain[0]) + size < least[place]:
            least[place], gapped[place] = len(plain[0]) + size, at
    wanted = {place: at for at, place in enumerate(columns) if least[place] + sizes[place] < len(made[place][2])}
    gapped = {place: at for place, at in gapped.items() if place in wanted}
    codes = plan.codes([*wanted.values(), *gapped.values()])
    told = dict(zip(gapped, codes[len(wanted) :], strict=True))
    for place, some in zip(wanted, codes, strict=False):
        flags, width, head = heads[place]
        before = counted(len(spots[place]), told[place]) if place in told and len(told[place]) <= MOST else None
        if before is not None and len(plain[0]) + len(before) < len(head):
            flags = SPARSE | (PRESSED if plain[1] else 0) | RICED
            width, head = SPOTTED, plain[0] + before
        if len(head) + len(some) < len(made[place][2]):
            made[place] = flags, width, head + some


def _bits(row: Floats, level: int, holes: bytes) -> Coded:
    words = row.view(np.uint64)
    flags = HOLES if holes else 0
    xored = words.copy()
    xored[1:] ^= words[:-1]
    width, planes = in_planes(xored)
    body, pressed = _pressed(holes, planes, width, level)
    best = Coded(BITS | flags | pressed, width, 0, 0, body)
    known, places = np.unique(words, return_inverse=True)
    if len(known) * 2 <= len(words) and len(known) <= 0x10000:
        width, planes = in_planes(places.astype(np.uint64))
        sorted_words = known.view(np.uint8).reshape(-1, 8).T.tobytes()
        body, pressed = _pressed(holes + sorted_words, planes, width, level)
        other = Coded(DICTIONARY | flags | pressed, width, 0, 0, (len(known) - 1).to_bytes(2, "little") + body)
        if len(other.payload) < len(best.payload):
            return other
    return best


def _weights(residuals: Narrow) -> Floats:
    """About how many bits a residual of each row carries."""
    # The bits of a float are about its logarithm.
    logarithms = (residuals.astype(np.float32) + np.float32(1)).view(np.int32)
    weights: Floats = logarithms.mean(axis=1, dtype=np.float64) / 2**23 - 127
    return weights


def _pressed(head: bytes, planes: bytes, width: int, level: int) -> tuple[bytes, int]:
    small = smaller(head, planes, width, level)
    return (head + planes, 0) if small is None else (small, PRESSED)


def _zigzag(values: npt.NDArray[Any]) -> Narrow:
    """Of ``values``, which are changed, numbers without a sign: the smaller, the nearer to zero they were."""
    signs = values >> values.dtype.type(8 * values.itemsize - 1)
    values <<= values.dtype.type(1)
    signs ^= values
    words: Narrow = signs.view(f"u{values.itemsize}")
    return words


def _based(base: int) -> bytes:
    size = base.bit_length() // 8 + 1
    return (base << 8 | size).to_bytes(size + 1, "little", signed=True)
