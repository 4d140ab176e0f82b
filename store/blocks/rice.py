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

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

BLOCK = 64
LONGEST = 16
"""In unary."""
COUNT = 4
Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Narrow = npt.NDArray[np.uint16] | npt.NDArray[np.uint32] | Words
"""Residuals in as many bytes as they need: half the room is half the time."""


def in_each(lengths: Places, blocks: Places) -> Places:
    """How many residuals there are in each block."""
    each = np.full(int(blocks.sum()), BLOCK)
    each[np.cumsum(blocks) - 1] = lengths - (blocks - 1) * BLOCK
    return each


def spans_of(lengths: Places, blocks: Places) -> Iterator[tuple[int, int]]:
    """Where each column begins and ends among all blocks; behind its end there may be filling."""
    firsts = (np.cumsum(blocks) - blocks) * BLOCK
    return zip(firsts.tolist(), (firsts + lengths).tolist(), strict=True)


def grouped(blocks: Places, bits: Places) -> list[tuple[int, int, Places]]:
    """(blocks, bits, places) of the columns that have as many of both."""
    found: dict[tuple[int, int], list[int]] = {}
    for place, pair in enumerate(zip(blocks.tolist(), bits.tolist(), strict=True)):
        found.setdefault(pair, []).append(place)
    return [(*pair, np.array(places)) for pair, places in found.items()]


def last_blocks(k: Places, lengths: Places, blocks: Places) -> Iterator[tuple[int, int, int, int]]:
    """Of the bits told of each column's blocks: (the first, the last block's first, where they end, its bytes each)."""
    lasts = np.cumsum(blocks) - 1
    ends = np.cumsum(k)[lasts]
    sizes = -(-(lengths - (blocks - 1) * BLOCK) // 8)
    return zip([0, *ends.tolist()], (ends - k[lasts]).tolist(), ends.tolist(), sizes.tolist(), strict=False)


def by_parameter(k: Places, most: int) -> tuple[npt.NDArray[np.intp], list[int]]:
    """(blocks, those of the largest first; of how many of them bit 0, bit 1 ... is told)."""
    order = np.argsort(-k, kind="stable")
    return order, np.searchsorted(-k[order], -np.arange(most)).tolist()


def told_planes(k: Places, most: int) -> Flags:
    """Which bits of the blocks' residuals are told."""
    # Most blocks tell far fewer bits than the one that tells most: bytes are looked at where there are any.
    told: Flags = np.arange(most) < k[:, None]
    return told
