"""Channels that lack a secret: they say so in place of telling, are counted, and are well as soon as it is there."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from alerter.channels.command import Command
from alerter.channels.common import Channel, secrets_of
from alerter.channels.webhook import Webhook
from alerter.outbox import Later
from alerter.speaking import broken
from bus import mending, program, rooms
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


@pytest.mark.parametrize("program", ["store-writer", "collector", "api", "prober"])
def test_who_can_do_without_a_secret_starts_without_it(program: str, file: Path) -> None:
    assert isinstance(asked(program, ["--config", str(file)]), Asked)


@pytest.mark.parametrize("program", ["alerter", "prober"])
def test_nobody_starts_without_a_secret_of_the_hub_itself(program: str, file: Path) -> None:
    file.write_text(CHANNELS + '[bus]\n[notify]\nproxy = "${PROXY}"\n')
    assert isinstance(asked(program, ["--config", str(file)]), Asked) is (program == "prober")


@pytest.fixture
def running(file: Path) -> Iterator[Program[Any]]:
    """An alerter that runs without the secret of a channel, and has read nothing again yet."""
    found = asked("alerter", ["--config", str(file)])
    assert isinstance(found, Asked)
    made = Program[Any]("alerter", "alerter", found.settings, file.parent, logging.getLogger("guardia.test"))
    program._prepare(made, file)
    yield made
    made.context.destroy()


def hang_up(running: Program[Any]) -> None:
    """As SIGHUP does in the loop."""
    running.loop._signals[signal.SIGHUP]()


def private(path: Path, text: str) -> None:
    """A file that holds a secret."""
    path.touch(0o600)
    path.write_text(text)


def test_on_sighup_a_channel_that_lacks_its_secret_stands_apart_and_all_else_is_taken(
    file: Path, running: Program[Any]
) -> None:
    private(file.parent / "slack", "https://hooks.example/anna")
    hang_up(running)
    assert broken(running.settings["channels"])["channels.broken"] == 0.0
    (file.parent / "slack").unlink()
    file.write_text(CHANNELS + '[channels.desk]\ntype = "webhook"\nurl = "https://desk.example/"\n')
    hang_up(running)
    told = {f"channels[{name}].broken": float(name == "ops") for name in ("ops", "mail", "desk")}
    assert broken(running.settings["channels"]) == {"channels.broken": 1.0, **told}


def test_on_sighup_nothing_is_taken_where_a_secret_is_lacking_that_is_of_no_channel(
    file: Path, running: Program[Any]
) -> None:
    file.write_text('[notify]\nproxy = "file:proxy"\n' + CHANNELS.replace("mail", "post"))
    hang_up(running)
    assert set(running.settings["channels"]) == {"ops", "mail"}


def test_once_one_secret_is_there_the_settings_are_read_again_as_on_sighup(file: Path, running: Program[Any]) -> None:
    file.write_text(CHANNELS + '[channels.chat]\ntype = "slack"\nurl = "file:chat"\n')
    hang_up(running)
    heard = list[int]()

    def hung_up(number: int, _: object) -> None:
        heard.append(number)
        hang_up(running)

    before = signal.signal(signal.SIGHUP, hung_up)
    try:
        mending.look(running, "channels")
        assert heard == []
        private(file.parent / "slack", "https://hooks.example/anna")
        mending.look(running, "channels")
        assert heard == [signal.SIGHUP]
        assert broken(running.settings["channels"])["channels[chat].broken"] == 1.0
        mending.look(running, "channels")
        assert heard == [signal.SIGHUP], "nothing more can be had"
        private(file.parent / "chat", "https://hooks.example/chat")
        right = file.read_text()
        file.write_text(right + "[channels.ops]\n")
        mending.look(running, "channels")
        assert heard == [signal.SIGHUP], "what is no configuration is read when somebody asks for it"
        file.write_text(right)
        mending.look(running, "channels")
        assert broken(running.settings["channels"])["channels.broken"] == 0.0
        mending.look(running, "channels")
        assert len(heard) == 2, "nothing is lacking any more"
    finally:
        signal.signal(signal.SIGHUP, before)


def test_every_room_needs_its_own_secrets() -> None:
    assert {room: rooms.needs(room) for room in ("store", "alerter", "prober")} == {
        "store": ("bus", "store"),
        "alerter": ("bus", "alerter", "notify"),
        "prober": ("bus", "prober"),
    }
