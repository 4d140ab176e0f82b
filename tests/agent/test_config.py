"""The table ``[agent]``."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config import Agent
from bus import config
from bus.config import ConfigError


def faults(tmp_path: Path, table: str) -> str:
    file = tmp_path / "guardia.toml"
    file.write_text("[agent]\n" + table)
    with pytest.raises(ConfigError) as caught:
        config.load(file, {"agent": Agent})
    return str(caught.value)


def test_an_empty_table_is_right(tmp_path: Path) -> None:
    file = tmp_path / "guardia.toml"
    file.write_text("[agent]\n")
    assert config.load(file, {"agent": Agent})["agent"] == Agent()


def test_all_faults_are_told_at_once_with_the_nearest_right_word(tmp_path: Path) -> None:
    text = faults(tmp_path, 'intervall = 5\nname = "web 1"\nskip_metrics = ["temprature"]\nprocess_count = 0\n')
    for part in ("did you mean interval?", '"web 1"', "did you mean temperature?", "from 1 to 100"):
        assert part in text


def test_the_hubs_own_names_are_taken(tmp_path: Path) -> None:
    assert "does not start with guardia." in faults(tmp_path, 'name = "guardia.api"\n')
