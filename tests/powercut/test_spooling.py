"""A spool with a journal that does one thing wrong is caught by the cuts that find nothing wrong with a right one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.powercut.spooling import MUTANTS
from tests.powercut.test_powercut import cuts
from tests.powercut.tracing import can_trace
from tests.powercut.trial import tried


@pytest.mark.parametrize("mutant", MUTANTS if can_trace() else [])
@pytest.mark.timeout(400)
def test_a_spool_that_does_one_thing_wrong_is_caught(mutant: str, tmp_path: Path) -> None:
    folder = tmp_path / "written"
    folder.mkdir()

    _, wrong = tried("tests.powercut.spooling", folder, cuts("tests.powercut.spooling", folder, mutant))

    assert wrong != []
