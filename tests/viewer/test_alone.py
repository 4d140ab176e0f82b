"""``guardia status`` on a host with an agent alone: how that stands with its hub, and no word of a missing one."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from bus.standing import Standing
from tests.viewer.supervising import info, supervisord
from viewer.alone import Seen, lines
from viewer.status import main

NOW = 1_700_000_000.0
HEARD = Standing("agent", "web-1", "tcp://hub.example:5560", True, NOW - 7200, NOW - 7200, 1, None, ())
UNHEARD = replace(HEARD, heard=False, at=NOW - 30, waiting=7211, left=518_430.0)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of an agent that runs, beside its configuration and that of the hub, which nobody uses here."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GUARDIA_CONFIG", str(tmp_path / "guardia.toml"))
    monkeypatch.delenv("GUARDIA_HOME", raising=False)
    (tmp_path / "guardia.toml").touch()
    home = tmp_path / "var"
    for folder in ("run", "log", "spool/web-1"):
        (home / folder).mkdir(parents=True)
    (home / "run" / "agent.beat").touch()
    return home


def leave(home: Path, standing: Standing) -> None:
    """As the agent leaves it now."""
    now = time.time()
    told = asdict(standing) | {"since": now - (NOW - standing.since), "at": now - (NOW - standing.at)}
    (home / "run" / "agent.standing.json").write_text(json.dumps(told))


def test_who_is_heard_is_told_with_its_hub_and_since_when() -> None:
    told = lines([Seen(HEARD, "agent.log")], NOW)
    assert told[0] == "an agent alone: its hub is asked with guardia status --hub URL"
    assert told[1].startswith("web-1: the hub at tcp://hub.example:5560 acknowledges what it tells, since 2023-11-1")
    assert told[1].endswith(" (2 h)")


def test_who_is_not_heard_says_what_waits_how_long_there_is_room_and_what_the_log_says() -> None:
    refused = replace(UNHEARD, faults=("the hub refuses this producer's key",))
    told = lines([Seen(refused, "agent.log", ("at=... agent: no receipts come",))], NOW)
    assert told[1].startswith("web-1: no receipts come from the hub at tcp://hub.example:5560, since ")
    assert told[1].endswith(" (2 h); 7211 messages wait here, and there is room for about 6 d more")
    assert told[2:] == [
        "  the hub refuses this producer's key",
        "  the last of agent.log:",
        "    at=... agent: no receipts come",
    ]


def test_all_is_well_where_the_agent_runs_and_is_heard(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    leave(home, HEARD)
    with supervisord(home, info("agent"), info("watchdog")):
        assert main([]) == 0
    said = capsys.readouterr().out
    assert "web-1: the hub at tcp://hub.example:5560 acknowledges" in said
    assert "no answer" not in said
    assert "make run" not in said


def test_who_is_not_heard_is_amiss_and_the_last_words_of_its_log_are_shown(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leave(home, UNHEARD)
    (home / "log" / "agent.log").write_text("".join(f"line {n}\n" for n in range(9)))
    with supervisord(home, info("agent"), info("watchdog")):
        assert main([]) == 1
        assert "    line 6\n    line 7\n    line 8\n" in capsys.readouterr().out
        assert main(["--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)["agents"]
    assert (told["standing"]["waiting"], told["standing"]["heard"]) == (7211, False)


def test_an_agent_that_does_not_run_is_amiss_and_what_it_left_is_not_taken_for_now(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leave(home, HEARD)
    with supervisord(home, info("agent", "STOPPED", stop=1300), info("watchdog")):
        assert main([]) == 0, "somebody stopped it"
    assert "acknowledges" not in capsys.readouterr().out
    long_ago = time.time() - 3600
    os.utime(home / "run" / "agent.beat", (long_ago, long_ago))
    assert main([]) == 1
    said = capsys.readouterr().out
    assert "acknowledges" not in said
    assert "it does not run, or has just begun" in said
    assert f"supervisord does not answer at {home}/supervisor.sock" in said


def test_a_hub_with_an_agent_of_its_own_is_asked(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    leave(home, HEARD)
    (home.parent / "guardia.toml").write_text("[api]\nport = 1\n")
    with supervisord(home, info("agent"), info("collector"), info("api")):
        assert main([]) == 2
    assert "hub at 127.0.0.1:1: no answer" in capsys.readouterr().out
