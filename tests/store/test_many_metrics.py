"""A host with more metrics in a day than a part can count costs nobody else a rollup, and keeps those told most."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from bus.messages import Layout, Sample
from bus.questions import Series
from bus.wire import Record
from store.answers import answer
from store.backends.lmdb import LmdbBackend
from store.sealer import Pace, Sealer
from store.sealing import MOST_METRICS, most_told
from tests.store.given import DAY, HOUR, MINUTE, NOON, batch, layout, sample, told

HALF = 8000
LATER = NOON + 20 * DAY


def of_many(number: int, at: int, which: str) -> list[Record]:
    names = Layout(tuple(f"job.{which}{place}" for place in range(HALF)))
    values = Sample(names.id, tuple(float(place + number) for place in range(HALF)))
    return [told(names, 1, host="web-1"), told(values, number, host="web-1", at=at)]


def test_the_metrics_with_the_most_rows_are_kept() -> None:
    few, many = tuple(f"few{n}" for n in range(MOST_METRICS)), tuple(f"many{n}" for n in range(100))
    kept = most_told([(few, 5), (many, 9), (many[:50], 1)])
    assert len(kept) == MOST_METRICS
    assert kept == (*few[: MOST_METRICS - 100], *many)
    assert most_told([(("a", "b"), 1), (("b", "c"), 1)]) == ("a", "b", "c")


def test_too_many_metrics_of_one_host_are_rolled_up_as_far_as_they_go(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    backend = LmdbBackend(tmp_path / "store", write=True)
    pace = Pace(quiet=-(2**62), keep={"1m": 400 * DAY})
    sealer = Sealer(tmp_path / "store", backend.partitions, backend.layouts, pace, logging.getLogger("guardia"))
    said = [*of_many(1, NOON, "a"), *of_many(2, NOON + HOUR, "a"), *of_many(3, NOON + 2 * HOUR, "b")]
    backend.commit(batch([*said, layout("zz"), sample(1, host="zz", at=NOON)]), NOON)
    while sealer.turn(LATER):
        pass
    assert f"web-1 told {2 * HALF} metrics in a day: its rollups are of the {MOST_METRICS}" in caplog.text
    assert sealer.done.damaged == 0

    def known(host: str, metric: str, at: int) -> list[float | None]:
        found = answer(backend, Series(host, (metric,), at, at + MINUTE - 1, step=MINUTE))
        return [value for column in found.columns for value in column.last]

    assert known("web-1", "job.a7999", NOON + HOUR) == [8001.0]
    assert known("web-1", "job.b0", NOON + 2 * HOUR) == [3.0]
    assert known("zz", "cpu.percent", NOON) == [1.0]
    sealer.close()
    backend.close()
