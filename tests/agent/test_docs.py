"""The pages about metrics are true."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from agent.config import Agent
from agent.plugin_output import MOST_VALUES
from agent.reference import page

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_list_of_metrics_is_what_the_drawer_makes_of_it() -> None:
    assert (DOCS / "metrics.md").read_text() == page(), "run: python -m agent.reference > docs/metrics.md"


def test_the_pages_name_settings_that_exist() -> None:
    known = {field.name for field in dataclasses.fields(Agent)}
    for name in ("metrics.md", "adding-a-metric.md"):
        named = set(re.findall(r"\[agent\] (\w+)", (DOCS / name).read_text()))
        assert named
        assert named <= known


def test_the_defaults_told_for_plugins_are_the_defaults() -> None:
    text = (DOCS / "adding-a-metric.md").read_text()
    assert f"plugin_interval` ({Agent().plugin_interval:g} s)" in text
    assert f"plugin_seconds` ({Agent().plugin_seconds:g} s)" in text
    assert f"At most {MOST_VALUES:,} values" in text
