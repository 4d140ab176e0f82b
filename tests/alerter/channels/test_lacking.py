"""Channels that lack a secret: they say so in place of telling, are counted, and are well as soon as it is there."""

from __future__ import annotations

import logging
import signal
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from alerter.channels.command import Command
from alerter.channels.common import Channel, secrets_of
from alerter.channels.webhook import Webhook
from alerter.outbox import Later
from alerter.speaking import broken, look_for_secrets
from bus import rooms
from bus.config import Secret
from bus.program import Program
from bus.secret import Unavailable
from bus.starting import Asked, asked
from tests.alerter.channels.test_contract import CARRIER, HTTP, letter
from tests.alerter.receiver import Receiver

WHY = Unavailable("${KEY}, which is not set in the environment", "a value there", "type: export KEY=...")
CHANNELS = """
[channels.ops]
type = "slack"
url = "file:slack"
[channels.mail]
type = "email"
host = "mail.example"
sender = "guardia@example.org"
to = ["ops@example.org"]
[[services]]
name = "shop"
url = "https://shop.example"
token = "${SHOP_TOKEN}"
"""


def lacks(channel: Channel) -> list[Channel]:
    """The channel, without one of its secrets each time."""
    named = [field.name for field in fields(channel) if isinstance(getattr(channel, field.name), Secret)]
    without: list[dict[str, Any]] = [{name: Secret("", WHY)} for name in named]
    return [replace(channel, **one) for one in without]


@pytest.mark.parametrize("name", HTTP)
def test_nothing_is_sent_and_why_is_said(name: str) -> None:
    with Receiver() as receiver:
        channels = lacks(HTTP[name](receiver.url))
        assert channels
        for channel in channels:
            assert channel.tell(letter(), CARRIER) == Later(None, str(WHY))
            assert "" not in secrets_of(channel)
        assert receiver.requests == []


def test_secrets_in_maps_are_asked_for_as_well(tmp_path: Path) -> None:
    told = tmp_path / "told"
    command = Command(command=("/usr/bin/touch", str(told)), environment={"KEY": Secret("", WHY)})
    assert command.tell(letter(), CARRIER) == Later(None, str(WHY))
    assert not told.exists()
    signed = Webhook(url="http://127.0.0.1:1/", secret_headers={"X-Key": Secret("", WHY)})
    assert signed.tell(letter(), CARRIER) == Later(None, str(WHY))
    assert broken({"signed": signed}) == {"channels.broken": 1.0, "channels[signed].broken": 1.0}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SHOP_TOKEN", raising=False)
    path = tmp_path / "guardia.toml"
    path.write_text(CHANNELS)
    return path


def test_the_alerter_starts_without_the_secret_of_a_channel_and_knows_which_is_broken(file: Path) -> None:
    found = asked("alerter", ["--config", str(file)])
    assert isinstance(found, Asked)
    channels = found.settings["channels"]
    assert broken(channels) == {"channels.broken": 1.0, "channels[ops].broken": 1.0, "channels[mail].broken": 0.0}


def test_a_check_names_what_is_lacking_all_the_same(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked("alerter", ["--config", str(file), "--check"]) == 100
    said = capsys.readouterr().err
    assert "[channels.ops] url" in said
    assert "SHOP_TOKEN" in said


@pytest.mark.parametrize(
    ("program", "starts"), [("store-writer", True), ("collector", True), ("api", True), ("prober", False)]
)
def test_who_has_no_use_for_a_secret_starts_without_it(program: str, starts: bool, file: Path) -> None:
    assert isinstance(asked(program, ["--config", str(file)]), Asked) is starts


def test_once_the_secret_is_there_the_settings_are_read_again_as_on_sighup(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = asked("alerter", ["--config", str(file)])
    assert isinstance(found, Asked)
    played: Any = SimpleNamespace(settings=found.settings, table="alerter", log=logging.getLogger("guardia.test"))
    program, heard = cast(Program[Any], played), list[int]()
    before = signal.signal(signal.SIGHUP, lambda number, _: heard.append(number))
    try:
        look_for_secrets(program)
        assert heard == []
        (file.parent / "slack").touch(0o600)
        (file.parent / "slack").write_text("https://hooks.example/anna")
        look_for_secrets(program)
        assert heard == [signal.SIGHUP]
        again = asked("alerter", ["--config", str(file)])
        assert isinstance(again, Asked)
        played.settings = again.settings
        look_for_secrets(program)
        assert heard == [signal.SIGHUP], "nothing is lacking any more"
    finally:
        signal.signal(signal.SIGHUP, before)


def test_every_room_needs_its_own_secrets() -> None:
    assert {room: rooms.needs(room) for room in ("store", "alerter", "prober")} == {
        "store": ("bus", "store"),
        "alerter": ("bus", "alerter", "notify", "channels"),
        "prober": ("bus", "prober", "services"),
    }
