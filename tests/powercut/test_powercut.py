"""Whatever a power cut leaves of the files, what was acknowledged is there, and storing goes on.

Where strace may not trace there is nothing to go through: the tests are collected only where it may.
"""

from __future__ import annotations

import itertools
import os
import random
from pathlib import Path

import pytest

from tests.powercut.disk import State, enumerated
from tests.powercut.tracing import can_trace, recorded
from tests.powercut.trial import tried

LONG = "GUARDIA_LONG" in os.environ
SUBSETS = 40 if LONG else 2
MOST = 100_000 if LONG else 400
NAMES = ("storing", "regrouping", "spooling", "sealing", "caring", "archiving", "hourly")
MODULES = [f"tests.powercut.{name}" for name in NAMES] if can_trace() else []


def cuts(module: str, folder: Path, *arguments: str) -> list[State]:
    """States that a cut may leave of what the module writes, from all over its life."""
    ops = recorded(module, folder, folder.with_suffix(".strace"), *arguments)
    states = list(itertools.islice(enumerated(ops, 7, SUBSETS), 200_000))
    return states if len(states) <= MOST else random.Random(7).sample(states, MOST)


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.timeout(3600 if LONG else 400)
def test_what_was_acknowledged_survives_a_cut_at_any_write(module: str, tmp_path: Path) -> None:
    folder = tmp_path / "written"
    folder.mkdir()

    count, wrong = tried(module, folder, cuts(module, folder))

    print(f"{module}: {count} states")
    assert count >= 300
    assert wrong == []


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.timeout(400)
def test_what_does_not_wait_for_the_disk_is_caught(module: str, tmp_path: Path) -> None:
    folder = tmp_path / "written"
    folder.mkdir()

    states = cuts(module, folder, "unsynced")
    _, wrong = tried(module, folder, random.Random(7).sample(states, 200))

    assert wrong != []
