"""A partition that goes is counted once, whoever dies in between; one that is made anew in its place stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.backends.formats import read_meta
from store.backends.lmdb import LmdbBackend
from store.care.verifying import verified
from tests.store.care.caring import HOUR, LATE, filled, hour
from tests.store.given import NOON, batch, sample


def counted(backend: LmdbBackend, what: str) -> dict[str, int]:
    """What the state counts."""
    with backend._state.begin() as txn:
        meta = read_meta(txn, backend._db)
    return dict((meta or {}).get(what, {}))


@pytest.mark.parametrize("what", ["sealed", "deleted"])
def test_who_dies_before_it_is_gone_is_followed_by_one_that_removes_it(tmp_path: Path, what: str) -> None:
    backend = filled(tmp_path / "store")
    assert backend._leaving.note(what, "sample", hour(tmp_path / "store"))
    backend.close()
    assert hour(tmp_path / "store").exists()

    again = LmdbBackend(tmp_path / "store", write=True)

    assert not hour(tmp_path / "store").exists()
    assert counted(again, what) == {"sample": 57}
    again.close()
    assert verified(tmp_path / "store").missing == {}
    LmdbBackend(tmp_path / "store", write=True).close()
    assert hour(tmp_path / "store", 1).exists(), "the others stay"


def test_what_came_late_to_one_that_went_stays(tmp_path: Path) -> None:
    backend = filled(tmp_path / "store")
    backend.retain({"sample": HOUR}, NOON + 2 * HOUR)
    assert not hour(tmp_path / "store").exists()
    backend.commit(batch([sample(5)]), LATE + HOUR)
    backend.close()

    again = LmdbBackend(tmp_path / "store", write=True)

    assert hour(tmp_path / "store").exists()
    assert counted(again, "deleted") == {"sample": 57}
    again.close()
