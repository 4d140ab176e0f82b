"""Whatever a power cut leaves of a store, copied or not, what was acknowledged is there, and storing goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.powercut.cutting import ENOUGH, LIMIT, after_cuts, after_some_cuts, those

MODULES = those("storing", "regrouping", "caring")


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
