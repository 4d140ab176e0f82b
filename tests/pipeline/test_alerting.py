"""Alarms through real programs: fired once, kept over kills, told to a receiver that is away for a while."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmq

from bus.asking import asked_alerter
from bus.judging import (
    Acknowledge,
    AddSilence,
    Alarms,
    Incidents,
    Question,
    Why,
)
from bus.producer import Producer
from bus.questions import Unanswered
from bus.sockets import Push
from tests.alerter.receiver import Receiver, Reply
from tests.pipeline.programs import ROOT, Programs, until

RULES = """
[[rules]]
name = "busy"
when = "cpu.percent > 90"
for = "300ms"
clear = "cpu.percent < 80"
hosts = ["web-*"]
[notify]
group_seconds = 0
private_networks = ["127.0.0.1"]
"""
RULES_TRIED = """
[[rules]]
name = "calm"
when = "cpu.percent > 99"
hosts = ["web-*"]
"""
HOOK = """
[channels.ops]
type = "webhook"
url = "{url}"
secret = "{secret}"
"""


MORE = """
[channels.more]
type = "webhook"
url = "{url}"
[[rules]]
name = "warm"
when = "cpu.percent > 50"
channels = ["more"]
hosts = ["web-*"]
"""


class Alerting(Programs):
    """A hub with an alerter, and the host web-1 whose load the test sets."""

    def __init__(self, settings: str) -> None:
        super().__init__(settings)
        self._context: zmq.Context[Any] = zmq.Context()
        self._push = Push(self._context)
        self._push.raw.setsockopt(zmq.RECONNECT_IVL_MAX, 0)
        self._push.connect(tomllib.loads(self.config.read_text())["bus"]["door"])
        self._web = Producer(self._push, "web-1", announce_seconds=0.5)
        self.load = 10.0

    def run(self) -> None:
        """Start all, and wait until the alerter has heard of the host."""
        self.start_all("collector", "store-writer", "store-reader", "alerter")
        self.until(lambda: bool(self.chains("quiet") or self.chains("below")), "the host is judged")
        reader = self.folder / "var" / "run" / "reader.ipc"
        self.until(reader.exists, "the store can be asked")

    def tell(self) -> None:
        """Tell how busy the host is."""
        self._web.sample(("cpu.percent",), (self.load,), at=time.time_ns())

    def until(self, seen: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
        """Go on telling until it is so."""

        def told() -> bool:
            self.tell()
            return seen()

        until(told, seconds, what, self)

    def ask(self, question: Question) -> Any:
        """The alerter's answer; None when there is none."""
        try:
            return asked_alerter(self.folder / "var", question)
        except Unanswered:
            return None

    def burning(self) -> list[Any]:
        """The alarms of the rule that fire."""
        answer = self.ask(Alarms("host/web-1"))
        return [one for one in answer.alarms if one.rule == "busy" and one.state == "firing"] if answer else []

    def incidents(self) -> list[Any]:
        """Everything that ever burned."""
        answer = self.ask(Incidents(0, time.time_ns()))
        return [one for one in answer.incidents if one.rule == "busy"] if answer else []

    def chains(self, verdict: str) -> list[Any]:
        """The outcomes of the rule for the host that are so."""
        answer = self.ask(Why("host/web-1", "busy"))
        return [one for one in answer.chains if one.verdict == verdict] if answer else []

    def close(self) -> None:
        self._push.close()
        self._context.term()
        super().close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


@pytest.fixture
def hub(receiver: Receiver) -> Iterator[Alerting]:
    with_hook = RULES + HOOK.format(url=receiver.url, secret="file:hook.secret")
    made = Alerting(with_hook)
    (made.folder / "hook.secret").write_text("s3same\n")
    (made.folder / "hook.secret").chmod(0o600)
    try:
        made.run()
        yield made
    finally:
        made.close()


def events(receiver: Receiver) -> list[str]:
    """What was told of the rule, in order."""
    return [body["event"] for body in (one.json() for one in receiver.requests) if body.get("rule") == "busy"]


def test_an_alarm_is_told_once_whatever_is_killed(hub: Alerting, receiver: Receiver) -> None:
    hub.load = 95.0
    hub.until(lambda: events(receiver) == ["alert"], "the alarm is told")
    # Who is killed before that is durable tells it again, with the same key: ``test_notices`` is about that.
    hub.until(lambda: "told ops: alarm of busy" in hub.output(), "and it is known that it is")
    first = hub.incidents()[0].id

    for _ in range(3):
        hub.kill("alerter")
        hub.start("alerter")
        hub.until(lambda: [one.incident for one in hub.burning()] == [first], "it still burns")
    hub.kill("collector")
    hub.start("collector")
    hub.load = 20.0
    hub.until(lambda: events(receiver) == ["alert", "recovery"], "the recovery is told")

    assert [one.id for one in hub.incidents()] == [first]
    assert len(set(receiver.keys)) == len(receiver.keys)
    assert all("x-guardia-signature" in one.headers for one in receiver.requests)


def test_notices_wait_for_a_receiver_that_is_away_and_why_says_so(hub: Alerting, receiver: Receiver) -> None:
    receiver.usual = Reply(503, b"not now")
    hub.load = 95.0
    hub.until(lambda: len(receiver.requests) >= 2, "it is tried again")
    hub.until(lambda: any(step.verdict == "later" for one in hub.chains("firing") for step in one.steps), "why knows")
    hub.kill("alerter")
    receiver.usual = Reply()
    before = len(receiver.requests)
    hub.start("alerter")
    hub.until(lambda: len(receiver.requests) > before, "the notice goes out after all")
    hub.until(lambda: any(step.verdict == "delivered" for c in hub.chains("firing") for step in c.steps), "why knows")

    assert len(set(receiver.keys)) == 1


def test_a_silence_holds_back_the_notice_and_an_acknowledgement_is_kept(hub: Alerting, receiver: Receiver) -> None:
    until_then = time.time_ns() + 3600 * 10**9
    assert hub.ask(AddSilence("anna", "new disk", until_then, ("web-*",))) is not None
    hub.load = 95.0
    hub.until(lambda: bool(hub.burning()), "it burns")
    hub.until(
        lambda: any("silenced by anna" in step.text for chain in hub.chains("silenced") for step in chain.steps),
        "why names the silence",
    )
    id = hub.burning()[0].incident
    assert hub.ask(Acknowledge(id, "bob", "on it")) is not None
    hub.kill("alerter")
    hub.start("alerter")
    hub.until(
        lambda: any(one.acknowledged and one.acknowledged.owner == "bob" for one in hub.burning()),
        "bob still cares",
    )

    assert events(receiver) == []


def test_the_commands_answer_for_programs_too(hub: Alerting) -> None:
    hub.load = 95.0
    hub.until(lambda: bool(hub.burning()), "it burns")

    def guardia(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bus.command", *words, "--json", "--config", str(hub.config)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False)

    alerts, why, rules = guardia("alerts"), guardia("why", "host/web-1", "busy"), guardia("rules")

    assert (alerts.returncode, why.returncode, rules.returncode) == (1, 0, 0)
    assert [one["rule"] for one in json.loads(alerts.stdout)["alerts"] if one["state"] == "firing"] == ["busy"]
    assert json.loads(why.stdout)["chains"][0]["verdict"] == "firing"
    assert {"busy", "host-silent"} <= {one["name"] for one in json.loads(rules.stdout)["rules"]}


def test_rules_and_channels_are_read_again_and_what_burns_stays(hub: Alerting, receiver: Receiver) -> None:
    hub.load = 95.0
    hub.until(lambda: events(receiver) == ["alert"], "the alarm is told")
    (before,) = hub.incidents()
    pid = hub.pid("alerter")
    assert pid is not None
    with Receiver() as other:
        hub.config.write_text(hub.config.read_text() + MORE.format(url=other.url))
        os.kill(pid, signal.SIGHUP)
        hub.until(lambda: any(one.json().get("rule") == "warm" for one in other.requests), "the new channel is told")
    hub.load = 10.0
    hub.until(lambda: events(receiver) == ["alert", "recovery"], "the recovery is told where the alarm was")
    assert [one.id for one in hub.incidents()] == [before.id]


def backtested(hub: Alerting, text: str) -> Any:
    """What ``guardia backtest`` says of rules, as JSON."""
    file = hub.folder / "tried.toml"
    file.write_text(text)
    command = [sys.executable, "-m", "bus.command", "backtest", str(file), "--since", "10m", "--json"]
    done = subprocess.run(
        [*command, "--config", str(hub.config)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_backtest_finds_what_was_live_and_says_what_other_rules_would_change(hub: Alerting) -> None:
    hub.load = 95.0
    hub.until(lambda: bool(hub.burning()), "it burns")
    hub.load = 10.0
    hub.until(lambda: bool(hub.incidents()) and hub.incidents()[0].ended_at is not None, "it is over")
    (live,) = hub.incidents()

    found: list[Any] = []

    def same() -> bool:
        found[:] = [one for one in backtested(hub, RULES_TRIED)["today"]["incidents"] if one["rule"] == "busy"]
        return [one["id"] for one in found] == [live.id]

    # What is judged live is on disk a moment later.
    try:
        until(same, 30, "the replay finds the same incident", hub)
    finally:
        print(f"live: {live}\nfound: {found}")
    tried = backtested(hub, RULES_TRIED)

    assert [one["rule"] for one in tried["rules"]["incidents"] if one["rule"] in ("busy", "calm")] == []
    assert live.id in tried["difference"]["gone"]
    assert tried["today"]["minutes_firing"] > 0


def test_a_backtest_finds_what_came_and_went_within_one_commit_of_the_store(hub: Alerting) -> None:
    writer = hub.pid("store-writer")
    assert writer is not None
    os.kill(writer, signal.SIGSTOP)
    try:
        hub.load = 95.0
        hub.until(lambda: bool(hub.burning()), "it burns")
        hub.load = 10.0
        hub.until(lambda: bool(hub.incidents()) and hub.incidents()[0].ended_at is not None, "it is over")
    finally:
        os.kill(writer, signal.SIGCONT)
    (live,) = hub.incidents()

    def found() -> list[Any]:
        replayed = backtested(hub, RULES_TRIED)["today"]["incidents"]
        return [(one["id"], one["started_at"], one["ended_at"]) for one in replayed if one["rule"] == "busy"]

    until(lambda: bool(found()), 30, "it is in the store", hub)
    assert found() == [(live.id, live.started_at, live.ended_at)]


def test_a_backtest_of_wrong_rules_names_the_mistake(hub: Alerting) -> None:
    file = hub.folder / "tried.toml"
    file.write_text('[[rules]]\nname = "busy"\nwhen = "cpu.percent >"\n')
    command = [sys.executable, "-m", "bus.command", "backtest", str(file), "--config", str(hub.config)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 100
    assert "found the end at character 14" in done.stderr
