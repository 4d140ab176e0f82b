"""Which way an agent's words take, and that new keys are used without a restart."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from bus import enrolled, joining, keys
from bus.joining import Join
from bus.sockets import Push
from bus.tables import Bus
from bus.ways import Ways, joined_as

SIDE = ("ipc://run/door.ipc", "ipc://run/side-receipts.ipc")
SET = Bus(door="tcp://127.0.0.1:1", receipts="tcp://127.0.0.1:2")


def join(name: str = "web-1") -> Join:
    """A line that an agent was given."""
    own = keys.new()
    return Join(name, "tcp://192.0.2.7:5560", "tcp://192.0.2.7:5561", keys.new().public, own.public, own.secret)


@pytest.fixture
def push() -> Iterator[Push]:
    context: zmq.Context[Any] = zmq.Context()
    yield Push(context)
    context.destroy(linger=0)


def mechanism(push: Push) -> int:
    """What the socket speaks from its next connection on."""
    found = push.raw.getsockopt(zmq.MECHANISM)
    assert isinstance(found, int)
    return found


def test_without_any_keys_the_settings_hold(tmp_path: Path, push: Push) -> None:
    assert Ways(tmp_path, SET, SIDE)(push) == (SET.door, SET.receipts)
    assert mechanism(push) == zmq.NULL
    assert joined_as(tmp_path) == ""


def test_an_agent_that_was_joined_shows_its_key_where_it_was_told(tmp_path: Path, push: Push) -> None:
    joining.keep(tmp_path, join())
    assert Ways(tmp_path, SET, SIDE)(push) == ("tcp://192.0.2.7:5560", "tcp://192.0.2.7:5561")
    assert mechanism(push) == zmq.CURVE
    assert joined_as(tmp_path) == "web-1"


def test_the_agent_of_the_hubs_own_host_goes_by_the_side_door_once_the_hub_asks_for_keys(
    tmp_path: Path, push: Push
) -> None:
    ways = Ways(tmp_path, SET, SIDE)
    assert not ways.changed()
    enrolled.hub_key(tmp_path)
    assert ways.changed()
    assert ways(push) == SIDE
    assert mechanism(push) == zmq.NULL


@pytest.mark.parametrize("everywhere", ["*", "0.0.0.0", "[::]"])
def test_it_goes_there_too_while_a_hub_that_listens_everywhere_has_not_made_its_key(
    everywhere: str, tmp_path: Path, push: Push
) -> None:
    ways = Ways(tmp_path, Bus(door=f"tcp://{everywhere}:1", receipts=f"tcp://{everywhere}:2", keys=True), SIDE)
    assert ways(push) == SIDE
    joining.keep(tmp_path, join())
    assert ways.changed()
    assert ways(push) == ("tcp://192.0.2.7:5560", "tcp://192.0.2.7:5561")


def test_an_agent_that_is_joined_while_it_runs_notices(tmp_path: Path, push: Push) -> None:
    ways = Ways(tmp_path, SET, SIDE)
    joining.keep(tmp_path, join())
    assert ways.changed()
    assert not ways.changed()
    ways(push)
    assert mechanism(push) == zmq.CURVE


def test_keys_that_cannot_be_used_are_told_and_not_done_without(tmp_path: Path) -> None:
    joining.keep(tmp_path, join())
    (tmp_path / "keys" / "agent.key").chmod(0o644)
    with pytest.raises(keys.KeysFault, match="chmod 600"):
        Ways(tmp_path, SET, SIDE)


def test_agents_spread_over_the_collectors_by_their_names(tmp_path: Path, push: Push) -> None:
    bus = Bus(door="tcp://127.0.0.1:1, tcp://127.0.0.1:3", receipts="tcp://127.0.0.1:2,tcp://127.0.0.1:4")
    first = {Ways(tmp_path, bus, SIDE, f"web-{number}")(push) for number in range(20)}
    assert first == {("tcp://127.0.0.1:1", "tcp://127.0.0.1:2"), ("tcp://127.0.0.1:3", "tcp://127.0.0.1:4")}


def test_an_agent_goes_to_the_next_collector_and_comes_back(tmp_path: Path, push: Push) -> None:
    bus = Bus(door="tcp://127.0.0.1:1,tcp://127.0.0.1:3", receipts="tcp://127.0.0.1:2,tcp://127.0.0.1:4")
    ways = Ways(tmp_path, bus, SIDE, "web-1")
    before = ways(push)
    assert ways.elsewhere()
    assert ways(push) not in (before, SIDE)
    ways.elsewhere()
    assert ways(push) == before


def test_where_there_is_one_collector_there_is_nowhere_else(tmp_path: Path, push: Push) -> None:
    ways = Ways(tmp_path, SET, SIDE, "web-1")
    assert not ways.elsewhere()
    assert ways(push) == (SET.door, SET.receipts)


def test_a_joined_agent_knows_all_doors_of_its_hub(tmp_path: Path, push: Push) -> None:
    line = dataclasses.replace(
        join(), door="tcp://192.0.2.7:1,tcp://192.0.2.7:3", receipts="tcp://192.0.2.7:2,tcp://192.0.2.7:4"
    )
    joining.keep(tmp_path, joining.from_line(joining.to_line(line)))
    ways = Ways(tmp_path, SET, SIDE, "web-1")
    found = {ways(push)}
    ways.elsewhere()
    assert found | {ways(push)} == {
        ("tcp://192.0.2.7:1", "tcp://192.0.2.7:2"),
        ("tcp://192.0.2.7:3", "tcp://192.0.2.7:4"),
    }
