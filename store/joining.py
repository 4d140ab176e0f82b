"""The hours of a day to one file and its rollups; the days of a month to one. A few metrics at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from store.blocks.coding import Coded
from store.blocks.files import told, voice_of
from store.blocks.gather import Told, Voice, joined
from store.blocks.listing import Place
from store.blocks.parts import ROLLUP, SAMPLES, Part, packed
from store.blocks.pressing import Damaged
from store.blocks.segments import Segment, Writing
from store.keys import DAY
from store.rollup import opened, those
from store.sealing import (
    MOST_METRICS,
    Layouts,
    Made,
    Rollup,
    chained_rollups,
    joined_parts,
    meta_columns,
    part_of,
    place_of,
    rolled_up,
    rollup_part,
)
from store.spans import TIERS
from store.tally import Tally, stacked, tallied

log = logging.getLogger("guardia")
Note = Callable[[str], None]
Found = tuple[Segment, Place]
Put = Callable[[str, str, Made], None]
"""Is given a tier, a subject and its rollup."""


def join_day(
    segments: Sequence[Segment],
    layouts: Layouts,
    raw: Writing | None,
    tiers: Sequence[str],
    put: Put,
    note: Note,
    alive: Callable[[], None] = lambda: None,
) -> None:
    """Write the rows of all these files to ``raw``, and ``put`` the rollups of each subject, the finest tier first.

    ``alive`` is called for each subject.
    """
    known: dict[int, tuple[str, ...]] = {}
    for segment in segments:
        known.update(segment.index.layouts)
    missing = {place.layout for segment in segments for place in segment.index.parts} - {*known, None}
    known.update(layouts(tuple(layout for layout in missing if layout is not None)))
    for subject in sorted({subject for segment in segments for subject in segment.subjects()}):
        alive()
        places = [(segment, place) for segment in segments for place in segment.places(subject)]
        if not _alone(places, known) or not _stream(subject, places, known, raw, tiers, put, note):
            _gather(subject, places, known, raw, tiers, put, note)


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
    """Whether one voice speaks in all of them, one after the other."""
    first = voice_of(places[0][1])
    if first.layout is None or len(known.get(first.layout, ())) != first.values:
        return False
    ends = None
    for _, place in places:
        if place.what != SAMPLES or voice_of(place) != first or (ends is not None and place.first <= ends):
            return False
        ends = place.last
    return True


def _stream(
    subject: str,
    places: Sequence[Found],
    known: Mapping[int, tuple[str, ...]],
    raw: Writing | None,
    tiers: Sequence[str],
    put: Put,
    note: Note,
) -> bool:
    """Join the parts of one voice; False when one of them is damaged."""
    voice = voice_of(places[0][1])
    try:
        parts = [segment.part(place).all_read() for segment, place in places]
        columns: list[Coded] = []
        tallies: dict[str, list[Tally]] = {tier: [] for tier in tiers}
        for meta, values, coded in joined_parts(voice, parts, code=raw is not None):
            columns += coded
            if tiers:
                one = tallied(meta.kept, values, TIERS[tiers[0]])
                tallies[tiers[0]].append(one)
                for tier in tiers[1:]:
                    one = one.coarser(TIERS[tier])
                    tallies[tier].append(one)
        columns = [*meta_columns(meta), *columns]
    except Damaged as error:
        note(f"{places[0][0].path}: {subject}: {error}")
        return False
    if raw is not None:
        data = packed(SAMPLES, len(meta), columns)
        raw.add((place_of(subject, voice, SAMPLES, len(columns), meta), data))
    names = known[voice.layout or 0]
    for tier, some in tallies.items():
        put(tier, subject, (names, stacked(some)))
    return True


def _gather(
    subject: str,
    places: Sequence[Found],
    known: Mapping[int, tuple[str, ...]],
    raw: Writing | None,
    tiers: Sequence[str],
    put: Put,
    note: Note,
) -> None:
    """Join the parts of several voices, or those of which some are damaged: these are kept as they are."""
    lists: dict[Voice, list[Told]] = {}
    for segment, place in places:
        try:
            lists.setdefault(voice_of(place), []).append(told(segment.part(place)))
        except (Damaged, ValueError, IndexError) as error:
            note(f"{segment.path}: {subject}: {error}")
            if raw is not None:
                raw.add((place, segment.raw(place)), as_it_was=True)
    rows = {voice: joined(some) for voice, some in lists.items() if some}
    if raw is not None:
        for voice, one in rows.items():
            raw.add(part_of(subject, voice, one))
    if tiers:
        names = {name for voice in rows for name in known.get(voice.layout or 0, ())}
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
