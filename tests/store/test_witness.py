"""A store that was put back to an older copy is told from one that goes on."""

from __future__ import annotations

from pathlib import Path

from store.backends.witness import Witness
from tests.store.given import NOON, SECOND

MADE = NOON // 1_000_000 << 16


def test_a_new_store_gets_a_generation_of_its_time(tmp_path: Path) -> None:
    assert Witness(tmp_path / "generation").judged(0, 0, NOON) == MADE


def test_a_store_that_goes_on_keeps_its_generation(tmp_path: Path) -> None:
    witness = Witness(tmp_path / "generation")
    witness.note(MADE, 10)

    assert witness.judged(MADE, 10, NOON + SECOND) == MADE
    assert witness.judged(MADE, 11, NOON + SECOND) == MADE, "the file may be older than the store"


def test_a_store_with_fewer_commits_than_were_seen_is_an_older_copy(tmp_path: Path) -> None:
    witness = Witness(tmp_path / "generation")
    witness.note(MADE, 10)

    assert witness.judged(MADE, 9, NOON + SECOND) > MADE


def test_a_generation_only_grows_whatever_the_clock_says(tmp_path: Path) -> None:
    witness = Witness(tmp_path / "generation")
    witness.note(MADE, 10)

    assert witness.judged(0, 0, NOON - 1000 * SECOND) > MADE


def test_a_file_that_is_missing_or_damaged_judges_nobody(tmp_path: Path) -> None:
    path = tmp_path / "generation"
    assert Witness(path).judged(MADE, 3, NOON) == MADE
    Witness(path).note(MADE, 10)
    path.write_bytes(path.read_bytes()[:-1] + b"?")

    assert Witness(path).judged(MADE, 3, NOON) == MADE
