"""Keys change under load: whoever has to wait outside meanwhile loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bus import enrolled, joining, keys
from bus.joining import Join
from tests.pipeline.programs import ROOT, Programs, until

RATE = 500.0
NAME = "web-1"


def home(hub: Programs) -> Path:
    """Where the hub keeps its files."""
    return hub.folder / "var"


class Joined:
    """A producer with a home of its own, as on another host, that keeps a journal of what it told."""

    def __init__(self, hub: Programs) -> None:
        self._hub = hub
        self.home = hub.folder / "host" / "var"
        (self.home / "run").mkdir(parents=True)
        (hub.folder / "host" / "agent.toml").write_text("")
        self._process: subprocess.Popen[bytes] | None = None

    def enrol(self, *, again: bool = False) -> None:
        """Give it a key, and the line that belongs to it."""
        self.join(self.admit(again=again))

    def admit(self, *, again: bool = False) -> Join:
        """What ``guardia enroll`` prints."""
        own = keys.new()
        enrolled.admit(home(self._hub), NAME, own.public, time.time_ns(), again=again)
        hub = enrolled.hub_key(home(self._hub)).public
        door, receipts = (line.split('"')[1] for line in self._hub.config.read_text().splitlines()[1:3])
        return Join(NAME, door, receipts, hub, own.public, own.secret)

    def join(self, join: Join) -> None:
        """What ``guardia agent --join`` does."""
        joining.keep(self.home, join)

    def start(self) -> None:
        """Start telling."""
        command = [sys.executable, "-m", "tests.pipeline.telling", NAME, str(RATE)]
        command.append(str(self._hub.folder / f"{NAME}.journal"))
        environment = {**os.environ, "GUARDIA_CONFIG": str(self.home.parent / "agent.toml")}
        with (self._hub.folder / f"{NAME}.out").open("ab") as out:
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            finally:
                self._process.kill()
                self._process = None


@pytest.fixture
def hub() -> Iterator[Programs]:
    made = Programs("keys = true\n")
    for name in ("collector", "store-writer"):
        made.start(name)
    yield made
    made.close()


@pytest.fixture
def host(hub: Programs) -> Iterator[Joined]:
    made = Joined(hub)
    made.enrol()
    made.start()
    yield made
    made.stop()


def _more(hub: Programs, count: int) -> None:
    """Wait until so many more messages are stored."""
    goal = len(hub.stored(NAME)) + count if hub.streams(NAME) else count
    until(lambda: bool(hub.streams(NAME)) and len(hub.stored(NAME)) >= goal, 40, f"{count} more are stored", hub)


def _new_key(hub: Programs, host: Joined) -> None:
    line = host.admit(again=True)
    _told_outside(hub)
    host.join(line)


def _revoked_and_enrolled(hub: Programs, host: Joined) -> None:
    enrolled.revoke(home(hub), NAME)
    _told_outside(hub)
    host.enrol()


def _new_hub_key(hub: Programs, host: Joined) -> None:
    enrolled.rotate(home(hub))
    _told_outside(hub)
    host.enrol(again=True)


def _told_outside(hub: Programs) -> None:
    """Wait until the host told a good deal that the hub cannot have taken."""
    goal = hub.count_told() + 3 * int(RATE)
    until(lambda: hub.count_told() >= goal, 30, "the host goes on telling", hub)


@pytest.mark.parametrize("change", [_new_key, _revoked_and_enrolled, _new_hub_key])
def test_keys_change_under_load_and_nothing_is_lost(
    hub: Programs, host: Joined, change: Callable[[Programs, Joined], None]
) -> None:
    _more(hub, 500)
    change(hub, host)
    _more(hub, 500)
    host.stop()

    # then a last start of it delivers what its end left in the spool
    host.start()
    told = hub.told(NAME)
    assert len(told) > 4 * RATE, "there was load: without it the test would prove nothing"
    until(lambda: hub.has_all(NAME, told), 60, "everything that was told has arrived", hub)
    stored = hub.stored(NAME)
    assert not [one for one in told if stored[one.value] != 1]
    assert hub.lost(NAME) == []


def test_the_hubs_home_holds_no_secret_of_the_host(hub: Programs, host: Joined) -> None:
    _more(hub, 100)
    own = keys.read_pair(host.home / "keys" / "agent.key")
    assert own is not None
    files: list[Path] = [file for file in home(hub).rglob("*") if file.is_file()]
    assert not [file for file in files if own.secret.encode() in file.read_bytes()]
