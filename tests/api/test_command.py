"""``guardia token``, as somebody types it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from api import command
from api.tokens import load, path_of
from tests.bus.together import together

WORDS = "from api.command import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv("GUARDIA_HOME", raising=False)
    file = tmp_path / "guardia.toml"
    file.touch()
    return str(file)


def names(config: str) -> list[str]:
    return [token.name for token in load(path_of(Path(config).parent / "var")).tokens or ()]


def test_the_list_tells_whether_the_hub_is_open_or_lets_nobody_in(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["list", "--config", config]) == 0
    assert "answers this machine only" in capsys.readouterr().err
    command.main(["--config", config, "new", "viewer"])
    command.main(["--config", config, "revoke", "viewer"])
    capsys.readouterr()
    assert command.main(["--config", config, "list"]) == 0
    assert "nobody gets in until there is a new one" in capsys.readouterr().err


def test_the_list_for_programs_has_all_but_the_secrets(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--config", config, "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"open": True, "tokens": []}
    command.main(["--config", config, "new", "viewer"])
    command.main(["--config", config, "new", "grafana", "--scope", "ack", "--expires", "1d"])
    first, second = capsys.readouterr().out.split()

    assert command.main(["--config", config, "list", "--json"]) == 0
    out = capsys.readouterr().out
    told = json.loads(out)
    viewer, grafana = told["tokens"]
    assert told["open"] is False
    assert viewer == {
        "name": "viewer",
        "scope": "read",
        "prefix": first[:9],
        "created_at": pytest.approx(time.time(), abs=60),
        "expires_at": None,
        "last_used_at": None,
        "expired": False,
    }
    assert (grafana["name"], grafana["scope"], grafana["expired"]) == ("grafana", "ack", False)
    assert grafana["expires_at"] - grafana["created_at"] == pytest.approx(86_400)
    assert not [text for text in (first, second) if text in out]


def test_a_token_that_is_not_there_is_told_with_the_nearest(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    command.main(["--config", config, "new", "grafana"])
    assert command.main(["--config", config, "revoke", "grafna"]) == 100
    assert "there is no token 'grafna'; did you mean grafana?" in capsys.readouterr().err
    assert names(config) == ["grafana"]


@pytest.mark.parametrize("expires", ["104166d", "36526d", "0s", "59s"])
def test_a_token_that_would_end_at_once_or_beyond_all_clocks_is_not_made(
    config: str, capsys: pytest.CaptureFixture[str], expires: str
) -> None:
    assert command.main(["new", "viewer", "--config", config]) == 0
    assert command.main(["new", "wall", "--expires", expires, "--config", config]) == 100
    assert "--expires: a time from 1m to 36525d" in capsys.readouterr().err
    assert names(config) == ["viewer"], "the file can still be read"
    assert command.main(["new", "wall", "--expires", "36525d", "--config", config]) == 0
    assert names(config) == ["viewer", "wall"]


def test_a_file_that_is_no_text_holds_no_token(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"\xff\xfe")
    assert command.main(["new", "viewer", "--existing", str(file), "--config", config]) == 100
    assert capsys.readouterr().err == f"guardia token: {file} holds no text, and so no token\n"


def test_many_who_make_and_revoke_at_once_lose_none(config: str) -> None:
    for number in range(4):
        command.main(["--config", config, "new", f"old-{number}"])
    made = [["--config", config, "new", f"new-{number}"] for number in range(8)]
    gone = [["--config", config, "revoke", f"old-{number}"] for number in range(4)]
    told = together(WORDS, made + gone)
    assert [code for code, *_ in told] == [0] * 12, told
    assert sorted(names(config)) == [f"new-{number}" for number in range(8)]


def test_of_many_who_make_the_same_token_one_does(config: str) -> None:
    told = together(WORDS, [["--config", config, "new", "viewer"]] * 6)
    assert sorted(code for code, *_ in told) == [0, 100, 100, 100, 100, 100]
    assert [err for code, _, err in told if code and "there is a token viewer already" not in err] == []
    assert names(config) == ["viewer"]
