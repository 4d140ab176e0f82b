"""The index of a file of parts: what is where, unpacked piece by piece as it is asked for. Pure.

Ten thousand hosts are ten thousand parts in each file, and a reader keeps many files open. As objects the parts of
one such file take 4.3 MB and 27 ms; as the bytes that they are, with the place of each, 0.7 MB and 2 ms.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import msgpack
import numpy as np

from store.blocks.gather import Origin
from store.blocks.pressing import Damaged

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part stands in its file, and what is in it."""

    subject: str
    source: bytes
    wire_subject: bytes
    layout: int | None
    values: int
    what: int
    columns: int
    rows: int
    first: int
    last: int
    offset: int
    length: int

    @property
    def origin(self) -> Origin:
        """Whose rows these are."""
        return Origin(self.source, self.wire_subject, self.layout, self.values)


@dataclass(frozen=True, slots=True)
class Index:
    """What a file holds; ``parts`` by subject."""

    kind: str
    tier: str
    start: int
    end: int
    parts: Sequence[Place] = ()
    layouts: Mapping[int, Names] = field(default_factory=dict)
    sources: frozenset[tuple[int, int, int]] = frozenset()

    @property
    def rows(self) -> int:
        """How many rows (of a rollup: buckets) there are."""
        return sum(part.rows for part in self.parts)


class Places(Sequence[Place]):
    """Parts as they stand in the bytes of an index; ``ends`` says where each of them begins, and the last one ends."""

    __slots__ = ("_data", "_ends")

    def __init__(self, data: bytes, ends: Sequence[int]) -> None:
        self._data = data[ends[0] : ends[-1]]
        self._ends = np.array(ends, np.uint32) - np.uint32(ends[0])

    def of(self, subject: str) -> list[Place]:
        """The parts of a subject."""
        found = []
        at = bisect_left(range(len(self)), subject, key=self._subject)
        while at < len(self) and self._subject(at) == subject:
            found.append(self[at])
            at += 1
        return found

    def subjects(self) -> list[str]:
        """Whose parts are here, by name."""
        return list(dict.fromkeys(map(self._subject, range(len(self)))))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, at: int) -> Place: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Place]: ...
    def __getitem__(self, at: int | slice) -> Place | Sequence[Place]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        at = range(len(self))[at]
        return Place(*_unpacked(self._data[self._ends[at] : self._ends[at + 1]]))

    def __iter__(self) -> Iterator[Place]:
        return map(self.__getitem__, range(len(self)))

    def _subject(self, at: int) -> str:
        # The first of a part's list, which has the form of a short string as a rule: read without the rest.
        begin = int(self._ends[at]) + 1
        head = self._data[begin]
        if 0xA0 <= head <= 0xBF:
            return self._data[begin + 1 : begin + 1 + (head & 0x1F)].decode()
        return self[at].subject


class Layouts(Mapping[int, Names]):
    """The names behind layout ids, as they stand in the bytes of an index; ``where`` says from where to where."""

    __slots__ = ("_data", "_where")

    def __init__(self, data: bytes, where: Mapping[int, tuple[int, int]]) -> None:
        first = min((begin for begin, _ in where.values()), default=0)
        last = max((end for _, end in where.values()), default=0)
        self._data = data[first:last]
        self._where = {layout: (begin - first, end - first) for layout, (begin, end) in where.items()}

    def __getitem__(self, layout: int) -> Names:
        begin, end = self._where[layout]
        return tuple(_unpacked(self._data[begin:end]))

    def __iter__(self) -> Iterator[int]:
        return iter(self._where)

    def __len__(self) -> int:
        return len(self._where)


def read_index(data: bytes) -> tuple[Index, Places]:
    """The index in these bytes, and its parts; raises ``Damaged`` or ``ValueError`` when they are none."""
    unpacker = msgpack.Unpacker(use_list=False, strict_map_key=False, max_buffer_size=max(len(data), 1))
    unpacker.feed(data)
    try:
        unpacker.read_array_header()
        kind, tier, start, end = (unpacker.unpack() for _ in range(4))
        ends = []
        count = unpacker.read_array_header()
        for _ in range(count):
            ends.append(unpacker.tell())
            unpacker.skip()
        ends.append(unpacker.tell())
        where = {}
        for _ in range(unpacker.read_map_header()):
            layout, begin = unpacker.unpack(), unpacker.tell()
            unpacker.skip()
            where[layout] = begin, unpacker.tell()
        sources = unpacker.unpack()
    except msgpack.UnpackException as error:
        raise Damaged(f"an index that is none: {error!r}") from None
    places = Places(data, ends)
    return Index(kind, tier, start, end, places, Layouts(data, where), frozenset(sources)), places


def packed_index(index: Index) -> bytes:
    """The bytes of an index."""
    return msgpack.packb(  # type: ignore[no-any-return]
        (
            index.kind,
            index.tier,
            index.start,
            index.end,
            [tuple(getattr(part, name) for name in Place.__slots__) for part in index.parts],
            dict(index.layouts),
            sorted(index.sources),
        )
    )


def _unpacked(data: bytes) -> Any:
    return msgpack.unpackb(data, use_list=False)
