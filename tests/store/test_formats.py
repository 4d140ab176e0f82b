"""A store of any older format is brought up by the first writer that opens it; damage in the state heals or is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zlib import crc32

import lmdb
import pytest

from bus.delivery.stream import Stream
from store.backends import StoreBroken
from store.backends.formats import DATABASES, LEAP, STEPS, brought_up, read_meta, series_of, write_meta
from store.backends.lmdb import LmdbBackend
from store.keys import FORMAT, series_key
from tests.store.formats import FORMATS, GENERATION, STREAM
from tests.store.given import HOUR, LAYOUT, NOON, batch, numbers, sample

LATE = NOON + HOUR


def state_of(path: Path) -> tuple[lmdb.Environment, dict[str, Any]]:
    """The state of a closed store, open."""
    state = lmdb.open(str(path / "state"), map_size=2**40, max_dbs=8)
    return state, {name: state.open_db(name.encode()) for name in DATABASES}


def flip(path: Path, database: str, key: bytes, place: int) -> None:
    """Turn a bit of a value of the state over."""
    state, db = state_of(path)
    with state.begin(write=True) as txn:
        value = bytearray(bytes(txn.get(key, db=db[database]) or b""))
        value[place] ^= 4
        txn.put(key, bytes(value), db=db[database])
    state.close()


def flip_key(path: Path, database: str, key: bytes, bit: int) -> bytes:
    """Turn a bit of a key of the state over, where it stands; returns what the key is then."""
    file = path / "state" / "data.mdb"
    flipped = bytearray(key)
    flipped[bit // 8] ^= 1 << bit % 8
    state, db = state_of(path)
    with state.begin() as txn:
        value = bytes(txn.get(key, db=db[database]) or b"")
    state.close()
    data = file.read_bytes()
    assert key + value in data
    file.write_bytes(data.replace(key + value, bytes(flipped) + value))
    return bytes(flipped)


def test_every_format_before_this_one_has_a_step_and_a_golden_store() -> None:
    assert sorted(STEPS) == sorted(FORMATS) == list(range(1, FORMAT))


@pytest.mark.parametrize("known", FORMATS)
def test_an_older_store_is_brought_up_and_holds_what_it_held(known: int, tmp_path: Path) -> None:
    path = tmp_path / "store"
    FORMATS[known](path)

    backend = LmdbBackend(path, write=True)
    backend.commit(batch([sample(5), sample(6, host="new-1")]), LATE)

    assert numbers(backend.rows("sample", "web-1", 0, LATE)) == [1, 2, 5]
    assert numbers(backend.rows("sample", "db-1", 0, LATE)) == [3]
    assert numbers(backend.rows("sample", "new-1", 0, LATE)) == [6]
    assert len(backend.rows("check", "shop", 0, LATE)) == 1
    assert backend.layouts((LAYOUT.id,)) == {LAYOUT.id: LAYOUT.names}
    assert backend.streams() == [STREAM]
    assert backend.generation == GENERATION
    assert backend.statistics()["records"] == {"sample": 5, "check": 1}
    assert backend.damaged == []
    backend.close()
    state, db = state_of(path)
    with state.begin() as txn:
        assert (read_meta(txn, db) or {})["format"] == FORMAT
        for database in ("series", "streams"):
            held = [(bytes(key), bytes(value)) for key, value in txn.cursor(db[database])]
            assert held
            assert all(value[:4] == crc32(key + value[4:]).to_bytes(4, "big") for key, value in held)
    state.close()


@pytest.mark.parametrize("known", FORMATS)
def test_a_reader_reads_an_older_store_before_a_writer_came(known: int, tmp_path: Path) -> None:
    FORMATS[known](tmp_path / "store")
    reader = LmdbBackend(tmp_path / "store", write=False)
    assert numbers(reader.rows("sample", "web-1", 0, LATE)) == [1, 2]
    assert [one.subject for one in reader.subjects("sample")] == ["db-1", "web-1"]
    reader.close()


def test_a_later_format_is_left_alone(tmp_path: Path) -> None:
    LmdbBackend(tmp_path, write=True).close()
    state, db = state_of(tmp_path)
    with state.begin(write=True) as txn:
        write_meta(txn, db, {"format": FORMAT + 1})
    with pytest.raises(
        StoreBroken, match=f"of format {FORMAT + 1}, .* up to {FORMAT}.*; update, or .* store restore DIR"
    ):
        brought_up(state, db, tmp_path)
    state.close()
    for _ in range(2):
        with pytest.raises(StoreBroken, match=f"of format {FORMAT + 1}, this Guardia reads up to {FORMAT}"):
            LmdbBackend(tmp_path, write=True)
    assert list((tmp_path / "at").iterdir()) == [], "nothing of it is held, so that it may be tried again"


@pytest.mark.parametrize("place", range(16))
def test_a_flipped_bit_in_a_series_is_told_and_mended_from_its_newest_record(place: int, tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path, write=True)
    backend.commit(batch([sample(1), sample(2, host="db-1"), sample(3, host="web-2")]), LATE)
    backend.close()
    flip(tmp_path, "series", series_key("sample", b"web-2"), place)

    again = LmdbBackend(tmp_path, write=True)
    try:
        assert "the series web-2: its number, mended" in again.damaged[0]
        again.commit(batch([sample(4, host="new-1"), sample(5, host="web-2")]), LATE)
        assert numbers(again.rows("sample", "web-2", 0, LATE)) == [3, 5]
        assert numbers(again.rows("sample", "new-1", 0, LATE)) == [4]
    finally:
        again.close()


WEB_2, OTHER = series_key("sample", b"web-2"), (b"web-2\0" + (7).to_bytes(8, "big"), Stream("web-2", 7).encode())


@pytest.mark.parametrize("bit", range(8 * len(WEB_2)))
def test_a_flipped_bit_in_the_name_of_a_series_gives_its_rows_to_nobody_else(bit: int, tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path, write=True)
    backend.commit(batch([sample(1), sample(2, host="db-1"), sample(3, host="web-2"), sample(4, host="web-3")]), LATE)
    backend.close()
    flipped = flip_key(tmp_path, "series", WEB_2, bit)

    again = LmdbBackend(tmp_path, write=True)
    try:
        assert "its name, mended" in again.damaged[0]
        again.commit(batch([sample(5, host="web-2")]), LATE)
        assert [one.subject for one in again.subjects("sample")] == ["db-1", "web-1", "web-2", "web-3"]
        assert numbers(again.rows("sample", "web-2", 0, LATE)) == [3, 5]
        assert numbers(again.rows("sample", "web-3", 0, LATE)) == [4]
    finally:
        again.close()
    state, db = state_of(tmp_path)
    with state.begin() as txn:
        assert txn.get(flipped, db=db["series"]) is None or flipped == series_key("sample", b"web-3")
        assert txn.stat(db["series"])["entries"] == 4
    state.close()


@pytest.mark.parametrize("bit", range(8 * len(OTHER[0])))
def test_a_flipped_bit_in_the_name_of_a_stream_is_told_and_the_stream_forgotten(bit: int, tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path, write=True)
    backend.commit(batch([]), NOON, ([STREAM, OTHER], []))
    backend.close()
    flipped = flip_key(tmp_path, "streams", OTHER[0], bit)

    again = LmdbBackend(tmp_path, write=True)
    assert again.streams() == [STREAM]
    assert repr(flipped) in again.damaged[0]
    again.close()

    healed = LmdbBackend(tmp_path, write=True)
    assert healed.damaged == []
    healed.close()


def test_a_store_of_an_older_format_in_which_the_name_of_a_stream_is_none_is_opened(tmp_path: Path) -> None:
    FORMATS[3](tmp_path)
    flip_key(tmp_path, "streams", STREAM[0], 7)

    again = LmdbBackend(tmp_path, write=True)
    assert again.streams() == []
    assert "the stream" in again.damaged[0]
    again.close()


def test_a_series_that_cannot_be_mended_gives_its_number_to_nobody(tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path, write=True)
    backend.commit(batch([sample(1), sample(2, host="web-2")]), LATE)
    backend.close()
    flip(tmp_path, "series", series_key("sample", b"web-2"), 5)
    flip(tmp_path, "latest", (1).to_bytes(4, "big"), 40)
    told: list[str] = []
    state, db = state_of(tmp_path)

    found, following = series_of(state, db, told.append)

    assert (found, following) == ({series_key("sample", b"web-1"): 0}, 2)
    assert told == ["the series web-2: its number"]
    state.close()


def test_a_damaged_record_of_itself_makes_a_new_generation_and_no_key_twice(tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path, write=True)
    backend.commit(batch([sample(1)]), LATE)
    before = backend.generation
    backend.close()
    flip(tmp_path, "meta", b"state", 9)

    again = LmdbBackend(tmp_path, write=True)
    try:
        assert again.generation > before
        again.commit(batch([sample(2)]), LATE)
        assert int(again.statistics()["commits"]) > LEAP
        assert numbers(again.rows("sample", "web-1", 0, LATE)) == [1, 2]
    finally:
        again.close()
