"""A producer with a home of its own, as on another host, enrolled at a hub that asks for keys."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bus import enrolled, joining, keys
from bus.joining import Join
from tests.pipeline.programs import ROOT, Programs, until


def home(hub: Programs) -> Path:
    """Where the hub keeps its files."""
    return hub.folder / "var"


@contextmanager
def speaking(hub: Programs, name: str, rate: float) -> Iterator[Joined]:
    """A producer that was let in and is heard."""
    made = Joined(hub, name, rate)
    until(lambda: hub.beats("collector"), 20, "the collector runs", hub)
    made.enrol()
    made.start()
    try:
        until(lambda: bool(hub.streams(name)), 20, f"{name} is heard", hub)
        yield made
    finally:
        made.stop()


class Joined:
    """A producer with a home of its own, as on another host, that keeps a journal of what it told."""

    def __init__(self, hub: Programs, name: str = "web-1", rate: float = 500.0, within: Sequence[str] = ()) -> None:
        """``within`` is the beginning of a command that runs it elsewhere, as in another network."""
        self._hub = hub
        self._within = within
        self.name = name
        self._rate = rate
        self.home = hub.folder / "hosts" / name / "var"
        (self.home / "run").mkdir(parents=True)
        (self.home.parent / "agent.toml").write_text("")
        self._process: subprocess.Popen[bytes] | None = None

    def enrol(self, *, again: bool = False) -> None:
        """Give it a key, and the line that belongs to it."""
        self.join(self.admit(again=again))

    def admit(self, *, again: bool = False, place: bool = False) -> Join:
        """What ``guardia enroll`` prints."""
        own = keys.new()
        enrolled.admit(home(self._hub), self.name, own.public, time.time_ns(), again=again, place=place)
        hub = enrolled.hub_key(home(self._hub)).public
        door, receipts = (line.split('"')[1] for line in self._hub.config.read_text().splitlines()[1:3])
        return Join(self.name, door, receipts, hub, own.public, own.secret)

    def join(self, join: Join) -> None:
        """What ``guardia agent --join`` does."""
        joining.keep(self.home, join)

    def start(self) -> None:
        """Start telling."""
        command = [*self._within, sys.executable, "-m", "tests.pipeline.telling", self.name, str(self._rate)]
        command.append(str(self._hub.folder / f"{self.name}.journal"))
        environment = {**os.environ, "GUARDIA_CONFIG": str(self.home.parent / "agent.toml")}
        with (self._hub.folder / f"{self.name}.out").open("ab") as out:
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(60)
            finally:
                self._process.kill()
                self._process = None
