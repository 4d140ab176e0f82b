"""Stores to care for, and ways to damage them."""

from __future__ import annotations

from pathlib import Path

import lmdb

from store.backends.lmdb import LmdbBackend
from tests.store.given import DAY, HOUR, NOON, SECOND, batch, check, facts, layout, sample

LATE = NOON + 3 * HOUR
HOSTS = ("web-1", "web-2", "db-1")


def filled(path: Path, *, commits: int = 40) -> LmdbBackend:
    """An open store with three hosts over two hours, a check, facts and a stream."""
    backend = LmdbBackend(path, write=True)
    backend.commit(batch([layout(), facts(1, "6.1"), check(1)]), LATE)
    for number in range(1, commits + 1):
        records = [sample(number * 180, host=host, cpu=float(number)) for host in HOSTS]
        streams = [(b"web-1\x00\x00\x00\x00\x00\x00\x00\x00\x07", stream(number))]
        backend.commit(batch(records, received=LATE), LATE + number * SECOND, (streams, []))
    return backend


def stream(number: int) -> bytes:
    """How far a stream is stored, as the receiver says it."""
    from bus.delivery.receiver import Receiver

    receiver = Receiver(1, 1, [])
    for one in range(1, number + 1):
        receiver.admit("web-1", 7, one, 1, 1, LATE / 1e9)
    return next(value for _, value in receiver.changes()[0])


def flip(file: Path, value: bytes, place: int) -> None:
    """Turn over a bit of ``value``, wherever it stands in the file: old copies of a page stay in it."""
    data = bytearray(file.read_bytes())
    at = data.find(value)
    assert at >= 0
    while at >= 0:
        data[at + place] ^= 1
        at = data.find(value, at + len(value))
    file.write_bytes(data)


def change(folder: Path, key: bytes, value: bytes | None) -> None:
    """Write an entry of a closed partition as no store would; None takes it away."""
    with lmdb.open(str(folder), map_size=2**40, readahead=False) as opened, opened.begin(write=True) as txn:
        if value is None:
            txn.delete(key)
        else:
            txn.put(key, value)


def contents(folder: Path) -> list[tuple[bytes, bytes]]:
    """All entries of a partition."""
    with lmdb.open(str(folder), map_size=2**40, readahead=False) as opened, opened.begin() as txn:
        return [(bytes(key), bytes(value)) for key, value in txn.cursor()]


def hour(path: Path, number: int = 0) -> Path:
    """A partition of samples of the store in ``path``."""
    return path / "rows" / "sample" / f"20260131T{12 + number}"


__all__ = ["DAY", "HOSTS", "HOUR", "LATE", "NOON", "SECOND", "change", "contents", "filled", "flip", "hour", "stream"]
