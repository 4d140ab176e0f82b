"""What becomes of decisions, acknowledgements and silences while the disk has no room."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerter.answering import Counter
from alerter.memory import Memory, MemoryFull, Transaction
from alerter.recording import read_incident
from bus.judging import Acknowledge, Acknowledgement, AddSilence, Question, read_answer
from bus.questions import Unanswered, pack_question
from bus.tables import Host
from tests.alerter.given import World, at, committer, rule


class Full(Memory):
    """A memory whose disk is full while the test says so."""

    full = False

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Refused at its end."""
        with super().transaction() as transaction:
            yield transaction
            if self.full:
                raise MemoryFull("no room")


def test_what_was_acknowledged_ends_though_the_disk_was_full_in_between(tmp_path: Path) -> None:
    memory = Full(tmp_path / "alerter")
    world = World(rule("cpu.percent > 90"))
    room, speaker, teller = committer(world, memory)
    world.says(0, cpu=95)
    room.settle(at(0))
    (incident,) = world.judge.decider.open
    assert room.acknowledge(incident, Acknowledgement("anna", at(5)))
    memory.full = True
    room.settle(at(5))
    world.says(10, cpu=10)
    room.settle(at(10))
    assert room.full
    memory.full = False
    room.settle(at(11))
    room.settle(at(12))
    assert not room.full
    assert [one.state for _, one in teller.told] == ["firing", "quiet"]
    assert speaker.spoken == [("web-1", "firing"), ("web-1", "resolved")]
    with memory.reading() as txn:
        kept = read_incident(txn.get("incidents", incident))
    assert kept is not None
    assert kept.acknowledged is not None
    assert (kept.state, kept.acknowledged.owner) == ("resolved", "anna")
    memory.close()


def test_on_a_full_disk_what_cannot_be_kept_is_refused_in_words_and_nothing_ends(tmp_path: Path) -> None:
    memory = Full(tmp_path / "alerter")
    world = World(rule("cpu.percent > 90"))
    room, _, _ = committer(world, memory)
    counter = Counter(world.judge, room, memory.reading, lambda: at(20))
    world.says(0, cpu=95)
    room.settle(at(0))
    (incident,) = world.judge.decider.open
    asked: list[Question] = [
        Acknowledge(incident, "anna", "on it"),
        AddSilence("anna", "disks", at(60), ("web-1",)),
    ]

    memory.full = True
    for question in asked:
        with pytest.raises(Unanswered, match="it cannot be kept: no room"):
            read_answer(question, counter.answered(pack_question(question)))
    room.sweep(at(10), decisions=0, each=1, incidents=0)
    assert world.judge.decider.open[incident].acknowledged is None
    assert room.holding.silences == {}

    memory.full = False
    for question in asked:
        read_answer(question, counter.answered(pack_question(question)))
    memory.close()

    memory = Full(tmp_path / "alerter")
    again = World(rule("cpu.percent > 90"))
    room, _, _ = committer(again, memory)
    room.restore(at(30))
    by = again.judge.decider.open[incident].acknowledged
    assert by is not None
    assert (by.owner, len(room.holding.silences)) == ("anna", 1)
    memory.close()


def test_since_when_a_host_is_expected_is_kept_once_there_is_room(tmp_path: Path) -> None:
    memory = Full(tmp_path / "alerter")
    room, _, _ = committer(World(rule("age > 60s"), hosts=[Host(name="web-1")], began=0.0), memory)
    memory.full = True
    room.note_judged()
    memory.full = False
    room.note_judged()
    with memory.reading() as view:
        assert view.get("state", "expected") == {"host/web-1": at(0)}
    memory.close()
