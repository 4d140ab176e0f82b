"""Small stores as each format before the present one kept them, made anew for every test: golden, and no binary."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import lmdb
import msgpack

from bus.delivery.stream import Stream
from bus.messages import layout_id
from bus.wire import Record, pack
from store.backends.values import pack_latest, pack_names
from store.keys import COUNT, COUNT_KEY, row_key, series_key
from store.rows import group
from tests.store.given import LAYOUT, MINUTE, NOON, SECOND, check, sample

GENERATION = 1_769_860_800_000 << 16
STREAM = (b"web-1\x00\x00\x00\x00\x00\x00\x00\x00\x07", Stream("web-1", 7).encode())
PARTITIONS = {
    ("sample", "20260131T12"): [(0, [sample(1), sample(2)]), (1, [sample(3, host="db-1")])],
    ("check", "20260131T00"): [(2, [check(1)])],
}
SERIES = {series_key("sample", b"web-1"): 0, series_key("sample", b"db-1"): 1, series_key("check", b"shop"): 2}


def format_1(path: Path) -> None:
    """What the first format kept: series and the state's record of itself without checksums."""
    _store(path, 1, lambda number, at: number.to_bytes(4, "big") + at.to_bytes(8, "big"))


def format_2(path: Path) -> None:
    """What the second format kept: rows alone, nothing fresh."""
    _store(path, 2, _with_checksum)


def format_3(path: Path) -> None:
    """What the third format kept: series and streams with checksums that are not of their keys."""
    _store(path, 3, _with_checksum)


def _with_checksum(number: int, at: int) -> bytes:
    return _checked(number.to_bytes(4, "big") + at.to_bytes(8, "big"))


def _checked(value: bytes) -> bytes:
    return crc32(value).to_bytes(4, "big") + value


def _store(path: Path, known: int, packed: Callable[[int, int], bytes]) -> None:
    for (kind, name), groups in PARTITIONS.items():
        _partition(path / "rows" / kind / name, groups)
    meta = {"format": known, "generation": GENERATION, "commits": 1, "records": {"sample": 3, "check": 1}}
    with _environment(path / "state") as state:
        names = ("series", "layouts", "latest", "streams", "meta")
        db = {name: state.open_db(name.encode()) for name in names}
        with state.begin(write=True) as txn:
            for key, number in SERIES.items():
                txn.put(key, packed(number, NOON + SECOND), db=db["series"])
            txn.put(layout_id(LAYOUT.names).to_bytes(8, "big"), pack_names(LAYOUT.names), db=db["layouts"])
            for groups in PARTITIONS.values():
                for number, records in groups:
                    newest = pack_latest(NOON, pack(records[-1]))
                    txn.put(number.to_bytes(4, "big"), newest, db=db["latest"])
            txn.put(STREAM[0], _checked(STREAM[1]), db=db["streams"])
            txn.put(b"state", written := msgpack.packb(meta), db=db["meta"])
            if known > 1:
                txn.put(b"checksum", crc32(written).to_bytes(4, "big"), db=db["meta"])


FORMATS: dict[int, Callable[[Path], None]] = {1: format_1, 2: format_2, 3: format_3}
"""Makes a store of each older format in an empty folder: web-1 and db-1 with three samples, a check of the shop."""


def _partition(path: Path, groups: list[tuple[int, list[Record]]]) -> None:
    records = size = 0
    with _environment(path) as made, made.begin(write=True) as txn:
        for number, held in groups:
            value = group(NOON, [pack(record) for record in held])
            txn.put(row_key(number, held[0].at // MINUTE, 1), value)
            records, size = records + len(held), size + len(value)
        txn.put(COUNT_KEY, COUNT.pack(records, size))


def _environment(path: Path) -> lmdb.Environment:
    path.mkdir(parents=True)
    return lmdb.open(str(path), map_size=2**20, max_dbs=8)
