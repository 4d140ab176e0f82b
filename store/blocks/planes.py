"""Residuals by planes: the lowest byte of each, then the next; a bitmap in place of zeros if most are. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from store.blocks.rice import Narrow, Words

LIMITS, SIZES = np.array([0, 0xFF, 0xFFFF, 0xFFFFFFFF], np.uint64), (0, 1, 2, 4, 8)
"""The largest residuals of each width but the last."""
WIDEST = SIZES[-1]
"""Shifting bytes apart and together is faster than picking them, but for so many."""
Bytes = npt.NDArray[np.uint8]
SPARSE_SHARE = 0.6
"""So many residuals have to be zero for a bitmap to be worth its room."""
LOOKED_AT, LIKELY = 1024, 0.55
"""Of so many residuals no more than this share may be other than zero, else it is not looked at all of them."""


class Body(NamedTuple):
    """Residuals by planes: whether most are zero, the bitmap then, and what is told of them."""

    sparse: bool
    bitmap: bytes
    width: int
    planes: bytes
    told: Narrow


def by_planes(residuals: Narrow) -> list[Body]:
    """Those of each row: a bitmap and residuals without zeros if most of them are."""
    count = residuals.shape[1]
    found = [Body(False, b"", 0, b"", residuals[:0, 0])] * len(residuals)
    # To count what is not zero costs as much as all else: where a few say that most is not, it is not counted.
    few = residuals[:, _here_and_there(count)] if count >= 2 * LOOKED_AT else residuals
    likely = np.flatnonzero(np.count_nonzero(few, axis=1) <= few.shape[1] * LIKELY)
    there = residuals[likely] != 0
    held = np.count_nonzero(there, axis=1)
    fits = (held > 0) & (held <= count * (1 - SPARSE_SHARE))
    places, there, held = likely[fits], there[fits], held[fits]
    widths = np.array(SIZES)[np.searchsorted(LIMITS, residuals.max(axis=1, initial=0))]
    dense = widths.copy()
    dense[places] = -1
    for width in set(dense.tolist()) - {-1}:
        alike = np.flatnonzero(dense == width)
        some = residuals if len(alike) == len(residuals) else residuals[alike]
        narrow = some.astype(f"<u{max(width, 1)}", copy=False)
        planes, size = _planed(narrow, width), count * width
        for at, place in enumerate(alike.tolist()):
            found[place] = Body(False, b"", width, planes[at * size : at * size + size], narrow[at])
    bitmaps, size = np.packbits(there, axis=1).tobytes(), -(-count // 8)
    kept, end = residuals[places][there], 0
    for at, place in enumerate(places.tolist()):
        start, end, width = end, end + int(held[at]), int(widths[place])
        narrow = kept[start:end].astype(f"<u{width}")
        found[place] = Body(True, bitmaps[at * size : at * size + size], width, _planed(narrow[None, :], width), narrow)
    return found


def _here_and_there(count: int) -> npt.NDArray[np.intp]:
    """Places all over so many residuals, at no regular distance: what changes each so many rows is no surprise."""
    places = np.arange(LOOKED_AT)
    return places * count // LOOKED_AT + places * 5 % (count // LOOKED_AT)


def in_planes(residuals: Words) -> tuple[int, bytes]:
    """(width, bytes by planes) of the residuals."""
    width = SIZES[int(np.searchsorted(LIMITS, residuals.max(initial=0)))]
    return width, _planed(residuals[None, :], width)


def apart(residuals: npt.NDArray[Any], into: Bytes) -> None:
    """Write the lowest byte of each to the first plane of ``into``, the next one to the second ..."""
    narrow = residuals.astype(f"<u{len(into)}", copy=False)
    if len(into) == WIDEST:
        into[:] = narrow.view(np.uint8).reshape(*residuals.shape, WIDEST).transpose(2, 0, 1)
        return
    for place in range(len(into)):
        byte = narrow >> narrow.dtype.type(8 * place) if place else narrow
        np.copyto(into[place], byte, casting="unsafe")


def united(planes: Bytes) -> npt.NDArray[Any]:
    """The residuals of planes, the first of which holds the lowest bytes."""
    width = len(planes)
    if width == 1:
        return planes[0]  # type: ignore[no-any-return]
    if width == WIDEST:
        return np.ascontiguousarray(planes.transpose(1, 2, 0)).view("<u8")[..., 0]
    found: npt.NDArray[Any] = planes[-1].astype(f"<u{width}")
    for plane in planes[-2::-1]:
        found <<= found.dtype.type(8)
        found |= plane
    return found


def _planed(residuals: npt.NDArray[Any], width: int) -> bytes:
    """The bytes by planes of each row, one row after the other."""
    if not width:
        return b""
    if width == residuals.itemsize == 1:
        return residuals.tobytes()
    found = np.empty((len(residuals), width, residuals.shape[1]), np.uint8)
    apart(residuals, found.transpose(1, 0, 2))
    return found.tobytes()
