"""What the agent's start hands over to the agent that runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.config import Agent, Scrape
from agent.lean import handed, taken
from bus.records import Settings
from bus.secret import Secret, Unavailable
from bus.tables import Bus

RUNS = "import agent.lean, sys; print(*sorted(sys.modules))"
SPARED = {"argparse", "tomllib", "bus.config", "bus.rooms", "api.config", "psutil", "requests", "_hashlib"}
SPARED |= {"http.client", "ssl", "email", "agent.engine", "agent.fetching", "agent.exposition"}


def settings() -> Settings:
    """A configuration with a secret and a list in it."""
    watch = Secret("https://hooks.example/anna")
    shop = Scrape("shop", "http://127.0.0.1:9000", token=Secret("t0ken"))
    lacks = Scrape("mail", "http://127.0.0.1:9001", token=Secret("", Unavailable("none", "a value", "type: one")))
    tables = {"agent": Agent(name="web-1", watch_url=watch), "bus": Bus(), "scrapes": (shop, lacks)}
    return Settings(Path("/etc/guardia.toml"), tables)


def test_settings_arrive_as_they_were_handed_over(tmp_path: Path) -> None:
    found, home, level = taken(handed(settings(), tmp_path, "debug"))

    assert dict(found) == dict(settings())
    assert found.path == Path("/etc/guardia.toml")
    assert (home, level) == (tmp_path, "debug")


def test_a_secret_stays_one_on_the_way(tmp_path: Path) -> None:
    found, _, _ = taken(handed(settings(), tmp_path, None))

    assert "anna" not in repr(found["agent"])
    assert found.secrets() == ("https://hooks.example/anna", "t0ken")


@pytest.mark.parametrize("before", [None, "/srv/lib"])
def test_plugins_get_the_search_path_that_was_set_before(
    tmp_path: Path, before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    if before is not None:
        monkeypatch.setenv("PYTHONPATH", before)
    file = handed(settings(), tmp_path, None)

    monkeypatch.setenv("PYTHONPATH", "ours")
    taken(file)

    assert os.environ.get("PYTHONPATH") == before


def test_the_agent_that_runs_carries_nothing_of_its_start() -> None:
    ran = subprocess.run([sys.executable, "-c", RUNS], capture_output=True, text=True, check=True)

    assert SPARED & set(ran.stdout.split()) == set()
