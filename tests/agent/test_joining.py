"""``guardia agent --join`` and ``--request`` before the agent starts."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from agent import joining
from agent.__main__ import joins
from bus import keys
from bus.joining import Join, membership, to_line
from bus.process import Lock

OWN = keys.new()
JOIN = Join("web-1", "tcp://hub.example:5560", "tcp://hub.example:5561", keys.new().public, OWN.public, OWN.secret)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("GUARDIA_HOME", raising=False)
    file = tmp_path / "agent.toml"
    file.write_text("")
    return file


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_a_line_from_standard_input_is_kept_and_the_agent_starts(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, to_line(JOIN) + "\n")
    found = joining.main(["--join", "-", "--config", str(config), "--log-level", "debug"])

    assert found == (None, ["--config", str(config), "--log-level", "debug"])
    member = membership(config.parent / "var")
    assert member is not None
    assert (member.name, member.own) == ("web-1", OWN)
    assert OWN.secret not in capsys.readouterr().err


def test_a_mangled_line_starts_nothing_and_keeps_nothing(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, to_line(JOIN)[:-5])
    assert joining.main(["--join", "-", "--config", str(config)])[0] == 100
    assert "mangled" in capsys.readouterr().err
    assert membership(config.parent / "var") is None


def test_a_line_for_another_name_than_the_settings_say_is_refused(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text('[agent]\nname = "db-1"\n')
    typed(monkeypatch, to_line(JOIN))
    assert joining.main(["--join", "-", "--config", str(config)])[0] == 100
    assert 'name = "db-1"' in capsys.readouterr().err


def test_what_the_system_has_against_the_keys_is_told_in_words(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = config.parent / "var" / "keys"
    taken.parent.mkdir()
    taken.touch()
    typed(monkeypatch, to_line(JOIN))
    assert joining.main(["--join", "-", "--config", str(config)])[0] == 100
    assert capsys.readouterr().err == f"agent: {taken}: file exists\n"


def test_an_agent_that_runs_already_is_not_started_twice(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (config.parent / "var" / "run").mkdir(parents=True)
    lock = Lock(config.parent / "var" / "run" / "agent.lock")
    assert lock.take() is None
    typed(monkeypatch, to_line(JOIN))
    try:
        assert joining.main(["--join", "-", "--config", str(config)])[0] == 0
    finally:
        lock.release()
    assert "uses the new keys" in capsys.readouterr().err


def test_a_request_prints_the_public_half_alone(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert joining.main(["--request", "--config", str(config)])[0] == 0
    out, err = capsys.readouterr()
    own = keys.read_pair(config.parent / "var" / "keys" / "agent.key")
    assert own is not None
    assert out.strip() == own.public
    assert own.secret not in out + err


def test_only_words_about_keys_delay_the_start() -> None:
    assert joins(["--join", "-"])
    assert joins(["--join=guardia1_abc"])
    assert joins(["--request"])
    assert not joins(["--config", "join.toml"])
