"""Rows that come late and the rollups of their day: nothing that a rollup knows is lost for them, and they join it."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from bus.questions import Series
from bus.wire import Record
from store.answers import answer
from store.pruning import Pruner, Room
from store.retention import Retention
from tests.store.given import DAY, HOUR, SECOND, sample
from tests.store.test_sealer import LATER, NOW, START, TWO_DAYS, Store, store, told

__all__ = ["store"]
USUAL = {"raw": 7 * DAY, "1m": 400 * DAY, "5m": 400 * DAY, "1h": 400 * DAY, "records": 400 * DAY}
HOURLY = Series("web-1", ("cpu.percent",), START, START + DAY - 1, step=HOUR)
SILENT = 3
"""An hour of which nobody told anything."""


def late(hour: int = SILENT, host: str = "web-1") -> list[Record]:
    return [sample(n, host=host, at=START + hour * HOUR + n * SECOND) for n in range(1, 50)]


def without_rows(store: Store) -> None:
    """Have the first two days sealed, and their rows dropped."""
    store.told(TWO_DAYS)
    store.sealed()
    store.unlink()
    for raw in (store.path / "blocks/sample/raw").iterdir():
        raw.unlink()


def marked(store: Store) -> list[Path]:
    return list((store.path / "blocks/late").iterdir())


@pytest.mark.parametrize("months", [False, True])
def test_rows_of_an_hour_of_which_nothing_was_known_join_a_day_whose_rows_were_dropped(
    store: Store, months: bool
) -> None:
    now = START + 100 * DAY if months else LATER
    without_rows(store)
    store.sealed(now)
    before = told(store.backend, HOURLY)

    store.told(late())
    store.sealed(now)
    store.unlink()

    ((metric, steps),) = told(store.backend, HOURLY)
    assert [step for step in steps if step[0] != START + SILENT * HOUR] == before[0][1], f"{metric} of other hours"
    assert [step[1] for step in steps if step[0] == START + SILENT * HOUR] == [49]
    of_other = Series("db-1", ("cpu.percent",), START, START + DAY - 1, step=HOUR)
    assert len(told(store.backend, of_other)[0][1]) == len(before[0][1])


def test_a_day_that_cannot_be_worked_on_is_answered_from_its_rows_until_it_can(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.told(TWO_DAYS)
    store.sealed()
    store.unlink()
    store.told(late())
    opened = os.open

    def failing(path: str | Path, *given: int) -> int:
        if str(path).endswith("5m/20260131T00.1d"):
            raise OSError(24, "Too many open files", str(path))
        return opened(path, *given)

    with monkeypatch.context() as patched:
        patched.setattr("store.blocks.segments.os.open", failing)
        store.sealer.blocks.close()
        store.sealed()
    assert [mark.name for mark in marked(store)] == ["20260131T00"]
    assert told(store.backend, HOURLY) == told(store.reference, HOURLY)

    store.sealed()
    store.unlink()
    assert not marked(store)
    assert told(store.backend, HOURLY) == told(store.reference, HOURLY)
    assert answer(store.backend, HOURLY).tier == "1h"


def test_a_clock_that_is_set_back_lets_no_day_be_answered_from_rollups_that_lack_something(store: Store) -> None:
    store.told(TWO_DAYS)
    store.sealed()
    store.unlink()
    store.told(late())
    assert store.sealer.turn(LATER), "they are in the day's block"

    store.sealed(START + 20 * HOUR)

    assert [mark.name for mark in marked(store)] == ["20260131T00"]
    assert told(store.backend, HOURLY) == told(store.reference, HOURLY)


def test_a_day_that_is_taken_up_while_a_question_is_asked_is_not_answered_from_rollups_that_lack_something(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its mark was not there yet when the question began, and its rows wait no more when it looks for them."""
    store.told(TWO_DAYS)
    store.sealed()
    store.unlink()
    store.told(late())
    waiting = store.backend._past.sealed.waiting

    def taken_up_before(start: int, end: int) -> dict[Path, tuple[int, int]]:
        store.sealer.turn(LATER)
        return waiting(start, end)

    with monkeypatch.context() as patched:
        patched.setattr(store.backend._past.sealed, "waiting", taken_up_before)
        assert told(store.backend, HOURLY) == told(store.reference, HOURLY)
    assert [mark.name for mark in marked(store)] == ["20260131T00"]
    assert told(store.backend, HOURLY) == told(store.reference, HOURLY)


def test_a_day_past_its_time_waits_for_its_rollups_when_rows_came_late(store: Store) -> None:
    """As after the sealer was kept from working for longer than rows are kept."""
    store.told(TWO_DAYS)
    store.sealed()
    store.unlink()
    store.told(late())
    assert store.sealer.turn(LATER), "they are in the day's block"
    store.unlink()
    pruner = Pruner(store.sealer.blocks, Retention(USUAL), Room(), logging.getLogger("sealer"))
    pruner.spared, pruner.covered = store.sealer.spares, store.sealer.rollups.covers
    store.sealer.pace = NOW
    pruner.turn(LATER)
    assert [raw.name for raw in (store.path / "blocks/sample/raw").iterdir()] == ["20260131T00.1d"]

    store.sealed()
    pruner.turn(LATER)

    assert not list((store.path / "blocks/sample/raw").iterdir())
    assert told(store.backend, HOURLY) == told(store.reference, HOURLY)
