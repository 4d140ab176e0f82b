"""What stands before Rice codes: which residuals are there, as bitmaps or, where few are, as gaps. Pure.

The bitmaps are raw, or a u32 and a zstd frame of that length. Gaps, behind them: how many residuals are not zero, and
how long their codes are, a u16 each, then the codes (``store.blocks.rice``) of how many zeros stand before each.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from store.blocks.pressing import Damaged, pressed
from store.blocks.rice import Narrow

LENGTH = struct.Struct("<I")
COUNTS = struct.Struct("<HH")
MOST = 0xFFFF
"""So many residuals and so many bytes of codes at most."""
LEAST_GAPS = 7
"""Bytes that gaps take at least, beside their codes' bits."""
SPOTTED = 1
"""The width in the entry of a column that has gaps in place of a bitmap."""


def gaps(bitmap: bytes) -> Narrow | None:
    """How many zeros stand before each one of a bitmap that is not empty; None where they are too many to be told."""
    at = np.flatnonzero(np.unpackbits(np.frombuffer(bitmap, np.uint8)).view(bool))
    return _between(at) if len(at) <= MOST else None


def counted(many: int, codes: bytes) -> bytes:
    """So many gaps, told by these codes, as they stand before those of the residuals."""
    return COUNTS.pack(many, len(codes)) + codes


def _between(at: npt.NDArray[np.int64]) -> Narrow:
    before = at.copy()
    before[1:] -= at[:-1] + 1
    return before.astype(np.uint16) if at[-1] <= MOST else before.view(np.uint64)


def headed(bitmaps: bytes, level: int) -> tuple[bytes, bool]:
    """(bytes, whether they are a length and a frame)."""
    if not bitmaps:
        return b"", False
    small = pressed(bitmaps, level)
    if len(small) + LENGTH.size >= len(bitmaps):
        return bitmaps, False
    return LENGTH.pack(len(small)) + small, True


def spotted(before: npt.NDArray[Any], count: int) -> npt.NDArray[Any]:
    """Where the residuals are that are not zero; so many zeros stand before each."""
    at: npt.NDArray[np.int64] = np.cumsum(before.astype(np.int64) + 1) - 1
    if at[0] < 0 or at[-1] >= count or (np.diff(at) < 1).any():
        raise Damaged(f"a residual at {at[-1]} of {count}")
    return at
