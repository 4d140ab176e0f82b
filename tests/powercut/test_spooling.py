"""Whatever a power cut leaves of a spool, what was promised is there; one that does a thing wrong is caught by that."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.powercut.cutting import ENOUGH, LIMIT, after_cuts, after_some_cuts, cuts, those
from tests.powercut.spooling import MUTANTS
from tests.powercut.trial import tried

MODULES = those("spooling")


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.timeout(LIMIT)
def test_what_was_acknowledged_survives_a_cut_at_any_write(module: str, tmp_path: Path) -> None:
    count, wrong = after_cuts(module, tmp_path / "written")

    assert count >= ENOUGH
    assert wrong == []


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.timeout(LIMIT)
def test_what_does_not_wait_for_the_disk_is_caught(module: str, tmp_path: Path) -> None:
    assert after_some_cuts(module, tmp_path / "written") != []


@pytest.mark.parametrize("mutant", MUTANTS if MODULES else [])
@pytest.mark.timeout(LIMIT)
def test_a_spool_that_does_one_thing_wrong_is_caught(mutant: str, tmp_path: Path) -> None:
    folder = tmp_path / "written"
    folder.mkdir()

    _, wrong = tried("tests.powercut.spooling", folder, cuts("tests.powercut.spooling", folder, mutant))

    assert wrong != []
