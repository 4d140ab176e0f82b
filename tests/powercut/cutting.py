"""Cuts the power of what a module writes, all over its life; the tests beside this say of which.

Where strace may not trace there is nothing to go through: the tests are collected only where it may.
"""

from __future__ import annotations

import itertools
import os
import random
from pathlib import Path

from tests.powercut.disk import State, enumerated
from tests.powercut.tracing import can_trace, recorded
from tests.powercut.trial import tried

LONG = "GUARDIA_LONG" in os.environ
SUBSETS = 40 if LONG else 2
MOST = 100_000 if LONG else 400
ENOUGH = 300
"""Who is sound was tried in so many states."""
SOME = 200
"""Who is not is caught in as many."""
LIMIT = 3600 if LONG else 1200
"""Seconds for one trial."""


def those(*names: str) -> list[str]:
    """The modules of these names; none where nothing can be traced."""
    return [f"tests.powercut.{name}" for name in names] if can_trace() else []


def cuts(module: str, folder: Path, *arguments: str) -> list[State]:
    """States that a cut may leave of what the module writes, from all over its life."""
    ops = recorded(module, folder, folder.with_suffix(".strace"), *arguments)
    states = list(itertools.islice(enumerated(ops, 7, SUBSETS), 200_000))
    return states if len(states) <= MOST else random.Random(7).sample(states, MOST)


def after_cuts(module: str, folder: Path) -> tuple[int, list[str]]:
    """(how many states, what is wrong with which of them) of the module as it is."""
    folder.mkdir()
    count, wrong = tried(module, folder, cuts(module, folder))
    print(f"{module}: {count} states")
    return count, wrong


def after_some_cuts(module: str, folder: Path) -> list[str]:
    """What is wrong with which state of the module when it does not wait for the disk."""
    folder.mkdir()
    states = cuts(module, folder, "unsynced")
    return tried(module, folder, random.Random(7).sample(states, SOME))[1]
