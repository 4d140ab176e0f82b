"""The largest numbers there are, infinities and what is none are sealed, rolled up and answered without a word."""

from __future__ import annotations

import numpy as np
import pytest

from bus.timing import SECOND
from store.blocks.gather import Origin, Told
from store.blocks.scaled import Floats, Scaled
from store.columns import Columns, Steps
from store.pieces import answer, of_columns, text, whole
from store.rollup import coarser, rolled
from store.sealing import parts_of, rolled_up, rollup_part, sheets_of
from store.spans import TIERS
from store.whole_rollup import whole_rolled

pytestmark = pytest.mark.filterwarnings("error")
ROWS = 3000
MOST, INFINITE, NONE = 1.7976931348623157e308, float("inf"), float("nan")
TIMES = np.arange(ROWS) * 10 * SECOND
STEPS = Steps(0, 60 * SECOND, ROWS // 6)


def absurd() -> Floats:
    chance = np.random.default_rng(3)
    mixed = [np.round(chance.normal(0, 5, ROWS), 2) for _ in range(5)]
    mixed[0][::3] = MOST
    mixed[1][::3], mixed[1][1::3] = MOST, -MOST
    mixed[2][::7] = INFINITE
    mixed[3][::7], mixed[3][1::7] = INFINITE, -INFINITE
    mixed[4][::7], mixed[4][3::7] = NONE, MOST
    others = [
        np.where(chance.random(ROWS) < 0.5, MOST, -MOST),
        chance.integers(-(2**62), 2**62, ROWS).astype(float),
        np.full(ROWS, MOST),
        np.full(ROWS, INFINITE),
        5e-324 * chance.integers(0, 5, ROWS),
        2.0**63 * chance.integers(-1, 2, ROWS),
        np.where(chance.random(ROWS) < 0.5, NONE, INFINITE),
    ]
    mirrors = [MOST - np.abs(mixed[0]), -mixed[1], mixed[2], 2.0**35 - others[1]]
    return np.array([*mixed, *others, *mirrors])


def told(rows: int) -> Told:
    times, values = TIMES[:rows], np.ascontiguousarray(absurd()[:, :rows])
    return Told(times, times, np.zeros_like(times), np.arange(rows), values)


VOICE = Origin(b"web-1", b"", 1, len(absurd()))
NAMES = tuple(f"metric[{place}].value" for place in range(VOICE.values))


@pytest.mark.parametrize("rows", [360, ROWS])
def test_they_are_sealed_by_the_hour_and_by_the_day(rows: int) -> None:
    parts_of([("web-1", VOICE, told(rows))])
    sheets_of([("web-1", VOICE, told(rows))])


def test_they_are_rolled_up_alike_in_floats_and_as_integers() -> None:
    for tier, rollup in rolled_up({VOICE: told(ROWS)}, {1: NAMES}, list(TIERS)).items():
        rollup_part("web-1", rollup, TIERS[tier])
    first, *others = TIERS.values()
    whole, floats = whole_rolled(TIMES, Scaled.of(absurd()), first), rolled(TIMES, absurd(), first)
    for length in others:
        whole.told()
        whole, floats = whole.coarser(length), coarser(floats, length)
    for name in floats.__slots__:
        assert np.array_equal(getattr(whole.rolled(), name), getattr(floats, name), equal_nan=True)


def test_they_are_answered() -> None:
    columns = Columns(TIMES, dict(zip(NAMES, absurd(), strict=True)))
    piece = of_columns("rows", columns, STEPS, 0, ROWS * 10 * SECOND)
    assert piece is not None
    found = whole([piece], STEPS, 0, ROWS * 10 * SECOND, ("mean", "min", "max", "last", "count"))
    assert answer(found).columns[8].max[0] == INFINITE
    assert text(found).points == STEPS.count
    for values in absurd():
        coarser(rolled(TIMES, values[None], 60 * SECOND), 300 * SECOND)
