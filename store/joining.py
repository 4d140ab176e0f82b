"""The hours of a day to one file and its rollups; the days of a month to one. A few metrics at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from bus import failpoints
from bus.timing import DAY
from store.blocks.gather import Origin, Told, joined
from store.blocks.listing import Names, Place
from store.blocks.parts import ROLLUP, SAMPLES, Part
from store.blocks.pressing import Damaged
from store.blocks.segments import Segment, Writing
from store.columns import Layouts
from store.joining_apart import Beside, Task, write
from store.rollup import opened, those
from store.sealing import (
    MOST_METRICS,
    Made,
    Rollup,
    chained_rollups,
    part_of,
    rolled_up,
    rollup_part,
    streamed,
    streamed_pieces,
)
from store.spans import TIERS
from store.whole_rollup import WholeRolled, stacked

log = logging.getLogger("guardia")
Note = Callable[[str], None]
Found = tuple[Segment, Place]
Put = Callable[[str, str, Made], None]
"""Is given a tier, a subject and its rollup."""
Files = tuple[Writing, Mapping[str, Writing]]
"""The day's, and those of its rollups by tier."""


def join_day(
    segments: Sequence[Segment],
    layouts: Layouts,
    tiers: Sequence[str],
    into: Put | Files,
    note: Note,
    alive: Callable[[], None] = lambda: None,
    beside: Beside | None = None,
) -> None:
    """Write the rows of all these files and the rollups of each subject to files, or put the rollups alone.

    ``alive`` is called for each subject. Some are joined ``beside``, and written in the order in which they come.
    """
    known: dict[int, tuple[str, ...]] = {}
    for segment in segments:
        known.update(segment.index.layouts)
    missing = {place.layout for segment in segments for place in segment.index.parts} - {*known, None}
    known.update(layouts(tuple(layout for layout in missing if layout is not None)))

    def join(subject: str, places: Sequence[Found], *, alone: bool) -> None:
        if not alone or not _stream(subject, places, known, tiers, into):
            _gather(subject, places, known, tiers, into, note)

    for subject in sorted({subject for segment in segments for subject in segment.subjects()}):
        alive()
        failpoints.at("seal.join")
        places = _found(segments, subject)
        alone = _alone(places, known)
        if beside is not None:
            for left in beside.written():
                join(left, _found(segments, left), alone=True)
            if alone and beside.takes(_task(subject, places, known, tiers)):
                continue
        join(subject, places, alone=alone)
    if beside is not None:
        for left in beside.written(last=True):
            alive()
            join(left, _found(segments, left), alone=True)


def _found(segments: Sequence[Segment], subject: str) -> list[Found]:
    return [(segment, place) for segment in segments for place in segment.places(subject)]


def _task(subject: str, places: Sequence[Found], known: Mapping[int, Names], tiers: Sequence[str]) -> Task:
    return Task(subject, known[places[0][1].layout or 0], tiers, [(segment.path, place) for segment, place in places])


def put_to(writings: Mapping[str, Writing]) -> Put:
    """Writes rollups to the file of their tier."""
    return lambda tier, subject, rollup: add_rollup(writings[tier], subject, rollup, TIERS[tier])


def join_months(before: Segment | None, days: Sequence[Segment], length: int, writing: Writing, note: Note) -> None:
    """Write the rollups of all these days to one file; of a day that was there ``before``, the new one counts."""
    again = np.array([day.index.start for day in days], np.int64)
    subjects = {subject for segment in (*days, *([before] if before else [])) for subject in segment.subjects()}
    for subject in sorted(subjects):
        found: list[Rollup] = []
        if before is not None:
            for names, one in rollups_of(before, subject, note):
                kept = ~np.isin(one.starts - one.starts % DAY, again)
                if kept.any():
                    found.append((names, those(one, kept)))
        for day in days:
            found += rollups_of(day, subject, note)
        if found:
            names, whole = chained_rollups(found)
            whole = those(whole, np.argsort(whole.starts, kind="stable"))
            add_rollup(writing, subject, (names, whole), length)


def _alone(places: Sequence[Found], known: Mapping[int, tuple[str, ...]]) -> bool:
    """Whether one origin speaks in all of them, one after the other."""
    first = places[0][1].origin
    if first.layout is None or len(known.get(first.layout, ())) != first.values:
        return False
    ends = None
    for _, place in places:
        if place.what != SAMPLES or place.origin != first or (ends is not None and place.first <= ends):
            return False
        ends = place.last
    return True


def _stream(
    subject: str,
    places: Sequence[Found],
    known: Mapping[int, Names],
    tiers: Sequence[str],
    into: Put | Files,
) -> bool:
    """Join the parts of one origin; False when one of them is damaged: which one, is found when they are gathered."""
    origin = places[0][1].origin
    names = known[origin.layout or 0]
    rolled_up: dict[str, list[WholeRolled]] = {tier: [] for tier in tiers}
    try:
        parts = [segment.part(place).all_read() for segment, place in places]
        if not callable(into):
            pieces = streamed_pieces(subject, origin, names, parts, tiers)
        else:
            streamed(subject, origin, parts, tiers, lambda tier, one: rolled_up[tier].append(one), code=False)
    except Damaged:
        return False
    if not callable(into):
        write(*into, names, pieces)
    else:
        for tier, some in rolled_up.items():
            into(tier, subject, (names, stacked(some)))
    return True


def _gather(
    subject: str,
    places: Sequence[Found],
    known: Mapping[int, Names],
    tiers: Sequence[str],
    into: Put | Files,
    note: Note,
) -> None:
    """Join the parts of several origins, or those of which some are damaged: these are kept as they are."""
    raw, put = (None, into) if callable(into) else (into[0], put_to(into[1]))
    lists: dict[Origin, list[Told]] = {}
    for segment, place in places:
        try:
            lists.setdefault(place.origin, []).append(segment.part(place).told())
        except (Damaged, ValueError, IndexError) as error:
            note(f"{segment.path}: {subject}: {error}")
            if raw is not None:
                raw.add((place, segment.raw(place)), as_it_was=True)
    rows = {origin: joined(some) for origin, some in lists.items() if some}
    if raw is not None:
        for origin, one in rows.items():
            raw.add(part_of(subject, origin, one))
    if tiers:
        names = {name for origin in rows for name in known.get(origin.layout or 0, ())}
        if len(names) > MOST_METRICS:
            few = "its rollups are of the %d with the most rows"
            log.warning("%s told %d metrics in a day: " + few, subject, len(names), MOST_METRICS)
        for tier, rollup in rolled_up(rows, known, tiers).items():
            put(tier, subject, rollup)


def add_rollup(writing: Writing, subject: str, rollup: Made, length: int) -> None:
    """Write a subject's rollup whose spans have this length."""
    place, data = rollup_part(subject, rollup, length)
    writing.learn(place.layout or 0, rollup[0])
    writing.add((place, data))


def rollups_of(segment: Segment, subject: str, note: Note) -> list[Rollup]:
    """What a file holds of a subject; ``note`` is told of what cannot be read."""
    found = []
    for place in segment.places(subject):
        names = segment.index.layouts.get(place.layout or 0, ())
        if place.what == ROLLUP and len(names) == place.values:
            try:
                part: Part = segment.part(place).all_read()
                found.append((names, opened(part, range(len(names)))))
            except (Damaged, ValueError, IndexError) as error:
                note(f"{segment.path}: {subject}: {error}")
    return found
