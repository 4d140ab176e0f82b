"""Rows to blocks, hours to days, days to rollups: what one pass of the sealer makes. Thin over files; no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, islice, pairwise

import numpy as np

from bus.messages import layout_id
from store.blocks.coding import Coded, coded_integers, coded_numbers
from store.blocks.decoding import Column, all_integers, all_scaled
from store.blocks.gather import Origin, Told, joined
from store.blocks.listing import Place
from store.blocks.mirrors import mirrored
from store.blocks.opening import opened, samples_of
from store.blocks.parts import META, RECORDS, ROLLUP, SAMPLES, Part, bodies, packed, reading
from store.blocks.pressing import Damaged
from store.blocks.scaled import Floats, Integers, Scaled
from store.blocks.scaled import chained as one_after_another
from store.blocks.segments import Piece, Segment, Writing
from store.blocks.sheets import Growing, Series, sheets
from store.columns import Layouts
from store.rollup import AGGREGATES, FIRST, Rolled, chained, coarser, rolled, spread, stacked
from store.spans import TIERS
from store.whole_rollup import WholeRolled, whole_rolled

LEVEL = 3
"""zstd's level for numbers: 19 costs ten times as much for 5 % less."""
DAY_LEVEL = 1
"""Of days: what higher levels find in long columns is chance, and takes more room than it saves."""
SHORT = 2048
"""Days of fewer rows are coded as hours were."""
RECORD_LEVEL = 9
AT_ONCE = 1 << 20
"""So many numbers are worked on at once, which bounds the memory whatever the day holds."""
MOST_METRICS = (2**16 - 1 - FIRST) // AGGREGATES
"""A rollup is of no more metrics of a subject: so many columns a part can count."""
Rows = dict[Origin, Told]
Pieces = tuple[Piece, dict[str, Piece]]
"""A day's part, and of each tier the rollup's."""


def part_of(subject: str, origin: Origin, rows: Told) -> Piece:
    """Rows of one origin as a part, which gives them back bit for bit; raises ``Damaged`` if it would not."""
    return parts_of([(subject, origin, rows)])[0]


def parts_of(some: Sequence[tuple[str, Origin, Told]]) -> list[Piece]:
    """As ``part_of``, for several. Samples of equally many rows are coded together, which takes far less time."""
    alike: dict[int, list[int]] = {}
    columns: list[list[Coded]] = [[] for _ in some]
    for place, (_, _, rows) in enumerate(some):
        if rows.values is not None:
            alike.setdefault(len(rows), []).append(place)
        else:
            columns[place] = _records(rows)
    for count, places in alike.items():
        told = [some[place][2] for place in places]
        meta = iter(_proved_integers(np.concatenate([_meta(rows) for rows in told])))
        values = _all_scaled([rows.values for rows in told if rows.values is not None])
        every = Scaled(np.concatenate([of.whole for of in values]), np.concatenate([of.tens for of in values]))
        made = iter([column for few in _few(len(every.tens), count) for column in numbers(every.those(few))])
        for place, of in zip(places, values, strict=True):
            columns[place] = [*islice(meta, META), *mirrored(list(islice(made, len(of.tens))), of)]
    found = []
    for (subject, origin, rows), of_it in zip(some, columns, strict=True):
        what = RECORDS if rows.values is None else SAMPLES
        found.append((place_of(subject, origin, what, len(of_it), rows), packed(what, len(rows), of_it)))
    return found


def sheets_of(some: Sequence[tuple[str, Origin, Told]]) -> list[Piece]:
    """As ``parts_of``, in far less time and a quarter more bytes: for what is joined to a day soon."""
    alike: dict[int, list[int]] = {}
    for place, (_, _, rows) in enumerate(some):
        alike.setdefault(len(rows) if rows.values is not None else -place - 1, []).append(place)
    found: dict[int, Piece] = {}
    for places in alike.values():
        alike_rows = [some[place][2] for place in places]
        values = _all_scaled([one.values for one in alike_rows if one.values is not None])
        if not values:
            found[places[0]] = parts_of([some[places[0]]])[0]
            continue
        told = list(zip(map(_meta, alike_rows), values, strict=True))
        columns = [len(meta) + len(of.tens) for meta, of in told]
        made = sheets(SAMPLES, told)
        _prove([opened(reading(data), many) for data, many in zip(made, columns, strict=True)], told)
        for place, data, many in zip(places, made, columns, strict=True):
            subject, origin, one = some[place]
            found[place] = place_of(subject, origin, SAMPLES, many, one), data
    return [found[place] for place in range(len(some))]


def _all_scaled(values: Sequence[Floats]) -> list[Scaled]:
    """The numbers of several hosts as integers."""
    every = Scaled.of(np.concatenate(values)) if len(values) > 1 else Scaled.of(*values) if values else None
    ends = list(accumulate(map(len, values)))
    return [every.those(slice(*span)) for span in pairwise([0, *ends])] if every is not None else []


def _prove(parts: Sequence[Part], told: Sequence[Series]) -> None:
    """Raise ``Damaged`` if the parts do not give these back bit for bit."""
    for (when, numbers), (meta, values) in zip(samples_of(parts, slice(None)), told, strict=True):
        if not (numbers.is_same(values) and np.array_equal(when, meta)):
            raise Damaged("a part that was just made does not give its numbers back")


class Together:
    """Parts on their way to a file, a few hosts' at a time."""

    def __init__(self, writing: Writing, made: Callable[[Sequence[tuple[str, Origin, Told]]], list[Piece]]) -> None:
        """``made`` makes the parts: ``parts_of`` or ``sheets_of``."""
        self._writing = writing
        self._made = made
        self._waiting: list[tuple[str, Origin, Told]] = []
        self._numbers = 0

    def add(self, subject: str, origin: Origin, rows: Told) -> None:
        """Write it, now or with those that follow; raises ``Damaged`` and ``OSError``."""
        self._waiting.append((subject, origin, rows))
        self._numbers += len(rows) * (META + origin.values)
        if self._numbers >= AT_ONCE // 4:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        for piece in self._made(self._waiting):
            self._writing.add(piece)
        self._waiting, self._numbers = [], 0


def _records(rows: Told) -> list[Coded]:
    lengths = np.array([[len(body) for body in rows.bodies]], np.int64)
    return [*meta_columns(rows), *_proved_integers(lengths), bodies(b"".join(rows.bodies), RECORD_LEVEL)]


def meta_columns(rows: Told) -> list[Coded]:
    """The columns that say when and by whom."""
    return _proved_integers(_meta(rows))


def _meta(rows: Told) -> Integers:
    return np.stack([rows.at, rows.received - rows.at, rows.epoch, rows.number])


def _few(metrics: int, rows: int, most: int = AT_ONCE // 4) -> Iterator[slice]:
    """A few metrics at a time, so that no more than about so many numbers are worked on at once."""
    step = max(1, most // max(rows, 1))
    for first in range(0, metrics, step):
        yield slice(first, first + step)


def numbers(values: Scaled, level: int = LEVEL) -> list[Coded]:
    """Columns that give the numbers back bit for bit; raises ``Damaged`` if one would not."""
    columns = coded_numbers(values, level)
    # To read them takes more room than to make them: a few at a time.
    for few in _few(len(columns), values.whole.shape[1]):
        if not all_scaled(_as_read(columns[few]), values.whole.shape[1]).is_same(values.those(few)):
            raise Damaged("a column that was just made does not give its numbers back")
    return columns


def _as_read(columns: Sequence[Coded]) -> list[Column]:
    return [((one.form, one.width, one.decimals, one.shift), one.payload) for one in columns]


def _proved_integers(values: Integers) -> list[Coded]:
    columns = coded_integers(values, LEVEL)
    if not np.array_equal(all_integers(_as_read(columns), values.shape[1]), values):
        raise Damaged("a column that was just made does not give its integers back")
    return columns


def joined_parts(origin: Origin, parts: Sequence[Part], *, code: bool) -> Iterator[tuple[Told, Scaled, list[Coded]]]:
    """The metrics of several parts of one origin, a few at a time.

    (when and by whom the rows were told, numbers, columns, if they are to be coded).
    """
    rows = sum(part.rows for part in parts)
    level = DAY_LEVEL if rows >= SHORT else LEVEL
    for few in _few(max(origin.values, 1), rows, AT_ONCE):
        when: list[Integers] = []
        values = one_after_another(_noted(samples_of(parts, few), when), rows)
        meta = np.concatenate(when, axis=1)
        # A usual host's day in one stroke: each call of numpy has its price, however few numbers there are.
        made = _few(len(values.tens), rows, AT_ONCE // 2) if code else ()
        columns = [column for some in made for column in numbers(values.those(some), level)]
        told = Told(meta[0], meta[0] + meta[1], meta[2], meta[3])
        yield told, values, mirrored(columns, values) if code else []


def streamed(
    subject: str,
    origin: Origin,
    parts: Sequence[Part],
    tiers: Sequence[str],
    take: Callable[[str, WholeRolled], None],
    *,
    code: bool,
) -> Piece | None:
    """The part of one origin of its parts by time, if it is to be coded; raises ``Damaged``.

    ``take`` is given the rollups of each tier, the finest first, of a few metrics at a time.
    """
    columns: list[Coded] = []
    for meta, values, coded in joined_parts(origin, parts, code=code):
        columns += coded
        one: WholeRolled | None = None
        for tier in tiers:
            one = whole_rolled(meta.kept, values, TIERS[tier]) if one is None else one.coarser(TIERS[tier])
            take(tier, one)
    if not code:
        return None
    columns = [*meta_columns(meta), *columns]
    return place_of(subject, origin, SAMPLES, len(columns), meta), packed(SAMPLES, len(meta), columns)


def streamed_pieces(
    subject: str, origin: Origin, names: tuple[str, ...], parts: Sequence[Part], tiers: Sequence[str]
) -> Pieces:
    """The same, and the parts of its rollups by tier, of which no more than a few metrics are in memory."""
    growing: dict[str, tuple[Growing, Integers]] = {}

    def take(tier: str, one: WholeRolled) -> None:
        whole, numbers = one.told()
        growing.setdefault(tier, (Growing(ROLLUP, whole, small=True), one.starts))[0].add(numbers)

    raw = streamed(subject, origin, parts, tiers, take, code=True)
    assert raw is not None
    return raw, {
        tier: (_rollup_place(subject, names, one.columns, starts, TIERS[tier]), one.packed())
        for tier, (one, starts) in growing.items()
    }


def _noted(some: Iterable[tuple[Integers, Scaled]], when: list[Integers]) -> Iterator[Scaled]:
    for one, numbers in some:
        when.append(one)
        yield numbers


def place_of(subject: str, origin: Origin, what: int, columns: int, rows: Told) -> Place:
    """What the index says of a part."""
    kept = rows.kept
    return Place(
        subject,
        origin.source,
        origin.subject,
        origin.layout,
        origin.values,
        what,
        columns,
        len(rows),
        int(kept[0]),
        int(kept[-1]),
        0,
        0,
    )


def rows_of(segment: Segment, subject: str) -> Rows:
    """All rows of a subject in a file; raises ``Damaged``."""
    found: Rows = {}
    for place in segment.places(subject):
        if place.what != ROLLUP:
            origin = place.origin
            more = segment.part(place).told()
            found[origin] = joined([found[origin], more]) if origin in found else more
    return found


def merged(some: Iterable[Rows]) -> Rows:
    """Rows from several places, each once."""
    lists: dict[Origin, list[Told]] = {}
    for rows in some:
        for origin, one in rows.items():
            lists.setdefault(origin, []).append(one)
    return {origin: joined(every) for origin, every in lists.items()}


def layouts_of(pieces: Iterable[Place], known: Layouts) -> dict[int, tuple[str, ...]]:
    """The names behind the layouts of these parts."""
    return known(tuple({place.layout for place in pieces if place.layout is not None}))


# -- rollups ---


def rolled_up(rows: Rows, names: Mapping[int, tuple[str, ...]], tiers: Sequence[str]) -> dict[str, Rollup]:
    """The rollups of a subject's rows by tier, the finest first; a tier is made of the one before it."""
    samples = {
        origin: one for origin, one in rows.items() if len(names.get(origin.layout or 0, ())) == origin.values > 0
    }
    samples = {origin: one for origin, one in samples.items() if one.values is not None}
    if not samples:
        return {}
    every = most_told([(names[origin.layout or 0], len(one)) for origin, one in samples.items()])
    times = np.concatenate([one.kept for one in samples.values()])
    order = np.argsort(times, kind="stable")
    times = times[order]
    found: dict[str, list[Rolled]] = {tier: [] for tier in tiers}
    step = max(1, AT_ONCE // 4 // max(len(times), 1))
    for first in range(0, len(every), step):
        values = _united(samples, names, every[first : first + step], len(times))
        if len(samples) > 1:
            values = values[:, order]
        one = rolled(times, values, TIERS[tiers[0]])
        found[tiers[0]].append(one)
        for tier in tiers[1:]:
            one = coarser(one, TIERS[tier])
            found[tier].append(one)
    return {tier: (every, stacked(of)) for tier, of in found.items()}


def most_told(some: Sequence[tuple[tuple[str, ...], int]]) -> tuple[str, ...]:
    """The metrics of all these (names, rows); of more than a part can hold those that have the most rows."""
    every = tuple(dict.fromkeys(name for names, _ in some for name in names))
    if len(every) <= MOST_METRICS:
        return every
    rows = Counter[str]()
    for names, count in some:
        rows.update(dict.fromkeys(names, count))
    kept = {name for name, _ in rows.most_common(MOST_METRICS)}
    return tuple(name for name in every if name in kept)


Rollup = tuple[tuple[str, ...], Rolled]
"""(names, rollup) of a subject."""
Made = tuple[tuple[str, ...], Rolled | WholeRolled]
"""The same on its way to a file."""


def _united(
    samples: Mapping[Origin, Told], names: Mapping[int, tuple[str, ...]], wanted: Sequence[str], rows: int
) -> Floats:
    """The wanted metrics of all origins, one after the other; NaN where a origin has no such metric."""
    if len(samples) == 1:
        ((origin, one),) = samples.items()
        where = {name: at for at, name in enumerate(names[origin.layout or 0])}
        if one.values is not None:
            return one.values[[where[name] for name in wanted]]
    values = np.full((len(wanted), rows), np.nan)
    start = 0
    for origin, one in samples.items():
        where = {name: at for at, name in enumerate(names[origin.layout or 0])}
        for row, name in enumerate(wanted):
            if name in where and one.values is not None:
                values[row, start : start + len(one)] = one.values[where[name]]
        start += len(one)
    return values


def rollup_part(subject: str, rollup: Made, length: int) -> Piece:
    """A rollup as a part."""
    names, one = rollup
    whole, numbers = one.told()
    (data,) = sheets(ROLLUP, [(whole, numbers)], small=True)
    return _rollup_place(subject, names, len(whole) + len(numbers.tens), one.starts, length), data


def _rollup_place(subject: str, names: tuple[str, ...], columns: int, starts: Integers, length: int) -> Place:
    first, last = int(starts[0]), int(starts[-1]) + length - 1
    return Place(subject, b"", b"", layout_id(names), len(names), ROLLUP, columns, len(starts), first, last, 0, 0)


def chained_rollups(some: Sequence[Rollup]) -> Rollup:
    """One after the other, by time; a metric that one of them does not have has no readings there."""
    every = most_told([(names, len(one.starts)) for names, one in some])
    return every, chained([one if names == every else spread(names, one, every) for names, one in some])
