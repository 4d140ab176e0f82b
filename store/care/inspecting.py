"""Reads every entry of an LMDB environment of the store and says what does not fit: keys, checksums, counts.

Each inspector takes an open environment and gives a ``Finding``. One transaction sees all of it as it was at one
instant, whatever a writer does meanwhile; memory is bounded by the largest value and ``MOST_FAULTS``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import lmdb

from bus.delivery.stream import Stream, read_key
from bus.messages import BY_CODE, KINDS, layout_id
from bus.timing import MINUTE, SECOND
from bus.wire import Field, Malformed, verify, walk
from store.backends.formats import DATABASES, read_meta, series_of_record
from store.backends.layouts import unpack_heard
from store.backends.values import unpack_latest, unpack_names, unpack_series, unpack_stream
from store.blocks.aside import misplaced
from store.blocks.pressing import Damaged as SegmentDamaged
from store.blocks.segments import Segment
from store.fresh import groups_in
from store.keys import (
    COUNT,
    COUNT_KEY,
    FORMAT,
    FRESH,
    LAYOUT,
    NUMBER,
    ROW,
    STRIPE,
    dated,
    is_fresh,
    partition_start,
    period,
)
from store.rows import Damaged, opened
from store.spans import RAW

MOST_FAULTS = 50
"""Faults of one file that are told one by one."""
Series = dict[int, bytes]
"""The key (``store.keys.series_key``) of each series by its number."""


@dataclass
class Finding:
    """What one environment holds, and what is wrong with it; ``more`` are faults beyond those that are told."""

    entries: int = 0
    records: int = 0
    bytes: int = 0
    faults: list[str] = field(default_factory=list)
    more: int = 0
    meta: dict[str, Any] = field(default_factory=dict)

    def fault(self, what: str) -> None:
        """Note a fault."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(what)
        else:
            self.more += 1

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def entries(txn: lmdb.Transaction, database: Any, found: Finding, name: str = "") -> Iterator[tuple[bytes, bytes]]:
    """All entries in the order of their keys; notes when that is not their order, or not their number."""
    promised = txn.stat(database)["entries"]
    count, last = 0, b""
    for key, value in txn.cursor(database):
        name_of_key = bytes(key)
        # A page that leads back to an earlier one would go round for ever.
        if (count and name_of_key <= last) or count > promised:
            found.fault(f"{name}key {name_of_key.hex()}: the keys are not in their order, the rest is not read")
            return
        last = name_of_key
        count += 1
        yield name_of_key, bytes(value)
    found.entries += count
    if count != promised:
        found.fault(f"{name}{count} entries, the tree says {promised}")


def inspect_rows(
    environment: lmdb.Environment, kind: str, name: str, series: Callable[[int], bytes | None] | None
) -> Finding:
    """A partition of rows; ``series`` gives the key of a number, None when nobody has it; None: nobody can know."""
    found = Finding()
    start = partition_start(name)
    minutes = range(start // MINUTE, (start + period(kind)) // MINUTE)
    counted: tuple[int, int] | None = None
    with environment.begin(buffers=True) as txn:
        for key, value in entries(txn, environment.open_db(None, txn=txn, create=False), found):
            if key == COUNT_KEY:
                counted = COUNT.unpack(value)
            elif is_fresh(key):
                _inspect_fresh(found, kind, key, value, minutes, series)
            elif len(key) != ROW.size:
                found.fault(f"key {key.hex()}: {len(key)} bytes, a row's key has {ROW.size}")
            else:
                found.bytes += len(value)
                _inspect_group(found, kind, f"key {key.hex()}", ROW.unpack(key), value, minutes, series)
    held = (found.records, found.bytes)
    if (counted or (0, 0)) != held and not found.faults:
        found.fault(f"key {COUNT_KEY.hex()}: counts {counted and counted[0]} records, {held[0]} are there")
    return found


def _inspect_fresh(
    found: Finding, kind: str, key: bytes, value: bytes, minutes: range, series: Callable[[int], bytes | None] | None
) -> None:
    _, stripe, minute, commit, place = FRESH.unpack(key)
    where = f"key {key.hex()}"
    found.bytes += len(value)
    try:
        groups = groups_in(value)
    except Damaged as error:
        found.fault(f"{where}, fresh rows of {_moment(minute)}, commit {commit}: {error}; {len(value)} bytes")
        return
    numbers = [number for number, _ in groups]
    if numbers != sorted(set(numbers)) or numbers[0] % STRIPE != place or {n // STRIPE for n in numbers} != {stripe}:
        found.fault(f"{where}: series that are not of this stripe, or not in their order")
    for number, group in groups:
        _inspect_group(found, kind, where, (number, minute, commit), group, minutes, series)


def _inspect_group(
    found: Finding,
    kind: str,
    where: str,
    key: tuple[int, int, int],
    value: bytes,
    minutes: range,
    series: Callable[[int], bytes | None] | None,
) -> None:
    number, minute, commit = key
    whose = series(number) if series else None
    place = f"series {number}" + (f" ({whose[1:].decode(errors='replace')})" if whose else "")
    where = f"{where}, {place}, {_moment(minute)}, commit {commit}"
    if series and (whose is None or whose[0] != KINDS[kind].code):
        found.fault(f"{where}: no such series of {kind}")
    if minute not in minutes:
        found.fault(f"{where}: not in this partition's time")
    try:
        _, records, _ = opened(value)
        spans = list(walk(records))
        for _, _, fields in spans:
            if dated(fields[Field.AT]) // MINUTE != minute or BY_CODE[fields[Field.KIND]].name != kind:
                found.fault(f"{where}: a record of another time or kind")
        found.records += len(spans)
        if spans and whose and series_of_record(records[spans[0][0] : spans[0][1]])[0] != whose:
            found.fault(f"{where}: a record of another series")
    except (Damaged, Malformed) as error:
        found.fault(f"{where}: {error}; {len(value)} bytes")


def inspect_state(environment: lmdb.Environment) -> tuple[Finding, Series]:
    """The state, and whose number is which."""
    found = Finding()
    series: Series = {}
    with environment.begin(buffers=True) as txn:
        try:
            db = {name: environment.open_db(name.encode(), txn=txn, create=False) for name in DATABASES}
        except lmdb.NotFoundError:
            found.fault("not all of its databases are there")
            return found, series
        meta = read_meta(txn, db)
        if meta is None:
            found.fault("meta, key state: the checksum does not hold")
        elif meta and not 1 <= int(meta.get("format", 1)) <= FORMAT:
            found.fault(f"meta, key state: of format {meta['format']}, this Guardia reads up to {FORMAT}")
        found.meta = meta or {}
        for key, value in entries(txn, db["series"], found, "series, "):
            pair = unpack_series(key, value)
            if pair is None or pair[0] in series or not key or key[0] not in BY_CODE:
                why = "its checksum does not hold" if pair is None else "a number or a kind that cannot be"
                found.fault(f"series, key {key.hex()} ({key[1:].decode(errors='replace')}): {why}")
            else:
                series[pair[0]] = key
        for key, value in entries(txn, db["layouts"], found, "layouts, "):
            names = unpack_names(value)
            if not names or LAYOUT.pack(layout_id(names)) != key:
                found.fault(f"layouts, key {key.hex()}: the names are not those of this layout")
        _inspect_heard(environment, txn, found)
        for key, value in entries(txn, db["latest"], found, "latest, "):
            _inspect_latest(found, key, value, series)
        for key, value in entries(txn, db["streams"], found, "streams, "):
            _inspect_stream(found, key, value)
    return found, series


def _inspect_heard(environment: lmdb.Environment, txn: lmdb.Transaction, found: Finding) -> None:
    try:
        heard = environment.open_db(b"heard", txn=txn, create=False)
    except lmdb.NotFoundError:
        return  # no writer has opened it since there is one
    for key, value in entries(txn, heard, found, "heard, "):
        if len(key) != LAYOUT.size or unpack_heard(value) is None:
            found.fault(f"heard, key {key.hex()}: the checksum does not hold")


def _inspect_latest(found: Finding, key: bytes, value: bytes, series: Series) -> None:
    where = f"latest, key {key.hex()}"
    stored = unpack_latest(value)
    if len(key) != NUMBER.size or NUMBER.unpack(key)[0] not in series:
        found.fault(f"{where}: no such series")
    elif stored is None or not verify(stored.record, 0, len(stored.record)):
        found.fault(f"{where}: the checksum does not hold")
    elif series_of_record(stored.record)[0] != series[NUMBER.unpack(key)[0]]:
        found.fault(f"{where}: a record of another series")


def _inspect_stream(found: Finding, key: bytes, value: bytes) -> None:
    stream = unpack_stream(key, value)
    try:
        if stream is not None:
            Stream(*read_key(key)).load(stream)
            return
    except Exception:  # whatever its bytes provoke, it is damaged
        stream = None
    found.fault(f"streams, key {key.hex()} ({key[:-9].decode(errors='replace')}): the checksum does not hold")


def inspect_any(environment: lmdb.Environment) -> Finding:
    """An environment of which nothing more is known: whether all of it can be read."""
    found = Finding()
    with environment.begin(buffers=True) as txn:
        for _, value in entries(txn, environment.open_db(None, txn=txn, create=False), found):
            found.bytes += len(value)
    return found


def inspect_segment(path: Path) -> Finding:
    """A file of blocks: its index, each part, and whether it is what its place says."""
    found = Finding()
    try:
        segment = Segment(path)
    except SegmentDamaged as error:
        found.fault(f"the index: {str(error).removeprefix(f'{path}').removeprefix(':').strip()}")
        return found
    try:
        index = segment.index
        if other := misplaced(index, path):
            found.fault(other)
        for sentence in segment.verify():
            found.fault(sentence.removeprefix(f"{path}: "))
        found.entries = len(index.parts)
        found.records = index.rows if index.tier == RAW else 0
        found.bytes = segment.bytes
    finally:
        segment.close()
    return found


def inspect_archived(path: Path) -> Finding:
    """A file of the archive: its index, each place, each page, and whether it is what its folder says."""
    # pyarrow is large: who has no archive never has it in memory.
    from store.archive.parquet import Archived

    found = Finding()
    try:
        file = Archived(path)
    except SegmentDamaged as error:
        found.fault(str(error))
        return found
    try:
        if other := file.misplaced():
            found.fault(other)
        for sentence in file.verify():
            found.fault(sentence.removeprefix(f"{path}: "))
        found.entries = len(file.index.places)
        found.records = file.index.rows
        found.bytes = path.stat().st_size
    finally:
        file.close()
    return found


def _moment(minute: int) -> str:
    return time.strftime("%Y-%m-%d %H:%MZ", time.gmtime(minute * MINUTE // SECOND))
