"""Columns that are another one seen from the other end: used is total less available. Pure.

Such a column says where the other one is. Its entry is of integers in the order 3, which no other has; its payload:

    offset size  field
         0    8  a number c
         8    1  0: each number is c and the other's; 1: it is c less the other's
         9    1  how many columns before it the other stands, which is no mirror itself

little-endian. Where the other has no reading, it has none. From version 2 of a part on, of samples alone.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

from store.blocks.coding import INTEGERS, NAN, ORDER, Coded
from store.blocks.pressing import Damaged
from store.blocks.scaled import Floats, Scaled

MIRROR = INTEGERS | 3 << ORDER
PAYLOAD = struct.Struct("<dBB")
WORTH = 48
"""A payload of fewer bytes is left as it is: reading it alone is worth more."""
LOOKED_AT = 64
"""So many numbers tell most columns that are no mirrors."""
FARTHEST = 255
TRIED = 4
"""A column is compared with at most so many others."""


def mirrored(columns: Sequence[Coded], numbers: Scaled) -> list[Coded]:
    """The columns of these numbers, those that mirror one before them as such."""
    found = list(columns)
    heard: dict[bytes, list[int]] = {}
    with np.errstate(over="ignore", invalid="ignore"):  # what is as absurd as that is no mirror, or found to be one
        steps = np.abs(np.diff(Scaled(numbers.whole[:, :LOOKED_AT], numbers.tens).floats(), axis=1))
    for place, column in enumerate(columns):
        if column.form & 3 != INTEGERS or len(column.payload) < WORTH:
            continue
        others = heard.setdefault(steps[place].tobytes(), [])
        for other in others[-TRIED:]:
            told = _told(*numbers.those([place, other]).floats())
            if told is not None and place - other <= FARTHEST:
                found[place] = Coded(MIRROR, 0, 0, 0, PAYLOAD.pack(*told, place - other))
                break
        else:
            others.append(place)
    return found


def is_mirror(form: int) -> bool:
    """Whether a column of this form is told by another."""
    return form & MIRROR == MIRROR


def opened(payload: bytes) -> tuple[float, int, int]:
    """(c, whether it is less the other's, how many columns before); raises ``Damaged``."""
    try:
        whole, less, before = PAYLOAD.unpack(payload)
    except struct.error as error:
        raise Damaged(f"a mirror that is none: {error}") from None
    if less > 1 or not before:
        raise Damaged("a mirror of nothing")
    return whole, less, before


def reflected(other: Floats, whole: float, less: int) -> Floats:
    """The numbers behind a mirror of ``other``."""
    with np.errstate(over="ignore", invalid="ignore"):
        numbers = whole - other if less else whole + other
    numbers.view(np.uint64)[np.isnan(other)] = NAN
    return numbers


def _told(numbers: Floats, other: Floats) -> tuple[float, int] | None:
    """(c, whether less), if that gives the numbers bit for bit."""
    there = np.flatnonzero(~np.isnan(other))
    if not len(there):
        return None
    first = there[0]
    for less in (1, 0):
        # Of floats, which overflow without a word.
        one, two = float(numbers[first]), float(other[first])
        whole = one + two if less else one - two
        if np.array_equal(reflected(other, whole, less).view(np.uint64), numbers.view(np.uint64)):
            return whole, less
    return None
