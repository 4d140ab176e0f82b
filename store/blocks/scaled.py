"""Numbers as integers and powers of ten: what is coded, added up and compared, without a float on the way. Pure.

Most of what hosts measure are decimals of few places. That they are is found out once, when an hour is sealed, and
passed on to its day and its rollups: to make floats of integers, and to find the integers again, costs as much as
all that is done with them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

DECIMALS = (1, 2, 3, 4, 5, 6)
TENS = tuple(float(f"1e{place}") for place in range(23))
_TENS = np.array(TENS)
RAW = -1
"""In place of a power: the integers are the numbers' own bits."""
EXACT = 2**53
"""Integers up to this are floats without loss."""
FEW = 16
"""So many numbers are enough to see that a row is not of some power."""


class Scaled(NamedTuple):
    """Columns by rows: each of ``whole`` divided by ten to its power in ``tens`` is the number, bit for bit."""

    whole: Integers
    tens: Integers

    @classmethod
    def of(cls, values: Floats) -> Scaled:
        """The numbers of a matrix; a column that no integers give back is ``RAW``."""
        values = np.ascontiguousarray(values)
        whole, tens = np.empty(values.shape, np.int64), np.full(len(values), RAW)
        bits = values.view(np.int64)
        same = constant(bits)
        alike = np.flatnonzero(same)
        if len(alike):
            whole[alike], tens[alike] = scaled(values[alike, :1])
        _scale(values, np.flatnonzero(~same), whole, tens)
        raw = np.flatnonzero(tens < 0)
        whole[raw] = bits[raw]
        return cls(whole, tens)

    def floats(self) -> Floats:
        """The numbers."""
        numbers = self.whole.astype(np.float64)
        if (self.tens > 0).any():
            numbers /= _TENS[np.maximum(self.tens, 0)][:, None]
        raw = np.flatnonzero(self.tens < 0)
        if len(raw):
            numbers[raw] = self.whole[raw].view(np.float64)
        return numbers

    def those(self, columns: Any) -> Scaled:
        """Some columns: a slice, their places, or where this is true."""
        return Scaled(self.whole[columns], self.tens[columns])

    def is_same(self, other: Scaled) -> bool:
        """Whether both are the same numbers, bit for bit."""
        if np.array_equal(self.tens, other.tens) and np.array_equal(self.whole, other.whole):
            return True
        equal = (self.whole == other.whole).all(axis=1) & (self.tens == other.tens)
        # A constant is told by its bits.
        mine, theirs = self.those(~equal).floats(), other.those(~equal).floats()
        return np.array_equal(mine.view(np.int64), theirs.view(np.int64))


def constant(whole: Integers) -> npt.NDArray[np.bool_]:
    """Which columns are one number in each row."""
    same: npt.NDArray[np.bool_] = (whole[:, :FEW] == whole[:, :1]).all(axis=1)
    likely = np.flatnonzero(same)
    same[likely] = (whole[likely] == whole[likely, :1]).all(axis=1)
    return same


def chained(some: Iterable[Scaled], rows: int) -> Scaled:
    """So many rows of the same columns one after the other, as ``Scaled.of`` would have them of all.

    Each is copied when its turn comes, while it is in the processor's cache.
    """
    whole, ends = np.empty((0, rows), np.int64), [0]
    powers: list[Integers] = []
    for one in some:
        if not powers:
            whole = np.empty((len(one.tens), rows), np.int64)
        ends.append(ends[-1] + one.whole.shape[1])
        whole[:, ends[-2] : ends[-1]] = one.whole
        powers.append(one.tens)
    every = np.stack(powers)
    tens, lost = every.max(axis=0), every.min(axis=0) == RAW
    parts = [(slice(start, end), of) for (start, end), of in zip(pairwise(ends), powers, strict=True)]
    mixed = (every != tens).any(axis=0)
    if mixed.any():
        for rows_of, of in parts:
            fewer = np.flatnonzero((of != tens) & ~lost)
            most, part = EXACT // 10 ** (tens - of)[fewer], whole[fewer, rows_of]
            lost[fewer] = (part.max(axis=1, initial=0) > most) | (part.min(axis=1, initial=0) < -most)
        for rows_of, of in parts:
            fewer = np.flatnonzero((of != tens) & ~lost)
            whole[fewer, rows_of] *= 10 ** (tens - of)[fewer][:, None]
        for column in np.flatnonzero(lost & mixed).tolist():
            numbers = [Scaled(whole[[column], rows_of], of[[column]]).floats() for rows_of, of in parts]
            again = Scaled.of(np.concatenate(numbers, axis=1))
            whole[column], tens[column] = again.whole[0], again.tens[0]
    return Scaled(whole, tens)


def scaled(values: Floats) -> tuple[Integers, Integers]:
    """(integers, decimals) of each row of the matrix; decimals are -1 where no integers give the numbers back."""
    whole, decimals = np.zeros(values.shape, np.int64), np.full(len(values), RAW)
    _scale(values, np.arange(len(values)), whole, decimals)
    return whole, decimals


def _scale(values: Floats, rows: npt.NDArray[np.intp], whole: Integers, decimals: Integers) -> None:
    """Write the integers and decimals of these rows, where there are such."""
    few = values[rows, :FEW]
    with np.errstate(invalid="ignore", over="ignore"):
        for ten in (0, *DECIMALS):
            if not len(rows):
                return
            # A few numbers of a row tell nearly always of which power it is: then all of it is looked at once.
            likely = (np.rint(few * TENS[ten]) / TENS[ten] == few).all(axis=1)
            tried = rows[likely] if not likely.all() else rows
            if not len(tried):
                continue
            some = values if len(tried) == len(values) else values[tried]
            numbers = _integers_of(some, ten)
            fits = _same(numbers.astype(np.float64) / TENS[ten] if ten else numbers.astype(np.float64), some)
            if fits.all():
                whole[tried], decimals[tried] = numbers, ten
                rows, few = rows[~likely], few[~likely]
            else:
                whole[tried[fits]], decimals[tried[fits]] = numbers[fits], ten
                left = decimals[rows] < 0
                rows, few = rows[left], few[left]


def _integers_of(values: Floats, ten: int) -> Integers:
    if not ten:
        return values.astype(np.int64)
    many = values * TENS[ten]
    np.rint(many, out=many)
    return many.astype(np.int64)


def scaled_one(row: Floats) -> tuple[Integers, int] | None:
    """As ``scaled``, of one row; None where no integers give the numbers back."""
    row = np.ascontiguousarray(row)
    few = row[:FEW]
    first = float(row[0]) if len(row) else 0.0
    with np.errstate(invalid="ignore", over="ignore"):
        for ten in (0, *DECIMALS):
            # One number tells of most powers that they are not it, in a tenth of the time.
            if not _is_of(first, TENS[ten]):
                continue
            if (np.rint(few * TENS[ten]) / TENS[ten] == few).all():
                tried = np.rint(row * TENS[ten]).astype(np.int64)
                if _same(tried.astype(np.float64) / TENS[ten], row):
                    return tried, ten
    return None


def _is_of(number: float, power: float) -> bool:
    """Whether an integer divided by this power of ten is the number."""
    many = number * power
    return math.isfinite(many) and round(many) / power == number


def _same(a: Floats, b: Floats) -> Any:
    return (a.view(np.uint64) == b.view(np.uint64)).all(axis=-1)
