"""A part of any version from its bytes; sheets (``store.blocks.sheets`` draws them) are read here. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby
from zlib import crc32

import numpy as np

from store.blocks.coding import BITS, HOLES, NAN, ORDER
from store.blocks.parts import CRC, HEAD, META, SIZE, Part, Read
from store.blocks.planes import SIZES, WIDEST, Bytes, united
from store.blocks.pressing import Damaged, unpressed
from store.blocks.scaled import RAW, TENS, Floats, Integers, Scaled
from store.blocks.sheets import AT_ONCE, BAND_ENTRY, ENTRY, VERSION, WIDTHS, Present

EVERY_WIDTH, EVERY_DECIMALS = bytes(SIZES), bytes(range(len(TENS)))
FEW = 4
"""So many columns are read one by one."""


def opened(read: Read, columns: int) -> Part:
    """A part of any version that has so many columns; raises ``Damaged``."""
    return Sheet(read, columns) if read(0, 1) == bytes((VERSION,)) else Part(read, columns)


class Sheet(Part):
    """A part of this version, of which only the bands are read that are asked for."""

    def __init__(self, read: Read, columns: int) -> None:
        """``columns`` is how many it has, as the index of the file says."""
        self._read = read
        start = HEAD.size + CRC.size + SIZE.size
        head = read(0, start + columns * ENTRY)
        if len(head) < start:
            raise Damaged("a part that ends within its head")
        version, self.what, found, self.rows = HEAD.unpack_from(head)
        at = start + SIZE.unpack_from(head, start - SIZE.size)[0]
        head = head[:at] if len(head) >= at else read(0, at)
        checksum = crc32(head[HEAD.size + CRC.size :], crc32(head[: HEAD.size]))
        if version != VERSION or found != columns or checksum != CRC.unpack_from(head, HEAD.size)[0]:
            raise Damaged("the checksum of a table does not hold")
        table = unpressed(head[start:], columns * (ENTRY + BAND_ENTRY.size))
        listed = table[columns * ENTRY :]
        if len(table) < columns * ENTRY or len(listed) % BAND_ENTRY.size:
            raise Damaged(f"a table of {len(table)} bytes for {columns} columns")
        self._forms, self._widths, self._decimals = (table[at : at + columns] for at in range(0, 3 * columns, columns))
        if self._widths.translate(None, EVERY_WIDTH) or self._decimals.translate(None, EVERY_DECIMALS):
            raise Damaged("a column of a width or of decimals that cannot be")
        words = np.frombuffer(table, np.uint8, 16 * columns, 3 * columns).reshape(2, 8, columns).transpose(0, 2, 1)
        self._bases, self._firsts = np.ascontiguousarray(words).view("<i8").reshape(2, columns)
        self._holed = [column for column, form in enumerate(self._forms) if form & HOLES]
        self._raw = {column for column, form in enumerate(self._forms) if form & HOLES or form & 3 == BITS}
        self._begins = [0]
        """Where each band begins among the columns, and the last one ends."""
        self._listed = []
        for held, length, checksum in BAND_ENTRY.iter_unpack(listed):
            self._begins.append(self._begins[-1] + held)
            self._listed.append((at, length, checksum))
            at += length
        self.size = at
        if self._begins[-1] != columns:
            raise Damaged(f"bands of {self._begins[-1]} columns where {columns} should be")
        self._open: dict[int, bytes] = {}

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return len(self._forms)

    def integers(self, column: int) -> Integers:
        """A column of integers."""
        whole = self._one(column)
        whole *= 10 ** self._decimals[column]
        return whole

    def floats(self, column: int) -> Floats:
        """A column of numbers."""
        return self._numbers(column, self._one(column))

    def all_floats(self, columns: Sequence[int]) -> Floats:
        """Several columns of numbers, a row of the matrix each."""
        if len(columns) <= FEW:
            return np.array([self.floats(column) for column in columns], np.float64).reshape(len(columns), self.rows)
        return self.scaled(columns).floats()

    def scaled(self, columns: Sequence[int]) -> Scaled:
        """The same as integers."""
        return self._scaled(columns, self.whole(columns))

    def _scaled(self, columns: Sequence[int], whole: Integers) -> Scaled:
        tens = np.frombuffer(self._decimals, np.uint8)[np.array(columns, np.intp)].astype(np.int64)
        if self._raw:
            for at, column in enumerate(columns):
                if column in self._raw:
                    whole[at], tens[at] = self._numbers(column, whole[at]).view(np.int64), RAW
        return Scaled(whole, tens)

    def samples(self, metrics: slice) -> tuple[Integers, Scaled]:
        """When and by whom, and the numbers of some metrics, of which the first ones are read along with it."""
        if metrics.start:
            return super().samples(metrics)
        columns = range(self.columns)[: None if metrics.stop is None else META + metrics.stop]
        return self._samples(self.whole(columns))

    def _samples(self, whole: Integers) -> tuple[Integers, Scaled]:
        """The same of the integers of the first columns."""
        told = whole[:META] * 10 ** np.frombuffer(self._decimals, np.uint8, META).astype(np.int64)[:, None]
        return told, self._scaled(range(META, len(whole)), whole[META:])

    def whole(self, columns: Sequence[int]) -> Integers:
        """The integers of several columns; where there is no reading, those of a neighbour."""
        found = np.empty((len(columns), self.rows), np.int64)
        if len(columns) == self.columns and columns == range(self.columns):
            _undone(self.pieces(), found)
            return found
        places = np.array(columns, np.intp)
        for band in sorted({self._band(column) for column in columns}):
            first, end = self._begins[band], self._begins[band + 1]
            at = np.flatnonzero((places >= first) & (places < end))
            if len(at) == end - first and (places[at] == np.arange(first, end)).all():
                _undone([(self, band)], found[at[0] : at[-1] + 1])
            else:
                every = np.empty((end - first, self.rows), np.int64)
                _undone([(self, band)], every)
                found[at] = every[places[at] - first]
        return found

    def pieces(self) -> list[tuple[Sheet, int]]:
        """Each of its bands."""
        return [(self, band) for band in range(len(self._listed))]

    def verify(self) -> None:
        """Read all of it."""
        for band in range(len(self._listed)):
            self._opened(band)

    def let_go(self) -> None:
        """Forget what was unpacked: all of it was read, and it is several times what it is as it stands."""
        self._open.clear()

    def planes(self, band: int) -> Iterator[tuple[int, Bytes]]:
        """(width, planes of its columns) for each width that columns of a band have."""
        data, at = self._opened(band)
        first, end = self._begins[band], self._begins[band + 1]
        for width in WIDTHS:
            many = self._widths.count(width, first, end)
            if many:
                size = width * many * self.rows
                yield width, np.frombuffer(data, np.uint8, size, at).reshape(width, many, self.rows)
                at += size

    def entries(self, band: int) -> tuple[bytes, bytes, Integers, Integers]:
        """(forms, widths, bases, first integers) of the columns of a band."""
        of = slice(self._begins[band], self._begins[band + 1])
        return self._forms[of], self._widths[of], self._bases[of], self._firsts[of]

    def _numbers(self, column: int, whole: Integers) -> Floats:
        """The numbers of a column from its integers."""
        form, decimals = self._forms[column], self._decimals[column]
        if form & 3 == BITS:
            found = whole.view(np.float64)
        else:
            found = whole.astype(np.float64)
            if decimals:
                found /= TENS[decimals]
        if form & HOLES:
            found.view(np.uint64)[~self._present(column)] = NAN
        return found

    def _one(self, column: int) -> Integers:
        """The integers of a column."""
        band, width, rows = self._band(column), self._widths[column], self.rows
        first, end = self._begins[band], self._begins[band + 1]
        data, at = self._opened(band)
        if width:
            for narrower in WIDTHS[: WIDTHS.index(width)]:
                at += narrower * rows * self._widths.count(narrower, first, end)
            place, many = self._widths.count(width, first, column), self._widths.count(width, first, end)
            planes = np.frombuffer(data, np.uint8, width * many * rows, at).reshape(width, many, rows)
            found: Integers = united(planes[:, place : place + 1])[0].astype(np.int64)
            found += self._bases[column]
        else:
            found = np.full(rows, self._bases[column])
        if self._forms[column] & 1 << ORDER:
            found[0] = self._firsts[column]
            np.cumsum(found, out=found)
        return found

    def _band(self, column: int) -> int:
        return bisect_right(self._begins, column, 1) - 1

    def _holed_between(self, first: int, end: int) -> int:
        """How many of these columns have holes."""
        return bisect_left(self._holed, end) - bisect_left(self._holed, first)

    def _opened(self, band: int) -> tuple[bytes, int]:
        """(what is in a band, where in it the residuals begin)."""
        first, end, size = self._begins[band], self._begins[band + 1], -(-self.rows // 8)
        holed = self._holed_between(first, end)
        data = self._open.get(band)
        if data is None:
            at, length, checksum = self._listed[band]
            told = self._read(at, length)
            if len(told) != length or crc32(told) != checksum:
                raise Damaged(f"the checksum of band {band} does not hold")
            most = sum(width * self._widths.count(width, first, end) for width in WIDTHS) * self.rows + holed * size
            data = unpressed(told, most) if length else b""
            if len(data) != most:
                raise Damaged(f"a band of {len(data)} bytes where {most} should be")
            self._open[band] = data
        return data, holed * size

    def _present(self, column: int) -> Present:
        band, size = self._band(column), -(-self.rows // 8)
        place = self._holed_between(self._begins[band], column)
        bitmap = np.frombuffer(self._opened(band)[0], np.uint8, size, place * size)
        return np.unpackbits(bitmap, count=self.rows).view(np.bool_)


def samples_of(parts: Sequence[Part], metrics: slice) -> Iterator[tuple[Integers, Scaled]]:
    """As ``Part.samples`` of each. Sheets of equally many rows are read together, which takes far less time."""
    for rows, some in groupby(parts, lambda part: part.rows if isinstance(part, Sheet) else -1):
        waiting: list[Sheet] = []
        held = 0
        for part in some:
            if (
                not isinstance(part, Sheet)
                or metrics.start
                or (part.columns if metrics.stop is None else metrics.stop) + META < part.columns
            ):
                yield part.samples(metrics)
                continue
            if waiting and (held + part.columns) * rows > AT_ONCE:
                yield from _samples_of(waiting, held, rows)
                waiting, held = [], 0
            waiting.append(part)
            held += part.columns
        if waiting:
            yield from _samples_of(waiting, held, rows)


def _samples_of(sheets: Sequence[Sheet], columns: int, rows: int) -> Iterator[tuple[Integers, Scaled]]:
    whole = np.empty((columns, rows), np.int64)
    _undone([piece for sheet in sheets for piece in sheet.pieces()], whole)
    end = 0
    for sheet in sheets:
        first, end = end, end + sheet.columns
        made = sheet._samples(whole[first:end])
        sheet.let_go()
        yield made


def _undone(pieces: Sequence[tuple[Sheet, int]], found: Integers) -> None:
    """Write the integers of all columns of these bands to ``found``, one below the other."""
    if not pieces:
        return
    entries = [sheet.entries(band) for sheet, band in pieces]
    forms, widths = (np.frombuffer(b"".join(of), np.uint8) for of in list(zip(*entries, strict=True))[:2])
    bases, firsts = (np.concatenate(of) for of in list(zip(*entries, strict=True))[2:])
    planes: dict[int, list[Bytes]] = {}
    for sheet, band in pieces:
        for width, some in sheet.planes(band):
            planes.setdefault(width, []).append(some)
    found[(widths == 0).nonzero()[0]] = 0
    for width, of_it in planes.items():
        residuals = united(np.concatenate(of_it, axis=1) if len(of_it) > 1 else of_it[0])
        found[(widths == width).nonzero()[0]] = residuals if width < WIDEST else residuals.view(np.int64)
    found += bases[:, None]
    ordered = (forms & 1 << ORDER).nonzero()[0]
    if len(ordered):
        steps = found[ordered]
        steps[:, 0] = firsts[ordered]
        found[ordered] = np.cumsum(steps, axis=1, out=steps)
