"""What was decided, kept and read again."""

from __future__ import annotations

from pathlib import Path

import lmdb
import pytest

from alerter.letters import Item, as_row, read_item
from alerter.machine import Alarm
from alerter.memory import Memory, MemoryBroken
from alerter.recording import chain_key, keep_all, steps, swept, swept_alarms
from alerter.subjects import Kept
from tests.alerter.given import World, at, committer, rule

BUSY = rule("cpu.percent > 90", name="busy")


def test_a_memory_that_cannot_be_made_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(MemoryBroken, match=r"taken: file exists$"):
        Memory(tmp_path / "taken")


def burning(memory: Memory) -> None:
    """An alarm burns at the end of a life."""
    world = World(BUSY)
    room, speaker, _ = committer(world, memory)
    world.says(0, cpu=95)
    room.settle(at(0))
    assert speaker.spoken == [("web-1", "firing")]


@pytest.mark.parametrize("lost", ["row", "checksum"])
def test_an_incident_whose_alarm_was_lost_burns_on_and_ends(memory: Memory, tmp_path: Path, lost: str) -> None:
    burning(memory)
    with memory.transaction() as txn:
        (key,) = (key for key, _ in txn.items("alarms"))
        if lost == "row":
            txn.delete("alarms", key)
    if lost == "checksum":
        memory.close()
        with lmdb.open(str(tmp_path / "alerter"), max_dbs=16) as env, env.begin(write=True) as raw:
            raw.put(key.encode(), b"\0\0\0\0rubbish", db=env.open_db(b"alarms", raw))
        memory.__init__(tmp_path / "alerter")  # type: ignore[misc] # the next life

    if lost == "row":
        # a life that knows that something was lost, and after it one that does not
        committer(World(BUSY, began=10), memory)[0].restore(at(10), salvaged=True)
    world = World(BUSY, began=10)
    room, speaker, _ = committer(world, memory)
    room.restore(at(10))
    assert len(world.judge.decider.open) == 1
    world.says(11, cpu=95)
    room.settle(at(11))
    world.says(12, cpu=10)
    room.settle(at(12))
    assert speaker.spoken == [("web-1", "resolved")]


def test_an_alarm_that_was_salvaged_and_is_quiet_is_forgotten_when_it_fired_long_ago(memory: Memory) -> None:
    with memory.transaction() as txn:
        keep_all(txn, [Kept("busy", "host", "web-1", "", Alarm(), fired=(at(0),))])
        swept_alarms(txn, at(-1))
        assert txn.count("alarms") == 1
        swept_alarms(txn, at(1))
        assert txn.count("alarms") == 0


@pytest.mark.parametrize("length", [10, 4096])
def test_an_incident_of_a_long_story_is_known_to_the_next_life_and_told(memory: Memory, length: int) -> None:
    down = rule("service.state == down and service.status == down", name="down")
    world = World(down)
    room, _, _ = committer(world, memory)
    world.checks(0, status="down", error="x" * length)
    room.settle(at(0))
    (incident,) = world.judge.decider.open.values()
    item = Item("key", "ops", "alarm", at(0), incident)
    assert read_item(as_row(item)) == item

    world = World(down, began=10)
    room, speaker, teller = committer(world, memory)
    room.restore(at(10))
    world.checks(11, status="up")
    room.settle(at(11))
    assert speaker.spoken == [("shop", "resolved")]
    assert [alert.state for _, alert in teller.told] == ["quiet"]


def test_decisions_that_are_damaged_are_forgotten_in_their_time_like_others(memory: Memory, tmp_path: Path) -> None:
    burning(memory)
    memory.close()
    with lmdb.open(str(tmp_path / "alerter"), max_dbs=16) as env, env.begin(write=True) as raw:
        decisions = env.open_db(b"decisions", raw)
        for key, _ in list(raw.cursor(decisions)):
            raw.put(key, b"\0\0\0\0rubbish", db=decisions)
    memory.__init__(tmp_path / "alerter")  # type: ignore[misc] # the next life
    with memory.transaction() as txn:
        there = txn.count("decisions")
        assert swept(txn, at(0), 10) == 0
        assert swept(txn, at(10), 10) == there > 0
        assert txn.count("decisions") == 0


def test_what_is_quiet_and_did_not_fire_of_late_is_no_alarm_of_the_next_life(memory: Memory) -> None:
    burning(memory)
    world = World(BUSY, began=10)
    room, _, _ = committer(world, memory)
    room.restore(at(10))
    world.says(11, cpu=10)
    room.settle(at(11))
    with memory.reading() as txn:
        assert txn.count("alarms") == 1
    room.sweep(at(11 + 3500), decisions=at(0), each=10, incidents=at(0))
    with memory.reading() as txn:
        assert txn.count("alarms") == 1
    room.sweep(at(11 + 3601), decisions=at(0), each=10, incidents=at(0))
    with memory.reading() as txn:
        assert txn.count("alarms") == 0


def test_a_disk_of_a_very_long_name_has_an_alarm_of_its_own_in_each_life(memory: Memory) -> None:
    full = rule("disk[*].percent > 90", name="disk-nearly-full")
    host, ours, other = "h" * 128, "/srv/" + "資" * 155, "/srv/" + "資" * 154 + "料"
    world = World(full)
    room, speaker, _ = committer(world, memory)
    world.sample(0, host, {f"disk[{ours}].percent": 95.0, f"disk[{other}].percent": 95.0})
    room.settle(at(0))
    assert speaker.spoken == [(host, "firing"), (host, "firing")]

    world = World(full, began=10)
    room, speaker, _ = committer(world, memory)
    room.restore(at(10))
    assert {one.instance for one in world.judge.decider.open.values()} == {ours, other}
    world.sample(11, host, {f"disk[{ours}].percent": 95.0, f"disk[{other}].percent": 10.0})
    room.settle(at(11))
    assert speaker.spoken == [(host, "resolved")]
    assert [one.instance for one in world.judge.decider.open.values()] == [ours]
    with memory.reading() as txn:
        (told, *_), _, _ = steps(txn, chain_key("host", host, "disk-nearly-full", ours), at(12), 10)
    assert told.verdict == "firing"
