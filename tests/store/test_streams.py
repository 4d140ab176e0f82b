"""How far streams are stored is committed with the rows, in every backend that keeps anything."""

from __future__ import annotations

from pathlib import Path

import lmdb
import pytest

from store.backends import Backend, opened
from store.backends.lmdb import LmdbBackend
from tests.store.given import NOON, batch, numbers, sample

FOREVER = 2**63 - 1


@pytest.fixture(params=["lmdb", "memory"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    return opened(request.param, tmp_path / "store", write=True)


def test_what_was_put_is_told_until_it_is_deleted(backend: Backend) -> None:
    backend.commit(batch([sample(1)]), NOON, ([(b"web-1", b"one"), (b"web-2", b"two")], []))
    backend.commit(batch([]), NOON, ([(b"web-1", b"more")], [b"web-2"]))

    assert backend.streams() == [(b"web-1", b"more")]
    assert numbers(backend.rows("sample", "web-1", 0, FOREVER)) == [1]


def test_a_batch_of_nothing_but_streams_is_durable(tmp_path: Path) -> None:
    first = LmdbBackend(tmp_path / "store", write=True)
    first.commit(batch([]), NOON, ([(b"web-1", b"one")], []))
    first.close()

    assert LmdbBackend(tmp_path / "store", write=True).streams() == [(b"web-1", b"one")]


def test_a_damaged_stream_is_told_and_begins_anew(tmp_path: Path) -> None:
    first = LmdbBackend(tmp_path / "store", write=True)
    first.commit(batch([]), NOON, ([(b"web-1", b"one"), (b"web-2", b"two")], []))
    first.close()
    with lmdb.open(str(tmp_path / "store" / "state"), max_dbs=8) as state:
        streams = state.open_db(b"streams")
        with state.begin(write=True) as txn:
            txn.put(b"web-1", b"xxxxone", db=streams)
    again = LmdbBackend(tmp_path / "store", write=True)

    assert again.streams() == [(b"web-2", b"two")]
    assert "web-1" in again.damaged[0]


def test_the_generation_stays_over_restarts_and_grows_when_an_older_copy_is_put_back(tmp_path: Path) -> None:
    def life(commits: int) -> int:
        store = LmdbBackend(tmp_path / "store", write=True)
        for _ in range(commits):
            store.commit(batch([sample(1)]), NOON)
        store.close()
        return store.generation

    made = life(1)
    (tmp_path / "store").rename(tmp_path / "copy")
    (tmp_path / "copy").rename(tmp_path / "store")
    same = life(0)
    (tmp_path / "store" / "state").rename(tmp_path / "later")
    copy = tmp_path / "store" / "state"
    copy.mkdir()
    with lmdb.open(str(tmp_path / "later"), max_dbs=8) as state:
        state.copy(str(copy))
    went_on = life(3)
    for file in copy.iterdir():
        file.unlink()
    with lmdb.open(str(tmp_path / "later"), max_dbs=8) as state:
        state.copy(str(copy))

    assert same == went_on == made > 0
    assert life(0) > made
