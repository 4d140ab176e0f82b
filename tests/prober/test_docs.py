"""The page on services: examples are right configurations, commands and readings exist, the diagram holds."""

from __future__ import annotations

import re
from pathlib import Path

from alerter.terms import condition
from bus import rooms
from bus.command import COMMANDS
from prober.checks import CHECKS
from prober.machine import diagram

TEXT = (Path(__file__).parents[2] / "docs" / "services.md").read_text()


def test_every_example_is_right(tmp_path: Path) -> None:
    file = tmp_path / "guardia.toml"
    examples = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert len(examples) >= 6
    for example in examples:
        file.write_text(example)
        rooms.load(file)


def test_every_check_is_listed() -> None:
    table = TEXT.partition("| `check` |")[2].partition("\n\n")[0]
    listed = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert set(listed) == set(CHECKS)


def test_every_command_exists() -> None:
    lines = re.findall(r"^(?: {4})?guardia ([a-z ]+)", TEXT, re.MULTILINE)
    assert lines
    for line in lines:
        assert any(line.startswith(command) for command in COMMANDS), line


def test_every_reading_may_be_judged() -> None:
    table = TEXT.partition("| reading |")[2].partition("\n\n")[0]
    readings = re.findall(r"`([a-z._()]+)`", table)
    assert len(readings) > 10
    for name in readings:
        condition(f"{name} == down" if name in ("service.state", "service.status") else f"{name} > 0")


def test_the_diagram_is_the_tables() -> None:
    assert diagram() in TEXT, "make it anew: python -m prober.machine"
