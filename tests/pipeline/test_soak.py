"""Days pass, and nobody comes to need more: memory, open files and disk, once as much is dropped as comes in.

In its long form (``GUARDIA_LONG=1``) thirty days of a hundred hosts with a sample in ten seconds.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from bus.timing import DAY, MINUTE, SECOND
from tests.pipeline.soaking import TURN, Look, soaked

LONG = bool(os.environ.get("GUARDIA_LONG"))
DAYS, HOSTS, STEP = (30, 100, 10 * SECOND) if LONG else (5, 3, MINUTE)
MORE_MEMORY = 8_000_000
"""Bytes from the middle third to the last: less than 0.2 MB for each simulated hour."""


def middle_and_last(figures: Sequence[int]) -> tuple[int, int]:
    """The least of the middle third and of the last one: what is free for a moment is no need."""
    third = len(figures) // 3
    return min(figures[third : 2 * third]), min(figures[-third:])


@pytest.mark.timeout(0 if LONG else 600)
def test_after_days_nobody_needs_more_than_before(tmp_path: Path) -> None:
    looks: list[Look] = []
    for look in soaked(tmp_path, DAYS * DAY // TURN, HOSTS, STEP):
        looks.append(look)
        if LONG:
            print(f"day {len(looks) * TURN / DAY:g}: {look}", flush=True)
    for name in looks[0].memory:
        middle, last = middle_and_last([look.memory[name] for look in looks])
        assert last - middle < MORE_MEMORY, f"the {name}'s memory: {middle}, then {last}"
        middle, last = middle_and_last([look.files[name] for look in looks])
        assert last <= middle, f"the {name}'s open files: {middle}, then {last}"
    for name in looks[0].disk:
        third = len(looks) // 3
        middle, last = (max(look.disk[name] for look in some) for some in (looks[third : 2 * third], looks[-third:]))
        assert last <= middle * 1.1, f"the {name}'s files: {middle} bytes, then {last}"
    told = [look.notices for look in looks]
    assert told[-1] - told[-2] >= HOSTS  # it was no quiet time
