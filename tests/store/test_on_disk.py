"""What is on the disk is what ``docs/storage.md`` says, read here with that page alone."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import lmdb
import msgpack
import pytest
import zstandard

from store.backends.lmdb import LmdbBackend
from store.sealer import Pace, Sealer
from tests.store.given import HOUR, NOON, batch, check, layout, sample

HOSTS = tuple(f"web-{n:02}" for n in range(20))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two commits, of which the first is of many hosts; its hour is sealed."""
    folder = tmp_path_factory.mktemp("on") / "store"
    backend = LmdbBackend(folder, write=True)
    backend.commit(batch([layout(), check(1), *(sample(1, host=host) for host in HOSTS)]), NOON)
    backend.commit(batch([sample(n) for n in range(2, 50)]), NOON)
    backend.commit(batch([sample(50, host=host) for host in HOSTS]), NOON)
    sealer = Sealer(folder, backend.partitions, backend.layouts, Pace(quiet=-(2**62)), logging.getLogger("sealer"))
    while sealer.turn(NOON + 2 * HOUR):
        pass
    sealer.close()
    backend.close()
    return folder


def entries(folder: Path, database: str | None = None) -> Iterator[tuple[bytes, bytes]]:
    with lmdb.open(str(folder), readonly=True, max_dbs=16) as environment:
        found = environment.open_db(database.encode() if database else None, create=False)
        with environment.begin() as txn:
            yield from txn.cursor(found)


def group(value: bytes) -> None:
    checksum, version, received = struct.unpack_from(">IB3xq", value)
    assert (checksum, version, received) == (crc32(value[4:]), 1, NOON)


def test_rows_and_fresh_rows(written: Path) -> None:
    rows = fresh = 0
    for key, value in entries(written / "rows/sample/20260131T12"):
        if key == b"\xff":
            records, size = struct.unpack(">QQ", value)
        elif key[0] == 0xFE:
            stripe, minute, commit, place = struct.unpack(">IIQB", key[1:])
            checksum, version, zero, count = struct.unpack_from(">IBBH", value)
            numbers = struct.unpack_from(f">{count}I", value, 8)
            ends = struct.unpack_from(f">{count}I", value, 8 + 4 * count)
            assert (checksum, version, zero) == (crc32(value[4 : 8 + 8 * count]), 1, 0)
            assert (stripe, minute * 60, commit, place) == (0, NOON // 10**9, 3, numbers[0])
            assert list(numbers) == sorted(numbers)
            groups = value[8 + 8 * count :]
            for start, end in zip((0, *ends), ends, strict=False):
                group(groups[start:end])
            fresh += count
        else:
            _, minute, commit = struct.unpack(">IIQ", key)
            assert minute * 60 == NOON // 10**9
            assert commit in (1, 2)
            group(value)
            rows += 1
    assert (records, fresh, rows) == (48 + 2 * len(HOSTS), len(HOSTS), len(HOSTS) + 1)
    assert size > 0


def test_the_state(written: Path) -> None:
    for database in ("series", "layouts", "heard", "streams"):
        for key, value in entries(written / "state", database):
            said = key + value[4:] if database in ("series", "streams") else value[4:]
            assert struct.unpack_from(">I", value) == (crc32(said),), database
    numbers = {key[1:]: struct.unpack(">Iq", value[4:]) for key, value in entries(written / "state", "series")}
    assert numbers[b"web-00"][1] == NOON + 10**9
    for key, value in entries(written / "state", "latest"):
        checksum, received = struct.unpack_from(">Iq", value)
        assert (len(key), checksum, received) == (4, crc32(value[12:]), NOON)
    ((_, names),) = entries(written / "state", "layouts")
    assert names[4:].split(b"\n") == [b"cpu.percent", b"memory.used"]
    meta = dict(entries(written / "state", "meta"))
    assert meta[b"checksum"] == struct.pack(">I", crc32(meta[b"state"]))
    assert msgpack.unpackb(meta[b"state"])["commits"] == 3


def test_a_file_its_index_and_a_part(written: Path) -> None:
    data = (written / "blocks/sample/raw/20260131T12.1h").read_bytes()
    assert data[:8] == b"GSEG\x01\0\0\0"
    at, size, checksum, end = struct.unpack("<QII4s", data[-20:])
    assert (at + size + 20, end) == (len(data), b"GEND")
    assert checksum == crc32(data[at : at + size + 12])
    unpacked = zstandard.ZstdDecompressor(format=zstandard.FORMAT_ZSTD1_MAGICLESS).decompress(data[at : at + size])
    kind, tier, start, until, parts, layouts, sources = msgpack.unpackb(unpacked, strict_map_key=False)
    assert (kind, tier, start, until) == ("sample", "raw", NOON, NOON + HOUR)
    assert list(layouts.values()) == [["cpu.percent", "memory.used"]]
    assert [source[0] for source in sources] == [NOON]
    for subject, _, _, _, values, what, columns, rows, first, last, offset, length in parts:
        part = data[offset : offset + length]
        version, of, count, told, checksum, table = struct.unpack_from("<BBHIII", part)
        assert (version, of, count, told) == (3, what, columns, rows)
        assert checksum == crc32(part[:8] + part[12 : 16 + table])
        seconds = (2, 49) if subject == "web-1" else (1, 50)
        assert (columns, first, last) == (4 + values, *(NOON + second * 10**9 for second in seconds))


def test_the_roll(written: Path) -> None:
    lines = (written / "blocks/roll").read_text().splitlines()
    assert len(lines) == 1
    checksum, _, said = lines[0].partition(" ")
    assert checksum == f"{crc32(said.encode()):08x}"
    assert said == f"+ sample/raw/20260131T12.1h {48 + 2 * len(HOSTS)}"
