"""Bytes back to columns; ``store.blocks.coding`` draws them. Pure.

Many columns of equally many rows are read together: what numpy takes for one call is as much as for hundreds of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from store.blocks.coding import (
    BITS,
    CONSTANT,
    HOLES,
    INTEGERS,
    NAN,
    ORDER,
    PRESSED,
    RICED,
    SPARSE,
)
from store.blocks.planes import united
from store.blocks.pressing import Damaged, unpressed
from store.blocks.rice import Narrow, Words
from store.blocks.rice_decoding import decoded
from store.blocks.scaled import RAW, TENS, Floats, Integers, Scaled
from store.blocks.spots import COUNTS, LENGTH, SPOTTED, spotted

Entry = Sequence[int]
"""What a directory says of a column: form, width, decimals, shift, and what else."""
Column = tuple[Entry, bytes]
"""(entry, payload)."""
Present = npt.NDArray[np.bool_] | None
"""Which rows have a reading; None when all do."""
Spots = tuple[int, bytes]
"""(how many residuals are not zero, codes of the gaps before them)."""
SPARSE_ONES = -1
"""Columns that are not undone by their width."""
COUNTED = INTEGERS | PRESSED | 3 << ORDER | SPARSE | RICED
"""The forms that are undone many at once: integers without holes."""
WORD = 8


def floats(entry: Entry, payload: bytes, rows: int) -> Floats:
    """The numbers of a column; raises ``Damaged``."""
    form, width, decimals, shift = entry[:4]
    what = form & 3
    if what == CONSTANT:
        return np.full(rows, np.frombuffer(payload, "<u8", 1)[0], np.uint64).view(np.float64)
    if what == INTEGERS:
        present, whole = _whole(form, width, shift, payload, rows)
        numbers = whole.astype(np.float64)
        if decimals:
            numbers /= TENS[decimals]
    elif what == BITS:
        present, words = _residuals(form, width, payload, rows)
        numbers = np.bitwise_xor.accumulate(words).view(np.float64)
    else:
        present, places, words = _dictionary(form, width, payload, rows)
        numbers = words[places].view(np.float64)
    if present is None:
        return numbers
    spread = np.full(rows, NAN, np.uint64)
    spread[present] = numbers.view(np.uint64)
    return spread.view(np.float64)


def integers(entry: Entry, payload: bytes, rows: int) -> Integers:
    """The integers of a column of integers; raises ``Damaged``."""
    form, width, decimals, shift = entry[:4]
    if form & 3 == CONSTANT:
        return np.full(rows, np.frombuffer(payload, "<i8", 1)[0], np.int64)
    return _whole(form, width, shift, payload, rows)[1] * np.int64(10**decimals)


def all_floats(columns: Sequence[Column], rows: int) -> Floats:
    """A matrix of which each row is the numbers of a column; raises ``Damaged``."""
    return all_scaled(columns, rows).floats()


def all_scaled(columns: Sequence[Column], rows: int) -> Scaled:
    """The same as the integers that were coded; raises ``Damaged``."""
    found, tens = np.empty((len(columns), rows), np.int64), np.full(len(columns), RAW)
    counted, others = _by_order(columns, found.view(np.uint64))
    for place in others:
        found[place] = floats(*columns[place], rows).view(np.int64)
    for places, whole in _all_whole(counted, columns, rows):
        found[places] = whole
        tens[places] = [columns[place][0][2] for place in places]
    return Scaled(found, tens)


def all_integers(columns: Sequence[Column], rows: int) -> Integers:
    """A matrix of which each row is the integers of a column of integers; raises ``Damaged``."""
    found = np.empty((len(columns), rows), np.int64)
    counted, others = _by_order(columns, found.view(np.uint64))
    for place in others:
        found[place] = integers(*columns[place], rows)
    for places, whole in _all_whole(counted, columns, rows):
        found[places] = whole * np.array([10 ** columns[place][0][2] for place in places])[:, None]
    return found


def _by_order(columns: Sequence[Column], words: Words) -> tuple[dict[int, list[int]], list[int]]:
    """(integers without holes by order, all others) but for constants, which are written to ``words`` at once."""
    counted: dict[int, list[int]] = {}
    others = []
    for place, (entry, payload) in enumerate(columns):
        form = entry[0]
        if form & 3 == INTEGERS and not form & ~COUNTED:
            counted.setdefault(form >> ORDER & 3, []).append(place)
        elif form == CONSTANT and len(payload) == WORD:
            words[place] = int.from_bytes(payload, "little")
        else:
            others.append(place)
    return counted, others


def _all_whole(
    counted: Mapping[int, Sequence[int]], columns: Sequence[Column], rows: int
) -> Iterator[tuple[Sequence[int], Integers]]:
    """(places, integers) of the columns of each order, none of which has holes."""
    read = {order: [_opened(order, *columns[place], rows) for place in places] for order, places in counted.items()}
    riced = [
        (rows - 1 if order else rows, columns[place][0], body)
        for order, places in counted.items()
        for place, (_, _, body) in zip(places, read[order], strict=True)
        if columns[place][0][0] & RICED
    ]
    parted = [_split(entry[0], entry[1], body, count, 0) for count, entry, body in riced]
    codes = iter(_from_codes([one[1] for one in parted], [one[2] for one in parted], [one[3] for one in parted]))
    for order, places in counted.items():
        told = [next(codes) if columns[place][0][0] & RICED else None for place in places]
        # Codes tell how wide what they hold may be; all else is seldom in long columns, and as wide as it may be.
        wide = any(one is None or one.itemsize == WORD for one in told)
        residuals = np.empty((len(places), rows - 1 if order else rows), np.uint64 if wide else np.uint32)
        alike: dict[int, list[int]] = {}
        for at, (place, one) in enumerate(zip(places, told, strict=True)):
            form, width = columns[place][0][:2]
            if one is not None:
                residuals[at] = one
            else:
                alike.setdefault(SPARSE_ONES if form & SPARSE else width, []).append(at)
        for width, some in alike.items():
            bodies = [read[order][at][2] for at in some]
            if width == SPARSE_ONES:
                widths = [columns[places[at]][0][1] for at in some]
                residuals[some] = _all_spread(bodies, widths, residuals.shape[1])
            else:
                residuals[some] = _all_unplaned(bodies, width, residuals.shape[1])
        bases = np.array([one[:2] for one in read[order]], np.int64)
        whole = _undone(order, residuals, bases[:, :1], bases[:, 1:])
        shifts = [columns[place][0][3] for place in places]
        if any(shifts):
            whole <<= np.array(shifts)[:, None]
        yield places, whole


def _opened(order: int, entry: Entry, payload: bytes, rows: int) -> tuple[int, int, bytes]:
    """(base, second base, body) of integers; the body of codes as it is."""
    slope = 0
    base, start = _base(payload, 0)
    if order == 1:
        slope, start = _base(payload, start)
    body = payload[start:]
    return base, slope, unpressed(body, _most(rows)) if entry[0] & (PRESSED | RICED) == PRESSED else body


def _undone(order: int, residuals: Narrow, base: Integers | np.int64, slope: Integers | np.int64) -> Integers:
    """The integers behind residuals, along the last axis."""
    if order == 0:
        whole = residuals.astype(np.int64)
        whole += base
        return whole
    whole = np.empty((*residuals.shape[:-1], residuals.shape[-1] + 1), np.int64)
    whole[..., :1] = base
    steps = whole[..., 1:]
    if order == 1:
        np.add(_unzigzag(residuals), slope, out=steps)
    else:
        np.cumsum(_unzigzag(residuals), axis=-1, dtype=np.int64, out=steps)
    return np.cumsum(whole, axis=-1, out=whole)


def _unzigzag(words: Narrow) -> Any:
    signed, one = np.dtype(f"i{words.itemsize}"), words.dtype.type(1)
    signs = (words & one).view(signed)
    np.negative(signs, out=signs)
    signs ^= (words >> one).view(signed)
    return signs


def _base(payload: bytes, start: int) -> tuple[int, int]:
    end = start + 1 + payload[start]
    return int.from_bytes(payload[start + 1 : end], "little", signed=True), end


def _most(rows: int) -> int:
    """The longest body of integers."""
    return rows * 8 + rows // 4 + 2


def _whole(form: int, width: int, shift: int, payload: bytes, rows: int) -> tuple[Present, Integers]:
    order = form >> ORDER & 3
    base, start = _base(payload, 0)
    slope = 0
    if order == 1:
        slope, start = _base(payload, start)
    present, residuals = _residuals(form, width, payload[start:], rows, fewer=1 if order else 0)
    whole = _undone(order, residuals, np.int64(base), np.int64(slope))
    return present, whole << shift if shift else whole


def _residuals(form: int, width: int, body: bytes, rows: int, fewer: int = 0, words: int = 0) -> tuple[Present, Words]:
    """(which rows have a reading, the residuals), ``fewer`` than rows, after so many ``words`` of a dictionary."""
    if form & RICED:
        present, count, there, codes = _split(form, width, body, rows, fewer)
        return present, _from_codes([count], [there], [codes])[0].astype(np.uint64)
    if form & PRESSED:
        body = unpressed(body, _most(rows) + words * 8)
    present, count = None, rows
    if form & HOLES:
        size = -(-rows // 8)
        present = np.unpackbits(np.frombuffer(body, np.uint8, size), count=rows).astype(bool)
        count = int(present.sum())
        body = body[size:]
    body = body[words * 8 :]
    count -= fewer
    if form & SPARSE:
        return present, _all_spread([body], [width], count)[0]
    return present, _all_unplaned([body], width, count)[0]


def _split(form: int, width: int, body: bytes, rows: int, fewer: int) -> tuple[Present, int, Present | Spots, bytes]:
    """(which rows have a reading, how many residuals there are, which of them are not zero, codes)."""
    if not form & (PRESSED | HOLES | SPARSE):
        return None, rows - fewer, None, body
    head, codes = body, b""
    if form & PRESSED:
        (size,) = LENGTH.unpack_from(body)
        head, codes = unpressed(body[LENGTH.size : LENGTH.size + size], rows // 4 + 2), body[LENGTH.size + size :]
    present, there, count, at = None, None, rows, 0
    if form & HOLES:
        present = np.unpackbits(np.frombuffer(head, np.uint8, -(-rows // 8)), count=rows).view(bool)
        count, at = int(np.count_nonzero(present)), -(-rows // 8)
    count -= fewer
    if form & SPARSE and width == SPOTTED:
        codes = codes if form & PRESSED else head[at:]
        many, size = COUNTS.unpack_from(codes)
        end = COUNTS.size + size
        return present, count, (many, codes[COUNTS.size : end]), codes[end:]
    if form & SPARSE:
        there = np.unpackbits(np.frombuffer(head, np.uint8, -(-count // 8), at), count=count).view(bool)
        at += -(-count // 8)
    return present, count, there, codes if form & PRESSED else head[at:]


def _from_codes(
    counts: Sequence[int], there: Sequence[Present | Spots], codes: Sequence[bytes]
) -> list[npt.NDArray[Any]]:
    """So many residuals of each column, zeros where they are not there."""
    if not codes:
        return []
    # Gaps are codes too, of as many numbers as follow them.
    spots = [some for some in there if isinstance(some, tuple)]
    told = [
        count if some is None else some[0] if isinstance(some, tuple) else int(np.count_nonzero(some))
        for count, some in zip(counts, there, strict=True)
    ]
    every = decoded([*codes, *(one for _, one in spots)], [*told, *(many for many, _ in spots)])
    found, gaps = every[: len(codes)], iter(every[len(codes) :])
    pairs = zip(counts, there, strict=True)
    places = [spotted(next(gaps), count) if isinstance(some, tuple) else some for count, some in pairs]
    for place, some in enumerate(places):
        if some is not None:
            spread = np.zeros(counts[place], found[place].dtype)
            spread[some] = found[place]
            found[place] = spread
    return found


def _all_spread(bodies: Sequence[bytes], widths: Iterable[int], count: int) -> Words:
    """The residuals of bodies that hold those that are not zero alone."""
    size = -(-count // 8)
    bitmaps = np.frombuffer(b"".join(body[:size] for body in bodies), np.uint8).reshape(-1, size)
    there = np.unpackbits(bitmaps, axis=1, count=count).view(bool)
    spread = np.zeros(there.shape, np.uint64)
    held = np.count_nonzero(there, axis=1).tolist()
    kept: list[npt.NDArray[Any]] = []
    for body, width, few in zip(bodies, widths, held, strict=True):
        if width == 1 and len(body) == size + few:
            kept.append(np.frombuffer(body, np.uint8, few, size))
        else:
            kept.append(_all_unplaned([body[size:]], width, few)[0])
    spread[there] = np.concatenate(kept)
    return spread


def _all_unplaned(bodies: Sequence[bytes], width: int, count: int) -> Words:
    """The residuals of bodies of one width."""
    for body in bodies:
        if len(body) != count * width:
            raise Damaged(f"a column of {len(body)} bytes where {count * width} should be")
    if not width:
        return np.zeros((len(bodies), count), np.uint64)
    planes = np.frombuffer(bodies[0] if len(bodies) == 1 else b"".join(bodies), np.uint8)
    return united(planes.reshape(len(bodies), width, count).transpose(1, 0, 2)).astype(np.uint64)


def _dictionary(form: int, width: int, payload: bytes, rows: int) -> tuple[Present, Words, Words]:
    count = int.from_bytes(payload[:2], "little") + 1
    body = payload[2:]
    if form & PRESSED:
        body = unpressed(body, rows * 8 + rows // 8 + 1 + count * 8)
    start = -(-rows // 8) if form & HOLES else 0
    planes = np.frombuffer(body, np.uint8, count * 8, start)
    words = np.ascontiguousarray(planes.reshape(8, count).T).view("<u8").reshape(count)
    present, places = _residuals(form & ~PRESSED, width, body, rows, words=count)
    return present, places, words.astype(np.uint64)
