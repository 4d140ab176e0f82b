"""What the agent's start hands over to the agent that runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.config import Agent
from agent.lean import CACHE, compiled, handed, interpreter, taken
from bus.records import Settings
from bus.secret import Secret
from bus.tables import Bus

RUNS = "import agent.lean, sys; print(*sorted(sys.modules))"
SPARED = {"argparse", "tomllib", "bus.config", "bus.rooms", "api.config", "psutil", "requests"}


def settings() -> Settings:
    """A configuration with a secret and a list in it."""
    watch = Secret("https://hooks.example/anna")
    return Settings(Path("/etc/guardia.toml"), {"agent": Agent(name="web-1", watch_url=watch), "bus": Bus()})


def test_settings_arrive_as_they_were_handed_over(tmp_path: Path) -> None:
    found, home, level = taken(handed(settings(), tmp_path, "debug"))

    assert (found["agent"], found["bus"]) == (settings()["agent"], settings()["bus"])
    assert found.path == Path("/etc/guardia.toml")
    assert (home, level) == (tmp_path, "debug")


def test_a_secret_stays_one_on_the_way(tmp_path: Path) -> None:
    found, _, _ = taken(handed(settings(), tmp_path, None))

    assert "anna" not in repr(found["agent"])
    assert found.secrets() == ("https://hooks.example/anna",)


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


def test_what_is_compiled_is_kept_in_the_home_and_has_no_docstrings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PATH": os.environ["PATH"]}
    python = interpreter(tmp_path)

    compiled(python, tmp_path, environment)
    shown = [*python, "-c", "import agent.lean; print(agent.lean.__cached__, agent.lean.__doc__)"]
    ran = subprocess.run(shown, env=environment, capture_output=True, text=True, check=True)

    cached, documented = ran.stdout.split()
    assert Path(cached).is_relative_to(tmp_path / CACHE)
    assert Path(cached).exists()
    assert documented == "None"


def test_where_nothing_may_be_compiled_no_process_tries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    compiled(["/nowhere/python"], tmp_path, {})

    assert not (tmp_path / CACHE).exists()
