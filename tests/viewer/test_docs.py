"""The viewer's page says what the program says of itself."""

from __future__ import annotations

from pathlib import Path

from viewer import keys
from viewer.program import arguments, settings_text

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "viewer.md").read_text(encoding="utf-8")


def test_the_page_has_the_table_of_keys() -> None:
    assert keys.markdown() in PAGE


def test_the_page_has_the_table_of_settings() -> None:
    assert settings_text() in PAGE


def test_the_page_names_every_flag() -> None:
    flags = [option for action in arguments()._actions for option in action.option_strings if option.startswith("--")]
    assert [flag for flag in flags if f"`{flag}" not in PAGE] == []
