"""The viewer's page says what the program says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.viewer.gallery import FRAMES, files, pictures
from tests.viewer.page import tables
from viewer.program import arguments

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "viewer.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.partition("\n")[0])
def test_the_page_has_the_tables_that_the_program_uses(table: str) -> None:
    assert table in PAGE, "python -m tests.viewer.page writes them anew"


def test_pictures_of_readme_and_docs_are_what_is_drawn_now() -> None:
    for path, text in files():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: python -m tests.viewer.gallery draws it anew"
    assert {path.name for path in FRAMES.iterdir()} == {f"{name}.svg" for name, _ in pictures()}


def test_the_page_names_every_flag() -> None:
    flags = [option for action in arguments()._actions for option in action.option_strings if option.startswith("--")]
    assert [flag for flag in flags if f"`{flag}" not in PAGE] == []
