"""Rows as they were stored to columns: by who says it in which layout, by time, each message once. Pure.

Records of one series are mostly of one size and differ in the same places only. So they are looked at as one matrix of
bytes, and a header's field is a slice of it: one record at a time would cost twenty times as much.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from zlib import crc32

import msgpack
import numpy as np
import numpy.typing as npt

from bus.fields import Unfit
from bus.messages import split_sample
from bus.timing import HOUR
from bus.wire import CHECKSUM, FIXED, HEADER, MAGIC, RESEND, Field, names_in, walk
from store.blocks.scaled import Floats, Integers
from store.keys import EARLIEST, FAR, SAMPLE_CODE
from store.rows import Row, Seen

EPOCH = 12
"""Where in a record its epoch is, its number, and when it was measured, eight bytes each."""
Bytes = npt.NDArray[np.uint8]
MOST_LAYOUTS = 500
"""Layouts of one series that are kept apart of an hour: each is a part, which takes a hundred times a row's time.

A host whose metrics come and go has some dozens in an hour; whoever invents layouts has one with each sample.
"""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who says what: two records of the same origin differ in time, number and values only.

    ``subject`` is as on the wire: empty when it is the source itself. ``layout`` is None for what is no sample of
    ours, which is kept as the bytes that came; ``values`` is how many a sample has.
    """

    source: bytes
    subject: bytes
    layout: int | None = None
    values: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """Rows of one origin, by time and receipt, each once: ``values`` (metrics by rows) of samples, else ``bodies``."""

    at: Integers
    received: Integers
    epoch: Integers
    number: Integers
    values: Floats | None = None
    bodies: tuple[bytes, ...] = ()

    @property
    def kept(self) -> Integers:
        """The times under which the rows are kept; see ``store.keys.dated``."""
        return np.clip(self.at, EARLIEST, FAR)

    def __len__(self) -> int:
        return len(self.at)


def gathered(groups: Iterable[Seen]) -> dict[Origin, Told]:
    """The rows of one series by origin; raises ``Malformed`` for what are no records.

    Samples of more than ``MOST_LAYOUTS`` layouts are kept as their bodies: they come back as they are, and no chart
    shows them.
    """
    groups = list(groups)
    blob = b"".join([records for _, records, _ in groups])
    if not blob:
        return {}
    size = next(walk(blob))[1]
    whole = _matrix(blob, size)
    if whole is not None and not any(len(records) % size for _, records, _ in groups):
        origin, start = _origin(blob[:size])
        if origin.layout is not None and _alike(whole, start):
            return {origin: _once(_samples(whole, _received(groups, size), start))}
    return _sorted_out(groups)


def joined(told: Sequence[Told]) -> Told:
    """Rows of one origin from several places, each once."""
    if len(told) == 1:
        return told[0]
    values = None
    if told[0].values is not None:
        values = np.concatenate([one.values for one in told if one.values is not None], axis=1)
    return _once(
        Told(
            np.concatenate([one.at for one in told]),
            np.concatenate([one.received for one in told]),
            np.concatenate([one.epoch for one in told]),
            np.concatenate([one.number for one in told]),
            values,
            tuple(body for one in told for body in one.bodies),
        )
    )


def records(origin: Origin, told: Told, code: int) -> list[Row]:
    """The rows as records.

    What is not part of the message (base, generation and time of its sending, outside its checksum) is not kept: it
    comes back as number, 0 and its own time.
    """
    names = origin.source + origin.subject
    found = []
    for kept, at, received, epoch, number, body in zip(
        told.kept.tolist(),
        told.at.tolist(),
        told.received.tolist(),
        told.epoch.view(np.uint64).tolist(),
        told.number.view(np.uint64).tolist(),
        _bodies(origin, told),
        strict=True,
    ):
        lengths = len(origin.source), len(origin.subject), 0, len(body)
        fixed = FIXED.pack(MAGIC, code, 0, *lengths, epoch, number, at)
        tail = names + body
        checksum = CHECKSUM.pack(crc32(tail, crc32(fixed)))
        found.append((kept, received, b"".join((fixed, checksum, RESEND.pack(number, 0, at), tail))))
    return found


def few(rows: dict[Origin, Told], length: int) -> dict[Origin, Told]:
    """The rows of one series that several files had of a span so long (ns): each once, of few layouts an hour."""
    rows = dict(rows)
    for mute in [origin for origin in rows if origin.layout is None]:
        # What had too many beside it in one place may have a part of its own from another.
        apart: dict[Origin, list[int]] = {}
        for place, body in enumerate(rows[mute].bodies):
            origin, _ = _spoken(mute.source, mute.subject, body)
            if origin.layout is not None and origin in rows:
                apart.setdefault(origin, []).append(place)
        for origin, places in apart.items():
            rows[origin] = joined([rows[origin], _with_values(rows[mute], places, origin.values)])
        left = np.setdiff1d(np.arange(len(rows[mute])), [one for places in apart.values() for one in places])
        if apart and len(left):
            rows[mute] = _of(rows[mute], left)
        elif apart:
            del rows[mute]
    for origin in _beyond({origin: len(one) for origin, one in rows.items()}, max(1, length // HOUR) * MOST_LAYOUTS):
        mute, one = Origin(origin.source, origin.subject), rows.pop(origin)
        told = Told(one.at, one.received, one.epoch, one.number, None, tuple(_bodies(origin, one)))
        rows[mute] = joined([rows[mute], told]) if mute in rows else told
    return rows


def taken(told: Told, start: int, end: int) -> Told:
    """The rows between two times, both included."""
    kept = told.kept
    first, last = int(np.searchsorted(kept, start)), int(np.searchsorted(kept, end, "right"))
    if (first, last) == (0, len(told)):
        return told
    cut = slice(first, last)
    return Told(
        told.at[cut],
        told.received[cut],
        told.epoch[cut],
        told.number[cut],
        None if told.values is None else told.values[:, cut],
        told.bodies[cut],
    )


def _bodies(origin: Origin, told: Told) -> Iterable[bytes]:
    """The rows' bodies as they came."""
    if told.values is None:
        return told.bodies
    packed = np.ascontiguousarray(told.values.T).astype("<f8").tobytes()
    size = len(told.values) * 8
    prefix = _prefix(origin.layout or 0, size)
    return (prefix + packed[at : at + size] for at in range(0, len(packed), size))


def _beyond(rows: Mapping[Origin, int], most: int) -> list[Origin]:
    """The layouts beyond those that are kept apart: of fewest rows, and of these the later ones."""
    layouts = [origin for origin in rows if origin.layout is not None]
    return sorted(layouts, key=lambda origin: -rows[origin])[most:] if len(layouts) > most else []


def _of(told: Told, places: Sequence[int] | npt.NDArray[np.intp]) -> Told:
    """These of some rows that are kept as bodies."""
    which = np.asarray(places, np.intp)
    bodies = tuple(told.bodies[place] for place in places)
    return Told(told.at[which], told.received[which], told.epoch[which], told.number[which], None, bodies)


def _with_values(told: Told, places: Sequence[int], values: int) -> Told:
    """The same as samples of one layout."""
    one = _of(told, places)
    packed = np.frombuffer(b"".join(body[-8 * values :] for body in one.bodies), "<f8").reshape(-1, values)
    return Told(one.at, one.received, one.epoch, one.number, np.ascontiguousarray(packed.T, dtype=np.float64))


def _prefix(layout: int, size: int) -> bytes:
    """What stands in a sample's body before its values."""
    return msgpack.packb((layout, bytes(size)), use_bin_type=True)[:-size]  # type: ignore[no-any-return]


def _matrix(blob: bytes, size: int) -> Bytes | None:
    return np.frombuffer(blob, np.uint8).reshape(-1, size) if len(blob) % size == 0 else None


def _origin(record: bytes) -> tuple[Origin, int]:
    """Whose record this is, and where the values begin."""
    _, _, fields = next(walk(record))
    source, subject = names_in(record, 0, fields)
    body_at = len(record) - fields[Field.BODY]
    if fields[Field.KIND] != SAMPLE_CODE:
        return Origin(source, subject), body_at
    origin, start = _spoken(source, subject, record[body_at:])
    return origin, body_at + start


def _spoken(source: bytes, subject: bytes, body: bytes) -> tuple[Origin, int]:
    """Whose sample this is, and where its values begin; what is no sample of ours has neither layout nor values."""
    try:
        layout, packed = split_sample(body)
    except Unfit:
        return Origin(source, subject), 0
    start = len(body) - len(packed)
    if body[:start] == _prefix(layout, len(packed)):
        return Origin(source, subject, layout, len(packed) // 8), start
    return Origin(source, subject), 0


def _alike(whole: Bytes, start: int) -> bool:
    """Whether all records are of one origin."""
    # Magic, kind, flags and lengths; names and what stands before the values.
    return all((whole[:, part] == whole[0, part]).all() for part in (slice(0, 12), slice(HEADER.size, start)))


def _samples(whole: Bytes, received: Integers, start: int) -> Told:
    words = np.ascontiguousarray(whole[:, EPOCH : EPOCH + 24]).view(">u8").T.astype(np.uint64).view(np.int64)
    epoch, number, at = words
    values = np.ascontiguousarray(whole[:, start:]).view("<f8").T
    return Told(at, received, epoch, number, np.ascontiguousarray(values, dtype=np.float64))


def _received(groups: Sequence[Seen], size: int) -> Integers:
    """When each record was received; all are of one size."""
    counts, times = [], []
    for received, records, changes in groups:
        held = len(records) // size
        if changes:
            ends = [*(number for number, _ in changes), held]
            counts += [ends[0], *(end - first for first, end in pairwise(ends))]
            times += [received, *(later for _, later in changes)]
        else:
            counts.append(held)
            times.append(received)
    return np.repeat(np.array(times, np.int64), counts)


def _sorted_out(groups: Sequence[Seen]) -> dict[Origin, Told]:
    """As ``gathered``, for records that are not all alike."""
    sorts: dict[Origin, tuple[list[bytes], list[int], int]] = {}
    known: dict[bytes, tuple[Origin, int]] = {}
    for received, seen, changes in groups:
        blob, later = bytes(seen), dict(changes)
        for number, (begin, end, fields) in enumerate(walk(blob)):
            received = later.get(number, received)
            record = blob[begin:end]
            # As far as the values at most: the same start means the same origin.
            head = record[:12] + record[HEADER.size : len(record) - fields[Field.BODY] + 16]
            origin, start = known.get(head) or _origin(record)
            if fields[Field.KIND] == SAMPLE_CODE and origin.layout is not None and len(known) < 1000:
                known[head] = origin, start
            kept, times, _ = sorts.setdefault(origin, ([], [], start))
            kept.append(record)
            times.append(received)
    for origin in _beyond({origin: len(kept) for origin, (kept, _, _) in sorts.items()}, MOST_LAYOUTS):
        kept, times, _ = sorts.pop(origin)
        mute = sorts.setdefault(Origin(origin.source, origin.subject), ([], [], 0))
        mute[0].extend(kept)
        mute[1].extend(times)
    found = {}
    for origin, (kept, times, start) in sorts.items():
        received_at = np.array(times, np.int64)
        if origin.layout is None:
            told = _records(kept, received_at)
        else:
            told = _samples(np.frombuffer(b"".join(kept), np.uint8).reshape(len(kept), -1), received_at, start)
        found[origin] = _once(told)
    return found


def _records(kept: Sequence[bytes], received: Integers) -> Told:
    fields: list[tuple[Any, ...]] = [HEADER.unpack_from(record) for record in kept]
    return Told(
        np.array([one[9] for one in fields], np.int64),
        received,
        np.array([one[7] for one in fields], np.uint64).view(np.int64),
        np.array([one[8] for one in fields], np.uint64).view(np.int64),
        None,
        tuple(record[HEADER.size + one[3] + one[4] :] for record, one in zip(kept, fields, strict=True)),
    )


def _once(told: Told) -> Told:
    """The rows by time and receipt; what was told twice about one instant stays once, as it came first."""
    kept = told.kept
    if (kept[1:] > kept[:-1]).all():
        return told
    order = np.lexsort((told.received, kept))
    at = kept[order]
    if (at[1:] == at[:-1]).any():
        doubles = _doubles(told, np.argsort(kept, kind="stable"), kept)
        order = order[~np.isin(order, doubles)]
    elif (order[1:] > order[:-1]).all():
        return told
    return Told(
        told.at[order],
        told.received[order],
        told.epoch[order],
        told.number[order],
        None if told.values is None else np.ascontiguousarray(told.values[:, order]),
        tuple(told.bodies[place] for place in order) if told.values is None else (),
    )


def _doubles(told: Told, order: npt.NDArray[np.intp], kept: Integers) -> npt.NDArray[np.intp]:
    at = kept[order]
    equal = np.flatnonzero(at[1:] == at[:-1])
    doubles, seen = [], set()
    for place in sorted({*equal.tolist(), *(equal + 1).tolist()}):
        row = int(order[place])
        body = told.bodies[row] if told.values is None else told.values[:, row].tobytes()
        if (int(at[place]), body) in seen:
            doubles.append(row)
        seen.add((int(at[place]), body))
    return np.array(doubles, np.intp)
