"""``guardia drill alert``: a breach that is none goes from a real agent to a channel, and its times are told."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.alerter.receiver import Receiver, Reply
from tests.pipeline.programs import ROOT, Programs

SETTINGS = """
[notify]
private_networks = ["127.0.0.1"]
[channels.ops]
type = "webhook"
url = "{url}"
"""
HOPS = [
    "agent: measured",
    "agent: sent",
    "collector: received",
    "outbox: on disk",
    "ops: taken",
    "alerter: it is over",
    "ops: recovery taken",
]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


@pytest.fixture
def hub(receiver: Receiver) -> Iterator[Programs]:
    made = Programs(SETTINGS.format(url=receiver.url))
    try:
        made.start_all("collector", "store-writer", "store-reader", "alerter")
        yield made
    finally:
        made.close()


def drill(hub: Programs, *words: str) -> subprocess.CompletedProcess[str]:
    """``guardia drill alert``; the alerter has a while to start."""
    command = [sys.executable, "-m", "bus.command", "drill", "alert", *words, "--config", str(hub.config)]
    for _ in range(100):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        if "nobody answers" not in done.stderr:
            return done
    raise AssertionError(done.stderr)


def test_a_drill_passes_every_hop_twice_and_says_when(hub: Programs, receiver: Receiver) -> None:
    for turn in (1, 2):
        done = drill(hub, "--channel", "ops", "--json")

        told = json.loads(done.stdout)
        assert (done.returncode, told["passed"]) == (0, True), done.stderr
        assert [one["hop"] for one in told["hops"]] == HOPS
        times = [one["at"] for one in told["hops"]]
        assert times == sorted(times)
        assert [one.json()["event"] for one in receiver.requests] == ["drill", "recovery"] * turn
    assert all(one.json()["test"] is True for one in receiver.requests)
    assert len(set(receiver.keys)) == 4


def test_a_drill_that_does_not_arrive_says_where_it_ended(hub: Programs, receiver: Receiver) -> None:
    receiver.usual = Reply(404, b"no such hook")
    done = drill(hub, "--channel", "ops", "--timeout", "15s")

    assert done.returncode == 1
    assert "outbox: on disk" in done.stdout
    assert "ops did not take it in time" in done.stderr
    assert "404" in done.stderr


def test_a_hub_that_lets_in_known_keys_alone_can_hold_a_drill(receiver: Receiver) -> None:
    made = Programs("keys = true\n" + SETTINGS.format(url=receiver.url))
    try:
        made.start_all("collector", "store-writer", "store-reader", "alerter")
        done = drill(made, "--channel", "ops", "--json")
        assert done.returncode == 0, done.stderr
        assert [one.json()["event"] for one in receiver.requests] == ["drill", "recovery"]
    finally:
        made.close()


def test_a_drill_of_a_channel_that_is_not_there_is_not_held(hub: Programs) -> None:
    done = drill(hub, "--channel", "opps")
    assert done.returncode == 100
    assert "there is no channel opps; did you mean ops?" in done.stderr
