"""``guardia channel``: what is configured, and whether it works."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alerter import channel_command
from tests.alerter.channels.mailer import Mailer
from tests.alerter.receiver import Receiver, Reply

SECRET = "s3same-open-9"
CONFIG = """
[notify]
channels = ["ops"]
private_networks = ["127.0.0.1"]
[channels.ops]
type = "slack"
url = "file:hook"
fallback = "mail"
[channels.mail]
type = "email"
host = "127.0.0.1"
port = 9
security = "none"
sender = "guardia@example.org"
to = ["anna@example.org"]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "guardia.toml").write_text(CONFIG)
    (tmp_path / "hook").touch(mode=0o600)
    (tmp_path / "hook").write_text("http://127.0.0.1:9/" + SECRET)
    return tmp_path / "guardia.toml"


def test_a_channel_that_works_says_so(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Receiver() as receiver:
        (config.parent / "hook").write_text(f"{receiver.url}/{SECRET}")
        assert channel_command.test(["ops", "--config", str(config)]) == 0
        assert "this is a test, nothing is wrong" in receiver.requests[0].body.decode()
        receiver.usual = Reply(404, SECRET.encode())
        assert channel_command.test(["ops", "--json", "--config", str(config)]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("ops: delivered (200), after ")
    assert json.loads(second)["detail"] == "not told: 404: ***"


def test_a_channel_that_does_not_work_says_why(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert channel_command.test(["mail", "--config", str(config)]) == 1
    assert "not told: connection refused" in capsys.readouterr().out


def test_a_channel_that_told_some_names_whom_it_told_and_whom_not(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Mailer(["250 ok", "451 greylisted"]) as server:
        people = 'to = ["anna@example.org", "bob@example.org"]'
        text = CONFIG.replace("port = 9", f"port = {server.port}").replace('to = ["anna@example.org"]', people)
        config.write_text(text)
        assert channel_command.test(["mail", "--config", str(config)]) == 1
    told = "mail: delivered (anna@example.org); not told: bob@example.org: 451: greylisted, after "
    assert capsys.readouterr().out.startswith(told)


def test_a_channel_that_is_not_there_is_told_with_the_nearest(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert channel_command.test(["opps", "--config", str(config)]) == 100
    assert "did you mean ops?" in capsys.readouterr().err


def test_the_channels_are_listed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert channel_command.channels(["--config", str(config), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["channels"]
    assert [(row["name"], row["type"], row["fallback"]) for row in rows] == [
        ("ops", "slack", "mail"),
        ("mail", "email", ""),
    ]
    config.write_text("")
    assert channel_command.channels(["--config", str(config)]) == 0
    assert "nobody is told" in capsys.readouterr().out
