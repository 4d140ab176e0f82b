"""Rows leave the disk here when the server has them, and that is written down before."""

from __future__ import annotations

from pathlib import Path

from tests.store.given import DAY, batch, layout, sample
from tests.store.shipped import partitions, shipped
from tests.store.test_victoriametrics import LATER, Opened, host, store

__all__ = ["host", "store"]


def test_rows_stay_while_it_cannot_be_written_down_that_the_server_has_them(
    store: Opened, host: str, tmp_path: Path
) -> None:
    backend = store()
    backend.commit(batch([layout(host), sample(5, host=host)]), LATER)
    shipped(backend)
    in_the_way = tmp_path / "store" / "shipped.json.new"
    in_the_way.mkdir()
    backend.retain({"sample": 7 * DAY}, LATER)
    assert partitions(tmp_path) == ["20260131T12"], "who comes after a kill would not ask the server for it"

    in_the_way.rmdir()
    backend.retain({"sample": 7 * DAY}, LATER)
    assert partitions(tmp_path) == []
