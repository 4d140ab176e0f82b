"""How a producer stands with its hub: when that is written down, what comes of odd files, whose home is an agent's."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bus.asking import asked_at
from bus.delivering import Deliverer
from bus.delivery.states import Flag, State
from bus.hubs import with_remedy
from bus.questions import Unanswered
from bus.standing import Note, Standing, alone, read

NOON = 1_700_000_000.0
DOOR = "tcp://hub.example:5560"


class Producer:
    """As much of a deliverer as is looked at, at a time that is set."""

    def __init__(self, folder: Path) -> None:
        self.sender = SimpleNamespace(state=State.FLOWING, flags=set(), unacknowledged=1)
        self.now = NOON
        played: Any = SimpleNamespace(
            courier=SimpleNamespace(sender=self.sender),
            door=DOOR,
            source="web-1",
            vitals=lambda: {"spool.left_seconds": 600.0},
        )
        self.folder = folder
        self.note = Note(folder, "agent", cast(Deliverer, played), wall=lambda: self.now)

    def looked(self, *, after: float = 2.0) -> Standing:
        self.now += after
        self.note.look()
        (found,) = read(self.folder)
        return found


@pytest.fixture
def producer(tmp_path: Path) -> Producer:
    return Producer(tmp_path)


def test_who_is_heard_writes_once_and_says_since_when(producer: Producer) -> None:
    first = producer.looked()
    assert first == Standing("agent", "web-1", DOOR, True, NOON + 2, NOON + 2, 1, 600.0, ())
    assert first.well
    assert producer.looked(after=3600) == first


def test_who_is_not_heard_writes_what_waits_every_ten_seconds(producer: Producer) -> None:
    producer.looked()
    producer.sender.state, producer.sender.unacknowledged = State.WAITING, 30
    lost = producer.looked()
    assert (lost.heard, lost.since, lost.waiting, lost.well) == (False, NOON + 4, 30, False)
    producer.sender.unacknowledged = 90
    assert producer.looked(after=9) == lost
    later = producer.looked(after=1)
    assert (later.since, later.at, later.waiting) == (NOON + 4, NOON + 14, 90)


def test_a_greeting_is_no_silence(producer: Producer) -> None:
    first = producer.looked()
    producer.sender.state = State.SYNCING
    assert producer.looked() == first


def test_what_is_wrong_though_receipts_come_is_said_in_words(producer: Producer) -> None:
    producer.looked()
    producer.sender.flags = {Flag.HUB_FULL}
    found = producer.looked()
    assert (found.heard, found.well, found.faults) == (
        True,
        False,
        ("the hub's disk is full or read-only: messages wait here",),
    )
    producer.sender.flags = set()
    assert producer.looked().well


def test_a_disk_that_takes_nothing_ends_nothing_and_who_ended_stands_nowhere(producer: Producer) -> None:
    producer.looked()
    producer.note.forget()
    assert read(producer.folder) == ()
    producer.folder.rmdir()
    producer.sender.state = State.WAITING
    producer.note.look()
    producer.note.forget()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"program": 1}', "\x00"])
def test_a_file_that_is_none_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "agent.standing.json").write_text(text)
    assert read(tmp_path) == ()


def test_a_home_with_spools_or_keys_of_an_agent_and_none_of_a_hub_is_an_agents(tmp_path: Path) -> None:
    assert not alone(tmp_path)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "hub.json").touch()
    assert alone(tmp_path), "joined, and not started yet"
    (tmp_path / "keys" / "hub.json").unlink()
    (tmp_path / "spool" / "web-1").mkdir(parents=True)
    assert alone(tmp_path)
    with pytest.raises(Unanswered, match="this host has an agent alone: --hub names its hub"):
        asked_at(tmp_path / "run" / "reader.ipc", b"")
    (tmp_path / "store").mkdir()
    assert not alone(tmp_path), "a hub without alerter and prober"
    (tmp_path / "store").rmdir()
    (tmp_path / "spool" / "guardia.prober").mkdir()
    assert not alone(tmp_path), "the hub's own agent"
    with pytest.raises(Unanswered, match="make run starts it"):
        asked_at(tmp_path / "run" / "reader.ipc", b"")


def test_a_hub_of_which_one_program_is_away_is_not_said_to_be_away(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    beat = run / "collector.beat"
    beat.touch()
    for socket, program in (("reader", "store-reader"), ("alerter", "alerter")):
        with pytest.raises(Unanswered, match=f"so {program} does not run, or not yet; guardia status says what runs"):
            asked_at(run / f"{socket}.ipc", b"")
    os.utime(beat, (NOON, NOON))
    with pytest.raises(Unanswered, match="the hub is not running here; make run starts it"):
        asked_at(run / "reader.ipc", b"")


def test_a_hub_whose_api_is_away_is_not_said_to_be_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "guardia.toml").write_text("[api]\nport = 9\n")
    monkeypatch.setenv("GUARDIA_CONFIG", str(tmp_path / "guardia.toml"))
    monkeypatch.setenv("GUARDIA_HOME", str(tmp_path))
    refused = "cannot reach 127.0.0.1:9: connection refused"
    assert with_remedy(refused) == f"{refused}; no hub runs there: make run starts one, --hub names another"
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "store-writer.beat").touch()
    assert with_remedy(refused) == f"{refused}; api does not run, or not yet; guardia status says what runs"
    elsewhere = "cannot reach 192.0.2.7:8080: connection refused"
    assert with_remedy(elsewhere) == (
        f"{elsewhere}; no hub runs there, or it listens to its own machine alone ([api] bind, there)"
    )
