"""The state's own record of itself, and how a store of an older format becomes one of the present format.

    meta   "state"     ->  msgpack: format, generation, commits; counts of records, deleted, sealed, moved; leaving
                           (``store.backends.leaving``), ...
           "checksum"  ->  CRC-32 of that, since format 2

A format is raised when what is on disk would be misread by the version before. Its step in ``STEPS`` runs in one
transaction together with the new number: a store is of the old format or of the new one, whenever the power goes.

    1   the first
    2   a checksum on each series and on the state's own record; a copy is marked as one
    3   partitions of rows may hold fresh values (``store.fresh``); what was there before stays as it is
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import lmdb
import msgpack

from bus.messages import BY_CODE
from bus.wire import HEADER, Malformed, walk
from store.backends import StoreBroken
from store.backends.values import pack_series, unpack_latest, unpack_series
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
        raise StoreBroken(f"{path} is of format {known}, this Guardia reads up to {FORMAT}: a later one wrote it")
    for step in range(known, FORMAT):
        with environment.begin(write=True) as txn:
            STEPS[step](txn, db)
            meta["format"] = step + 1
            write_meta(txn, db, meta)
        logging.getLogger("guardia").info("%s is now of format %d", path, step + 1)
    return meta


def series_of(
    environment: lmdb.Environment, db: Databases, note: Callable[[str], None]
) -> tuple[dict[bytes, int], int]:
    """(number of each series by its key, the next number); a damaged one is known by its newest record."""
    found: dict[bytes, int] = {}
    lost: list[bytes] = []
    following = 0
    with environment.begin() as txn:
        for key, value in txn.cursor(db["series"]):
            series = unpack_series(value)
            if series is None:
                lost.append(bytes(key))
                continue
            found[bytes(key)] = series[0]
            following = max(following, series[0] + 1)
        if txn.cursor(db["latest"]).last():
            cursor = txn.cursor(db["latest"])
            cursor.last()
            following = max(following, NUMBER.unpack(cursor.key())[0] + 1)
        mended = _by_newest(txn, db, lost) if lost else {}
    if mended:
        with environment.begin(write=True) as txn:
            for key, (number, at) in mended.items():
                txn.put(key, pack_series(number, at), db=db["series"])
    for key in lost:
        note(f"the series {key[1:].decode(errors='replace')}: its number" + (", mended" if key in mended else ""))
    return found | {key: number for key, (number, _) in mended.items()}, following


def _by_newest(txn: lmdb.Transaction, db: Databases, lost: list[bytes]) -> dict[bytes, tuple[int, int]]:
    """(number, time) of those series whose newest record is there."""
    found = {}
    for number, value in txn.cursor(db["latest"]):
        stored = unpack_latest(value)
        if stored is not None:
            key, at = series_of_record(stored.record)
            if key in lost:
                found[key] = NUMBER.unpack(number)[0], at
    return found


def series_of_record(record: bytes) -> tuple[bytes, int]:
    """(key of the series, time) of a record; of no series when it is malformed."""
    try:
        _, _, fields = next(walk(record))
    except (Malformed, StopIteration):
        return b"", 0
    names = HEADER.size
    source, subject = record[names : names + fields[3]], record[names + fields[3] : names + fields[3] + fields[4]]
    return bytes((BY_CODE[fields[1]].code,)) + (subject or source), fields[9]


def _checksums(txn: lmdb.Transaction, db: Databases) -> None:
    """From 1 to 2."""
    # All at once: there are as many as hosts and services, and each is smaller than its name.
    for key, value in [(bytes(key), unpack_series(value)) for key, value in txn.cursor(db["series"])]:
        if value is not None:
            txn.put(key, pack_series(*value), db=db["series"])


def _nothing(txn: lmdb.Transaction, db: Databases) -> None:
    """From 2 to 3: all of the format before is of the next one too, which that before would misread."""


STEPS: dict[int, Callable[[lmdb.Transaction, Databases], None]] = {1: _checksums, 2: _nothing}
"""What makes a state of this format one of the next."""


def with_prefix(cursor: lmdb.Cursor, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The entries whose keys begin so."""
    if cursor.set_range(prefix):
        for key, value in cursor:
            name = bytes(key)
            if not name.startswith(prefix):
                return
            yield name, bytes(value)
