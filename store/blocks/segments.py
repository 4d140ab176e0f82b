"""A file of parts: written once, whole or not at all, and never changed.

    offset size  field
         0    4  magic "GSEG"
         4    1  version, 1
         5    3  zero
         8       parts (``store.blocks.parts``), back to back
         i    n  the index: a zstd frame without magic number
       i+n    8  where the index begins, i
      i+n+8   4  how long it is, n
     i+n+12   4  CRC-32 of the index and of the 12 bytes before
     i+n+16   4  magic "GEND"

little-endian. The **index** is msgpack: ``[kind, tier, start, end, parts, layouts, sources]``. ``start`` and ``end``
(ns, the end not included) are the time that the file speaks for. A part is ``[subject, source, subject as on the wire,
layout, values, what, columns, rows, first, last, offset, length]``, sorted by subject; ``what`` is as in the part,
``first`` and ``last`` are times. ``layouts`` maps ids to names. ``sources`` are the partitions of rows that went into
it, ``[start, time of the last change, transaction]`` each: what a later transaction brought is not in it.

The name is ``<YYYYMMDDTHH>.<span>``, the span being ``1h``, ``1d`` or ``1mo``. It is written beside its place, synced,
read again, and then given its name: nobody ever sees half of one.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from zlib import crc32

from bus import failpoints
from bus.folder import sync_folder
from store.blocks.listing import Index, Place, Places, packed_index, read_index
from store.blocks.opening import opened
from store.blocks.parts import ROLLUP, Part
from store.blocks.pressing import Damaged, Newer, pressed, unpressed

MAGIC, END = b"GSEG", b"GEND"
VERSION = 1
HEAD = MAGIC + bytes((VERSION, 0, 0, 0))
TRAILER = struct.Struct("<QII4s")
MOST_INDEX = 2**30
PAGE = 4096
DEEP = 4
"""So many folders above a file may have been made for it: ``store/blocks/sample/raw``."""
NEW = ".new"
"""The end of the name of a file that is being written."""


class Segment:
    """An open file. Opening and reading raise ``OSError``, or ``Damaged`` for bytes that changed or cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.identity = 0, 0
        """Inode and time of the last change, as whoever opened it saw them."""
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.bytes = os.fstat(self._file).st_size
            self.index, self._places = self._index()
        except BaseException:
            self.close()
            raise

    def subjects(self) -> list[str]:
        """Whose parts are here, by name."""
        return self._places.subjects()

    def places(self, subject: str) -> list[Place]:
        """The parts of a subject."""
        return self._places.of(subject)

    def part(self, place: Place) -> Part:
        """A part of this file; raises ``Damaged`` when it is not what the index says."""

        return part_in(self._file, place)

    def raw(self, place: Place) -> bytes:
        """A part's bytes as they stand; zeros for pages that the disk does not read."""
        try:
            return _read(self._file, place.length, place.offset)
        except Damaged:
            return b"".join(_page(self._file, *piece) for piece in _pieces(place.offset, place.length))

    def verify(self) -> list[str]:
        """Read everything; a sentence for each part that is not as it was written."""
        return [wrong for wrong in map(self.wrong, self.index.parts) if wrong]

    def wrong(self, place: Place) -> str:
        """Read all of a part; what is not as it was written, in a sentence, empty when all of it is."""
        try:
            part = self.part(place)
            part.verify()
            if part.size != place.length:
                raise Damaged("it is not as long as the index says")
        except Damaged as error:
            return f"{self.path}: {place.subject}: {error}"
        return ""

    def close(self) -> None:
        """Give the file back; twice is no fault."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __del__(self) -> None:
        if getattr(self, "_file", -1) >= 0:
            self.close()

    def _index(self) -> tuple[Index, Places]:
        trailer = _read(self._file, TRAILER.size, max(0, self.bytes - TRAILER.size))
        head = _read(self._file, len(HEAD), 0)
        if head[:4] == MAGIC and head[4:5] > HEAD[4:5]:
            raise Newer(f"{self.path} is of version {head[4]}, this Guardia reads up to {VERSION}")
        if len(trailer) < TRAILER.size or head != HEAD:
            raise Damaged(f"{self.path} does not begin as a file of blocks" if head else f"{self.path} is empty")
        at, size, checksum, end = TRAILER.unpack(trailer)
        if end != END or at + size + TRAILER.size != self.bytes:
            raise Damaged(f"{self.path} does not end as it was written")
        data = _read(self._file, size, at)
        if crc32(trailer[:12], crc32(data)) != checksum:
            raise Damaged(f"{self.path}: the checksum of the index does not hold")
        listed = unpressed(data, MOST_INDEX)
        self.listed = len(listed)
        """How many bytes of memory its index takes."""
        return read_index(listed)


def part_in(file: int, place: Place) -> Part:
    """A part of an open file; raises ``Damaged`` when it is not what its index says."""

    def read(offset: int, length: int) -> bytes:
        return _read(file, max(0, min(length, place.length - offset)), place.offset + offset)

    part = opened(read, place.columns)
    if (part.rows, part.what) != (place.rows, place.what):
        raise Damaged("it is not what the index says")
    return part


def _read(file: int, length: int, offset: int) -> bytes:
    """Bytes of a file; raises ``Damaged`` where the disk does not read them, and ``OSError``."""
    try:
        return os.pread(file, length, offset)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        raise Damaged("the disk does not read all of it") from None


def _pieces(offset: int, length: int) -> Iterator[tuple[int, int]]:
    """(how many bytes, where they begin) of each page."""
    while length > 0:
        size = min(length, PAGE - offset % PAGE)
        yield size, offset
        offset, length = offset + size, length - size


def _page(file: int, size: int, offset: int) -> bytes:
    try:
        return _read(file, size, offset)
    except Damaged:
        return bytes(size)


Piece = tuple[Place, bytes]
"""A part as bytes; the offset and the length of its place are filled in when it is written."""


class Writing:
    """A file that is being written beside its place. Everything raises ``OSError``; ``finish`` also ``Damaged``."""

    def __init__(self, path: Path, finished: Callable[[Index], None] = lambda index: None) -> None:
        """``finished`` is told when the file is on the disk under its name."""
        self.path = path
        self._finished = finished
        if not path.parent.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            for folder in path.parents[:DEEP]:
                sync_folder(folder)
        self._fresh = path.with_name(path.name + NEW)
        self._file = self._fresh.open("wb")
        self._places: list[Place] = []
        self._names: dict[int, tuple[str, ...]] = {}
        self._written: dict[int, tuple[int, bool]] = {}
        """By offset, the checksum of what was written there, and whether it is to be looked into."""
        self.bytes = self._file.write(HEAD)

    @property
    def places(self) -> list[Place]:
        """What is in it by now."""
        return self._places

    def add(self, piece: Piece, *, as_it_was: bool = False) -> None:
        """Append a part. One that is copied ``as_it_was`` may be damaged already, and stays as it is."""
        place, data = piece
        # Samples and records were proved before they came here: they are compared, and not unpacked once more.
        self._written[self.bytes] = crc32(data), place.what == ROLLUP and not as_it_was
        self._places.append(_placed(place, self.bytes, len(data)))
        self.bytes += self._file.write(data)

    def learn(self, layout: int, names: tuple[str, ...]) -> None:
        """Remember the names behind a layout that a part uses."""
        self._names[layout] = names

    def finish(self, index: Index) -> Index:
        """Put the file in the place of whatever is there, with the kind, time, layouts and sources of ``index``.

        When it returns the file is on disk under its name, and was read again; before, what was there is there still.
        """
        places = tuple(sorted(self._places, key=lambda place: place.subject))
        full = replace(index, parts=places, layouts={**index.layouts, **self._names})
        listed = pressed(packed_index(full), 9)
        where = TRAILER.pack(self.bytes, len(listed), 0, END)[:12]
        self.bytes += self._file.write(listed + where + struct.pack("<I4s", crc32(where, crc32(listed)), END))
        self._file.flush()
        failpoints.at("seal.before_sync")
        os.fsync(self._file.fileno())
        self._file.close()
        self._read_again()
        failpoints.at("seal.before_rename")
        self._fresh.rename(self.path)
        sync_folder(self.path.parent)
        failpoints.at("seal.after_rename")
        self._finished(full)
        return full

    def _read_again(self) -> None:
        """Raise ``Damaged`` when the file is not what was written."""
        segment = Segment(self._fresh)
        try:
            for place in segment.index.parts:
                checksum, to_be_read = self._written[place.offset]
                if crc32(segment.raw(place)) != checksum:
                    raise Damaged(f"{self._fresh}: {place.subject}: it is not what was written")
                if to_be_read:
                    segment.part(place).verify()
        finally:
            segment.close()

    def close(self) -> None:
        """Give up what was not finished."""
        with suppress(OSError):  # what waits to be written may find no room once more
            self._file.close()
        with suppress(OSError):
            self._fresh.unlink()


def _placed(place: Place, offset: int, length: int) -> Place:
    return replace(place, offset=offset, length=length)
