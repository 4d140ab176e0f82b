"""Private metrics, with real executables."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from agent.config import Agent
from agent.execution import Ended, Executor, Stuck
from agent.plugins import Plugins, environment
from agent.readings import Costs
from agent.sampler import Sampler
from agent.turns import Turns
from tests.agent.given import Log, plugin

STEP = 1000.0
"""Seconds of the tests' clock between two turns: everything is due at each."""


class Patient(Executor):
    """Gives to all but what hangs the time that starting a program may take on a busy machine."""

    def run(self, path: Path, seconds: float) -> Ended:
        """Run it."""
        if path.name == "stuck":
            raise Stuck("its process 7 cannot be ended")
        return super().run(path, seconds if path.name == "hang" else 60.0)


class Host:
    """A host with a folder of plugins, whose turns are taken by hand, everything on the spot."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = Log()
        self.values: dict[str, float | None] = {}
        self.sampler, self.costs = Sampler(["cpu"]), Costs()
        turns = Turns(self.sampler, self.costs, self._told)
        config = Agent(plugin_seconds=0.5, plugin_interval=10.0)
        executor = Patient(environment("web-1"))
        self.plugins = Plugins(
            turns, self.sampler, executor, config=config, costs=self.costs, log=self.log.logger, submit=None
        )
        turns.add(self.plugins.job(folder, None))
        self.turns, self.now = turns, time.monotonic()

    def _told(self, names: object, values: object) -> None:
        assert isinstance(names, tuple)
        assert isinstance(values, list)
        self.values = dict(zip(names, values, strict=True))

    def turn(self, count: int = 1) -> dict[str, float | None]:
        """Take turns: the folder is looked at in one, new plugins are run in the next."""
        for _ in range(count):
            self.now += STEP
            self.turns.turn(self.now)
        return self.values


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "agent.d")


def test_what_a_plugin_prints_is_in_the_sample(host: Host) -> None:
    plugin(host.folder, "mail", "echo queued 17; echo shop.orders 3; echo $GUARDIA_HOST.found 1")
    assert host.turn(2) == {"plugin[mail].queued": 17.0, "shop.orders": 3.0}
    assert "web-1.found" in host.log.sentences[0]


def test_a_host_without_plugins_has_nothing_to_say_about_them(host: Host) -> None:
    assert host.turn(3) == {}
    assert host.log.sentences == []


def test_garbage_is_told_once_and_good_lines_count(host: Host) -> None:
    path = plugin(host.folder, "mail", "echo queued 17; echo rubbish; printf '\\377\\0 9\\n'")
    assert host.turn(4) == {"plugin[mail].queued": 17.0}
    assert host.log.sentences == [
        "the plugin mail printed what is left out: line 2: 'rubbish' is not a name and a value (and 1 more)"
    ]
    # when it is mended and breaks again, it is told again
    plugin(host.folder, path.name, "echo queued 18")
    assert host.turn() == {"plugin[mail].queued": 18.0}
    plugin(host.folder, path.name, "echo rubbish again")
    host.turn()
    assert len(host.log.sentences) == 2


def test_one_that_hangs_and_one_that_floods_are_told_once_and_the_others_go_on(host: Host) -> None:
    plugin(host.folder, "flood", "exec yes queued 1")
    plugin(host.folder, "hang", "sleep 600")
    plugin(host.folder, "mail", "echo queued 17")
    assert host.turn(3) == {"plugin[mail].queued": 17.0}
    assert sorted(host.log.sentences) == [
        "cannot read the plugin flood: it printed too much; trying again, ever less often",
        "cannot read the plugin hang: it took longer than 0.5 s; trying again, ever less often",
    ]


def test_one_that_cannot_be_ended_fails_until_it_is_taken_away(host: Host) -> None:
    path = plugin(host.folder, "stuck", "sleep 600")
    plugin(host.folder, "mail", "echo queued 17")
    assert host.turn(3) == {"plugin[mail].queued": 17.0}
    assert host.log.sentences == [
        "cannot read the plugin stuck: its process 7 cannot be ended; trying again, ever less often"
    ]
    assert host.costs.failing.keys() == {"the plugin stuck"}
    path.unlink()
    host.turn(2)
    assert host.costs.failing == {}


def test_one_that_fails_says_why_and_nothing_it_printed_counts(host: Host) -> None:
    plugin(host.folder, "mail", "echo queued 17; echo first >&2; echo no such queue >&2; exit 2")
    assert host.turn(2) == {}
    assert "cannot read the plugin mail: exit code 2: no such queue" in host.log.sentences[0]


def test_one_that_others_can_write_is_refused_once(host: Host) -> None:
    plugin(host.folder, "mail", "echo queued 17", 0o777)
    assert host.turn(4) == {}
    (sentence,) = host.log.sentences
    assert "mail is not run" in sentence
    assert "chmod go-w" in sentence


def test_plugins_come_and_go_while_the_agent_runs(host: Host) -> None:
    path = plugin(host.folder, "mail", "echo queued 17")
    assert host.turn(2) == {"plugin[mail].queued": 17.0}
    plugin(host.folder, "shop", "echo orders 3")
    assert host.turn(2) == {"plugin[mail].queued": 17.0, "plugin[shop].orders": 3.0}
    path.unlink()
    assert host.turn() == {"plugin[shop].orders": 3.0}
