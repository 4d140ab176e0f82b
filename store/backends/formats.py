"""The state's own record of itself, and how a store of an older format becomes one of the present format.

    meta   "state"     ->  msgpack: format, generation, commits; counts of records, deleted, sealed, moved; leaving
                           (``store.backends.leaving``), ...
           "checksum"  ->  CRC-32 of that, since format 2

A format is raised when what is on disk would be misread by the version before. Its step in ``STEPS`` runs in one
transaction together with the new number: a store is of the old format or of the new one, whenever the power goes.

    1   the first
    2   a checksum on each series and on the state's own record; a copy is marked as one
    3   partitions of rows may hold fresh values (``store.fresh``); what was there before stays as it is
    4   the checksum of a series and that of a stream are of its key too
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

import lmdb
import msgpack

from bus.messages import BY_CODE
from bus.wire import Field, Malformed, names_in, walk
from store.backends import StoreBroken
from store.backends.values import pack_series, pack_stream, unpack_latest, unpack_series, unpack_stream
from store.keys import FORMAT, NUMBER

STATE, CHECKSUM = b"state", b"checksum"
DATABASES = ("series", "layouts", "latest", "streams", "meta")
LEAP = 1 << 32
"""So many commits further goes a store that does not know how many it had: no row's key may come twice."""
Databases = dict[str, Any]
Meta = dict[str, Any]


def databases(environment: lmdb.Environment, *, write: bool) -> Databases:
    """The state's databases. What is missing is made in one transaction: a kill leaves none of a new store, or all."""
    if not write:
        return {name: environment.open_db(name.encode(), create=False) for name in DATABASES}
    with environment.begin(write=True) as txn:
        return {name: environment.open_db(name.encode(), txn=txn) for name in DATABASES}


def read_meta(txn: lmdb.Transaction, db: Databases) -> Meta | None:
    """The state's record of itself; empty of a new store, None when it is damaged."""
    value = txn.get(STATE, db=db["meta"])
    if value is None:
        return {}
    checksum = txn.get(CHECKSUM, db=db["meta"])
    try:
        meta = dict(msgpack.unpackb(value))
    except (ValueError, TypeError, msgpack.UnpackException):
        return None
    if checksum is None:
        return meta if meta.get("format") == 1 else None
    return meta if NUMBER.pack(crc32(value)) == bytes(checksum) else None


def write_meta(txn: lmdb.Transaction, db: Databases, meta: Meta) -> None:
    """Put the state's record of itself, with its checksum."""
    value = msgpack.packb(meta)
    txn.put(STATE, value, db=db["meta"])
    txn.put(CHECKSUM, NUMBER.pack(crc32(value)), db=db["meta"])


def brought_up(environment: lmdb.Environment, db: Databases, path: Path) -> Meta:
    """The record of a state that is now of the present format; raises ``StoreBroken`` for one of a later version."""
    with environment.begin() as txn:
        meta = read_meta(txn, db)
    if meta is None:
        logging.getLogger("guardia").error("damaged: %s: its record of itself is made anew, as after a copy", path)
        return {"format": FORMAT, "copy": True, "commits": LEAP}
    if not meta:
        return {"format": FORMAT}
    known = int(meta.get("format", 1))
    if known > FORMAT:
        raise StoreBroken(
            f"{path} is of format {known}, this Guardia reads up to {FORMAT}: a later one wrote it; update, or put "
            "back a snapshot from before, by guardia store restore DIR"
        )
    for step in range(known, FORMAT):
        with environment.begin(write=True) as txn:
            STEPS[step](txn, db)
            meta["format"] = step + 1
            write_meta(txn, db, meta)
        logging.getLogger("guardia").info("%s is now of format %d", path, step + 1)
    return meta


def mended(environment: lmdb.Environment, db: Databases, note: Callable[[str], None]) -> tuple[dict[bytes, int], int]:
    """As ``series_of``, of a state of which what is damaged is mended or forgotten; ``note`` is told of it."""
    drop_damaged_streams(environment, db, note)
    return series_of(environment, db, note)


def series_of(
    environment: lmdb.Environment, db: Databases, note: Callable[[str], None]
) -> tuple[dict[bytes, int], int]:
    """(number of each series by its key, the next number); a damaged one is known by its newest record."""
    found: dict[bytes, int] = {}
    lost: list[tuple[bytes, int]] = []
    following = 0
    with environment.begin() as txn:
        for key, value in txn.cursor(db["series"]):
            series = unpack_series(key, value)
            if series is None:
                lost.append((bytes(key), int.from_bytes(value[4:8], "big")))
                continue
            found[bytes(key)] = series[0]
            following = max(following, series[0] + 1)
        cursor = txn.cursor(db["latest"])
        if cursor.last():
            following = max(following, NUMBER.unpack(cursor.key())[0] + 1)
        again = _by_newest(txn, db, found) if lost else {}
    numbers = {number for number, _ in again.values()}
    if again:
        with environment.begin(write=True) as txn:
            pairs = [(bytes(key), bytes(value)) for key, value in txn.cursor(db["series"])]
            left = {key for key, number in lost if number not in numbers}
            held = {
                key: value
                for key, value in pairs
                if unpack_series(key, value) is not None or (key in left and key not in found)
            }
            _write_anew(txn, db["series"], held | {key: pack_series(key, *one) for key, one in again.items()})
    for key, number in lost:
        what = "its number, mended" if key in again else "its name, mended" if number in numbers else "its number"
        note(f"the series {key[1:].decode(errors='replace')}: {what}")
    return found | {key: number for key, (number, _) in again.items()}, following


def _by_newest(txn: lmdb.Transaction, db: Databases, found: Mapping[bytes, int]) -> dict[bytes, tuple[int, int]]:
    """(number, time) of the series that were not found and whose newest record is there."""
    again = {}
    taken = set(found.values())
    for packed, value in txn.cursor(db["latest"]):
        stored, number = unpack_latest(value), NUMBER.unpack(packed)[0]
        if stored is not None and number not in taken:
            key, at = series_of_record(stored.record)
            if key not in found:
                again[key] = number, at
    return again


def drop_damaged_streams(environment: lmdb.Environment, db: Databases, note: Callable[[str], None]) -> None:
    """Forget the streams of which nobody knows whose they are, or how far: their producers offer them again.

    On a full disk they stay, and are not read.
    """
    with environment.begin() as txn:
        pairs = [(bytes(key), bytes(value)) for key, value in txn.cursor(db["streams"])]
    lost = [key for key, value in pairs if unpack_stream(key, value) is None]
    if not lost:
        return
    with contextlib.suppress(lmdb.Error), environment.begin(write=True) as txn:
        sound = {key: value for key, value in pairs if unpack_stream(key, value) is not None}
        _write_anew(txn, db["streams"], sound)
    for key in lost:
        note(f"the stream {key!r}")


def _write_anew(txn: lmdb.Transaction, database: Any, held: Mapping[bytes, bytes]) -> None:
    """Have a database hold these and no others: a key in which a bit was flipped is found in no other way."""
    txn.drop(database, delete=False)
    for key, value in sorted(held.items()):
        txn.put(key, value, db=database)


def series_of_record(record: bytes) -> tuple[bytes, int]:
    """(key of the series, time) of a record; of no series when it is malformed."""
    try:
        _, _, fields = next(walk(record))
    except (Malformed, StopIteration):
        return b"", 0
    source, subject = names_in(record, 0, fields)
    return bytes((BY_CODE[fields[Field.KIND]].code,)) + (subject or source), fields[Field.AT]


def _checksums(txn: lmdb.Transaction, db: Databases) -> None:
    """From 1 to 2."""
    # All at once: there are as many as hosts and services, and each is smaller than its name.
    held = {bytes(key): bytes(value) for key, value in txn.cursor(db["series"])}
    series = {key: unpack_series(key, value) for key, value in held.items()}
    _write_anew(txn, db["series"], held | {key: pack_series(key, *one) for key, one in series.items() if one})


def _nothing(txn: lmdb.Transaction, db: Databases) -> None:
    """From 2 to 3: all of the format before is of the next one too, which that before would misread."""


def _of_keys(txn: lmdb.Transaction, db: Databases) -> None:
    """From 3 to 4."""
    _checksums(txn, db)
    held = {bytes(key): bytes(value) for key, value in txn.cursor(db["streams"])}
    streams = {key: unpack_stream(key, value) for key, value in held.items()}
    _write_anew(txn, db["streams"], held | {key: pack_stream(key, one) for key, one in streams.items() if one})


STEPS: dict[int, Callable[[lmdb.Transaction, Databases], None]] = {1: _checksums, 2: _nothing, 3: _of_keys}
"""What makes a state of this format one of the next."""


def with_prefix(cursor: lmdb.Cursor, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The entries whose keys begin so."""
    if cursor.set_range(prefix):
        for key, value in cursor:
            name = bytes(key)
            if not name.startswith(prefix):
                return
            yield name, bytes(value)
