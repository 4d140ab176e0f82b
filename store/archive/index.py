"""What is where in a file of the archive. Pure.

The file's metadata holds ``guardia.index``, msgpack in base64, with the CRC-32 of the msgpack before it:
``[version, kind, start, end, places, layouts, sources]``, as in ``store.blocks.segments``. A place is
``[subject, source, subject as on the wire, layout, values, rows, first, last, checksum, pieces]``; a piece is ``[row
group, first metric, metrics, checksum]`` and holds its metrics one after the other, each with the same rows. The
checksum of a piece is the CRC-32 of its numbers as little-endian doubles, that of a place the CRC-32 of times, receipt,
epochs, numbers (8 bytes each, little-endian), and bodies.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zlib import crc32

import msgpack

from bus.timing import SECOND
from store.blocks.gather import Origin

VERSION = 1
KEY = b"guardia.index"
NAME = "part.parquet"


class LaterVersion(ValueError):
    """A later Guardia wrote it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some metrics of a place: in which row group, which ones, and the checksum of their numbers."""

    group: int
    first: int
    metrics: int
    checksum: int


@dataclass(frozen=True, slots=True)
class Place:
    """The rows of one origin; ``rows`` are messages."""

    subject: str
    source: bytes
    wire_subject: bytes
    layout: int | None
    values: int
    rows: int
    first: int
    last: int
    checksum: int
    pieces: tuple[Piece, ...]

    @property
    def origin(self) -> Origin:
        """Whose rows these are."""
        return Origin(self.source, self.wire_subject, self.layout, self.values)


@dataclass(frozen=True, slots=True)
class Index:
    """What a file holds."""

    kind: str
    start: int
    end: int
    places: tuple[Place, ...]
    layouts: Mapping[int, tuple[str, ...]]
    sources: frozenset[tuple[int, int, int]]

    @property
    def rows(self) -> int:
        """How many messages there are."""
        return sum(place.rows for place in self.places)


def path_of(folder: Path, kind: str, day: int) -> Path:
    """The file of a kind and day in an archive."""
    named = datetime.fromtimestamp(day // SECOND, UTC).strftime("%Y-%m-%d")
    return folder / f"kind={kind}" / f"day={named}" / NAME


def packed(index: Index) -> str:
    """The text of an index."""
    places = [
        (*(getattr(place, name) for name in Place.__slots__[:-1]), [_tuple(piece) for piece in place.pieces])
        for place in index.places
    ]
    said = (VERSION, index.kind, index.start, index.end, places, dict(index.layouts), sorted(index.sources))
    data = msgpack.packb(said)
    return base64.b64encode(crc32(data).to_bytes(4, "little") + data).decode()


def _tuple(piece: Piece) -> tuple[int, ...]:
    return piece.group, piece.first, piece.metrics, piece.checksum


def unpacked(text: bytes) -> Index:
    """The index in this text; raises ``ValueError``."""
    found = base64.b64decode(text, validate=True)
    data = found[4:]
    if crc32(data).to_bytes(4, "little") != found[:4]:
        raise ValueError("the checksum of the index does not hold")
    version, *rest = msgpack.unpackb(data, use_list=False, strict_map_key=False)
    if version != VERSION:
        raise LaterVersion(f"it is of version {version}, this Guardia reads up to {VERSION}")
    kind, start, end, places, layouts, sources = rest
    return Index(
        kind,
        start,
        end,
        tuple(map(_place, places)),
        layouts,
        frozenset(sources),
    )


def _place(said: tuple[Any, ...]) -> Place:
    known: Any = said[:-1]
    pieces: Any = (tuple(Piece(*piece) for piece in said[-1]),)
    return Place(*known, *pieces)
