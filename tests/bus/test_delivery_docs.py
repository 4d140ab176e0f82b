"""The manual page on delivery says what the code does."""

from __future__ import annotations

from pathlib import Path

from bus.delivery.states import as_markdown

PAGE = Path(__file__).parents[2] / "docs" / "delivery.md"


def test_the_table_of_states_is_the_one_that_is_obeyed() -> None:
    assert as_markdown() in PAGE.read_text(encoding="utf-8")
