"""What the collector tells the store of records that it will never let in, as bytes and back. Pure, strict.

Their numbers would be a hole that nobody fills, and their producer would send them for ever: the store passes them
as rejected. A **REFUSAL** (collector to store, up the stair), for each record:

     0    1  length of source
     1    1  why: an index of ``WHY``
     2    8  epoch, 10 8 number, 18 8 base, 26 8 generation, as in the record's header
    34       source (ASCII)

all numbers big-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from bus.messages import is_name
from bus.wire import Malformed

WHY = ("kind", "forbidden", "subject", "name", "mixed", "metrics", "subjects")
"""What stays wrong however often a record is sent, or for a day; a damaged one may come whole the next time."""
_ROW = struct.Struct(">BBQQQQ")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One record that was refused at the door."""

    source: str
    epoch: int
    number: int
    base: int
    generation: int
    why: str


def pack_refusals(refusals: Iterable[Refusal]) -> bytes:
    """The bytes of refusals."""
    return b"".join(
        _ROW.pack(len(r.source), WHY.index(r.why), r.epoch, r.number, r.base, r.generation) + r.source.encode()
        for r in refusals
    )


def read_refusals(frame: bytes, start: int = 0) -> list[Refusal]:
    """The refusals from ``start`` on; raises ``Malformed``."""
    found = []
    while start < len(frame):
        if len(frame) - start < _ROW.size:
            raise Malformed("truncated", f"{len(frame) - start} bytes where a refusal should be")
        length, why, epoch, number, base, generation = _ROW.unpack_from(frame, start)
        start += _ROW.size
        source = frame[start : start + length].decode("ascii", "replace")
        start += length
        if len(source) != length or not is_name(source) or why >= len(WHY):
            raise Malformed("body", f"a refusal of {source[:40]!r} for reason {why}")
        found.append(Refusal(source, epoch, number, base, generation, WHY[why]))
    return found
