"""Hosts that a rule keeps for less time than others are answered from whatever else there is of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.questions import Series, SeriesAnswer
from bus.timing import MINUTE
from store.answers import answer
from store.plan import Plans, Step
from store.pruning import Pruner, Room
from store.retention import Retention, Rule
from store.spans import RAW, TIERS
from tests.store.given import DAY, HOUR, SECOND, sample
from tests.store.test_sealer import LATER, START, Store, told

USUAL = {RAW: 100 * DAY, "1m": 100 * DAY, "5m": 100 * DAY, "1h": 400 * DAY, "records": 100 * DAY}
LENGTHS = (SECOND, 10 * SECOND, MINUTE, 3 * MINUTE, 5 * MINUTE, HOUR, 6 * HOUR, DAY)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "store")
    rows = [
        sample(n + 1, host=host, at=START + n * 10 * MINUTE + place, cpu=n % 89 / 10)
        for n in range(3 * 144)
        for place, host in enumerate(("web-1", "db-1"))
    ]
    made.told(rows, LATER)
    made.sealed()
    made.unlink()
    yield made
    made.close()


def thin(store: Store, keep: dict[str, int], now: int = LATER) -> int:
    """Have the pruner keep ``db-*`` for other times than the rest."""
    retention = Retention(USUAL, (Rule(("db-*",), keep),))
    return Pruner(store.sealer.blocks, retention, Room(), logging.getLogger("pruner")).turn(now)


@pytest.mark.parametrize(
    "keep", [{"1m": 0}, {"5m": 0}, {"1h": 0}, {"1m": 0, "5m": 0, "1h": 0}, {"1m": 0, "1h": 0}], ids="+".join
)
def test_rollups_that_are_not_kept_of_a_host_are_answered_from_its_rows(store: Store, keep: dict[str, int]) -> None:
    assert thin(store, keep)
    for host in ("web-1", "db-1"):
        for length in LENGTHS:
            for start, end in ((START, START + 3 * DAY - 1), (START + 7 * MINUTE + 3, START + DAY + 11 * HOUR)):
                question = Series(host, ("*",), start, end, step=length)
                assert told(store.backend, question) == told(store.reference, question), (host, length)


def test_rows_that_are_not_kept_of_a_host_are_answered_from_its_rollups(store: Store) -> None:
    assert thin(store, {RAW: DAY, "1m": DAY})
    question = Series("db-1", ("cpu.*",), START + HOUR, START + 2 * HOUR - 1, points=300)
    found: SeriesAnswer = answer(store.backend, question)
    assert (found.tier, found.step, sum(found.columns[0].count)) == ("5m", 5 * MINUTE, 6)
    exact: SeriesAnswer = answer(store.backend, Series("web-1", ("cpu.*",), START + HOUR, START + 2 * HOUR, points=300))
    assert (exact.tier, exact.step) == ("blocks", 15 * SECOND)
    short = Series("db-1", ("cpu.*",), START + HOUR, START + 2 * HOUR - 1, step=10 * SECOND)
    assert sum(answer(store.backend, short).columns[0].count) == 6


def test_days_of_which_a_month_has_nothing_of_a_host_are_answered_from_finer_tiers(store: Store) -> None:
    assert thin(store, {"1h": 18 * DAY}, now=START + 20 * DAY + HOUR)
    assert store.sealed(LATER + 60 * DAY)
    assert store.sealer.blocks.spans("sample", "1h")[0].name.endswith(".1mo")
    question = Series("db-1", ("*",), START, START + 3 * DAY - 1, step=HOUR)
    assert told(store.backend, question) == told(store.reference, question)


def test_a_host_that_is_nowhere_has_no_answer(store: Store) -> None:
    thin(store, {RAW: 0, "1m": 0, "5m": 0, "1h": 0})
    for length in LENGTHS:
        found = answer(store.backend, Series("db-1", ("*",), START, START + 3 * DAY - 1, step=length))
        assert (found.columns, found.coverage) == ((), 0.0)


def test_a_plan_does_without_the_files_that_lack_a_host() -> None:
    days = [(START + n * DAY, START + (n + 1) * DAY) for n in range(3)]
    asked: list[Step] = []

    def lacks(step: Step) -> list[tuple[str, int, int]]:
        asked.append(step)
        return [(step.tier, *days[1])] if step.tier in ("1h", "5m") else []

    plans = Plans((START, START + 3 * DAY), HOUR, {RAW: days, **dict.fromkeys(TIERS, days)}, (), frozenset())
    found = plans.steps(START, START + 3 * DAY, lacks)
    assert [(step.tier, step.end - step.start) for step in found] == [("1h", DAY), ("1m", DAY), ("1h", DAY)]
    assert plans.steps(START, START + 3 * DAY, lambda step: ()) == [Step("1h", START, START + 3 * DAY)]
