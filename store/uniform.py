"""Columns of rows of one form, as a host's are nearly always: read together, without taking each apart. Pure.

Ten rows a second of five minutes are three thousand records; one after the other they cost 8 µs each.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bus.fields import Unfit
from bus.messages import split_sample
from bus.wire import HEADER, MAGIC, Field
from store.columns import Layouts, Numbers, Times, matching
from store.keys import EARLIEST, FAR

LENGTHS = 12
"""So many bytes of a header are the same in records of one form: magic, kind, flags, lengths."""
AT = slice(28, 36)
"""When it was measured, big-endian ns."""


class Table(NamedTuple):
    """Records of one form, a row of bytes each, and what they have in common."""

    rows: npt.NDArray[np.uint8]
    form: bytes
    """What is the same in all of them: records of an equal form have their numbers in the same places."""
    names: tuple[str, ...]
    """The metrics of their layout."""
    begin: int
    """Where the values begin."""

    def times(self) -> Times:
        """When each was measured."""
        return np.ascontiguousarray(self.rows[:, AT]).view(">i8").ravel().astype(np.int64).clip(EARLIEST, FAR)

    def values(self, globs: Sequence[str], inside: Any) -> dict[str, Numbers]:
        """The metrics that match, of the rows ``inside``."""
        chosen = matching(self.names, globs)
        if not chosen:
            return {}
        where = {name: self.begin + 8 * place for place, name in enumerate(self.names)}
        cells = ((name, self.rows[inside, where[name] : where[name] + 8]) for name in chosen)
        return {name: np.ascontiguousarray(cell).view("<f8").ravel() for name, cell in cells}


def table_of(records: bytes, layouts: Layouts) -> Table | None:
    """Records that stand back to back; None when they differ in more than their numbers, or cannot be read."""
    try:
        fields = HEADER.unpack_from(records)
        names = HEADER.size + fields[Field.SOURCE] + fields[Field.SUBJECT]
        size = names + fields[Field.BODY]
        layout, packed = split_sample(records[names:size])
    except (Unfit, struct.error):
        return None
    known = layouts((layout,)).get(layout, ()) if layout else ()
    if fields[Field.MAGIC] != MAGIC or len(records) % size or len(packed) != 8 * len(known):
        return None
    rows = np.frombuffer(records, np.uint8).reshape(-1, size)
    begin = size - len(packed)
    if len(rows) > 1:
        first = rows[0]
        for same in (slice(0, LENGTHS), slice(HEADER.size, begin)):
            if (rows[:, same] != first[same]).any():
                return None
    return Table(rows, records[:LENGTHS] + records[HEADER.size : begin], known, begin)
