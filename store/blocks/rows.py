"""The rows in a part. Pure."""

from __future__ import annotations

import numpy as np

from store.blocks.gather import Origin, Told
from store.blocks.listing import Place
from store.blocks.parts import LENGTH, META, RECORDS, SAMPLES, Part
from store.blocks.pressing import Damaged


def origin_of(place: Place) -> Origin:
    """Whose rows these are."""
    return Origin(place.source, place.wire_subject, place.layout, place.values)


def told(part: Part) -> Told:
    """All rows of a part; raises ``Damaged``."""
    part.all_read()
    at, late, epoch, number = (part.integers(column) for column in range(META))
    if part.what == SAMPLES:
        return Told(at, at + late, epoch, number, part.all_floats(range(META, part.columns)))
    if part.what != RECORDS:
        raise Damaged(f"a part of rows that is of kind {part.what}")
    data = part.bodies()
    ends = np.cumsum(part.integers(LENGTH)).tolist()
    if (ends[-1] if ends else 0) != len(data):
        raise Damaged("the bodies of records do not have their lengths")
    bodies = tuple(data[begin:end] for begin, end in zip([0, *ends[:-1]], ends, strict=True))
    return Told(at, at + late, epoch, number, None, bodies)
