"""Single metrics out of a part that holds many, each read once and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from store.blocks.kept import Kept
from store.blocks.listing import Names, Place
from store.blocks.parts import META, SAMPLES, Part
from store.blocks.pressing import Damaged
from store.blocks.scaled import Floats
from store.blocks.segments import Segment
from store.columns import Columns
from store.keys import EARLIEST, FAR

Numbers = npt.NDArray[Any]
Between = tuple[int, int]
MOST_KEPT = 8
"""Of a question for more metrics than these nothing is kept: it is an export, and would drive out all else."""


def columns_of(
    segment: Segment,
    place: Place,
    names: Names,
    wanted: Names,
    between: Between,
    note: Callable[[str], None],
    kept: Kept,
) -> Iterator[Columns]:
    """Some metrics of a part between two times, both included; what of it is damaged ``note`` is told."""
    start, end = between
    if place.what != SAMPLES or len(names) != place.values or place.first > end or place.last < start or not wanted:
        return
    opened: list[Part] = []

    def part() -> Part:
        if not opened:
            opened.append(segment.part(place))
            if len(wanted) * 2 > len(names):
                opened[0].all_read()
        return opened[0]

    def once(column: int, read: Callable[[], Numbers]) -> Numbers:
        key = (segment.identity, place.offset, column)
        found: Numbers | None = kept.get(key)
        if found is None:
            found = read()
            if len(wanted) <= MOST_KEPT:
                kept.put(key, found, found.nbytes)
        return found

    times = once(0, lambda: np.clip(part().integers(0), EARLIEST, FAR))
    first, last = int(np.searchsorted(times, start)), int(np.searchsorted(times, end, "right"))
    where = {name: META + at for at, name in enumerate(names)}
    values: dict[str, Floats] = {}
    for name in wanted:
        column = where[name]
        try:
            values[name] = once(column, lambda column=column: part().floats(column))[first:last]  # type: ignore[misc]
        except Damaged as error:
            note(f"{segment.path}: {place.subject}: {name}: {error}")
    yield Columns(times[first:last], values)
