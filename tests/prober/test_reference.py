"""The page on checks: its tables are as the records are, and what it shows can be written into the file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bus import rooms
from prober.checks import CHECKS
from prober.reference import fresh, words

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "checks.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
SECRETS = {"SHOP_TOKEN": "x", "CART_TOKEN": "x"}


def test_the_tables_are_fresh() -> None:
    assert fresh(PAGE) == PAGE, "python -m prober.reference docs/checks.md"


@pytest.mark.parametrize("word", words())
def test_every_setting_stands_there(word: str) -> None:
    assert PAGE.count(f"<!-- settings of {word} -->") == 1


@pytest.mark.parametrize("kind", sorted(CHECKS))
def test_every_check_has_its_section(kind: str) -> None:
    assert f"\n## {kind}\n" in PAGE


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_understood(tmp_path: Path, example: str) -> None:
    file = tmp_path / "guardia.toml"
    file.write_text(example)
    found = rooms.load(file, environment=SECRETS)
    assert len(found["services"]) == example.count("[[services]]")


def test_every_check_is_shown_in_an_example(tmp_path: Path) -> None:
    file = tmp_path / "guardia.toml"
    file.write_text("\n".join(EXAMPLES))
    found = rooms.load(file, environment=SECRETS)
    assert {type(one) for one in found["services"]} == {rooms.SERVICES.record(kind) for kind in CHECKS}
