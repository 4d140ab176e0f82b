"""Rice codes back to residuals (``store.blocks.rice`` draws them). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from store.blocks.pressing import Damaged
from store.blocks.rice import (
    BLOCK,
    COUNT,
    LONGEST,
    Narrow,
    Places,
    Words,
    by_parameter,
    grouped,
    in_each,
    last_blocks,
    spans_of,
    told_planes,
)

NONE = np.zeros(0, np.uint64)


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


def _narrowest(code: bytes) -> str:
    """The type that holds all residuals which these codes may tell."""
    least, more, besides = code[:3]
    bits = least + (1 << more) - 1 + max(8 * besides, LONGEST.bit_length())
    return "u2" if bits <= 16 else "u4" if bits <= 32 else "u8"


def _decoded(codes: Sequence[bytes], lengths: Places, narrow: np.dtype[Any]) -> list[npt.NDArray[Any]]:
    blocks = -(-lengths // BLOCK)
    counts = in_each(lengths, blocks)
    heads = np.frombuffer(b"".join(code[:3] for code in codes), np.uint8).reshape(-1, 3).astype(np.int64)
    firsts = np.cumsum(blocks) - blocks
    k, begins = np.repeat(heads[:, 0], blocks), 3 + COUNT * (heads[:, 2] > 0)
    sizes = -(-blocks * heads[:, 1] // 8)
    for many, bits, places in grouped(blocks, heads[:, 1]):
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
        for (begin, end), first, last in zip(spans_of(lengths, blocks), [0, *ends], ends, strict=False):
            flat[begin:end] = high[first:last]
    words |= np.left_shift(spread, k.astype(narrow)[:, None], out=spread)
    flat = words.reshape(-1)
    return [flat[begin:end] for begin, end in spans_of(lengths, blocks)]


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
    told = told_planes(k, most)
    some = np.zeros((int(k.sum()), BLOCK // 8), np.uint8)
    for data, (first, last, end, size) in zip(lowest, last_blocks(k, lengths, blocks), strict=True):
        whole = (last - first) * BLOCK // 8
        some[first:last] = np.frombuffer(data, np.uint8, whole).reshape(-1, BLOCK // 8)
        some[last:end, :size] = np.frombuffer(data, np.uint8, (end - last) * size, whole).reshape(-1, size)
    words = np.zeros(told.shape, np.uint64)
    words[told] = some.view(np.uint64).reshape(-1)
    order, held = by_parameter(k, most)
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
