"""``guardia prober --join -``."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from bus import keys
from bus.joining import Join, to_line
from prober import joining

OWN = keys.new()
JOIN = Join("berlin", "tcp://hub.example:5560", "tcp://hub.example:5561", keys.new().public, OWN.public, OWN.secret)


def test_what_the_system_has_against_the_keys_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GUARDIA_HOME", raising=False)
    config, taken = tmp_path / "guardia.toml", tmp_path / "var" / "keys"
    config.write_text('[prober]\nplace = "berlin"\n')
    taken.parent.mkdir()
    taken.touch()
    monkeypatch.setattr("sys.stdin", io.StringIO(to_line(JOIN)))

    assert joining.main(["--join", "-", "--config", str(config)]) == 100
    assert capsys.readouterr().err == f"prober: {taken}: file exists\n"
