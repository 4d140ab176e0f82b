"""What of a bus frame is stored: each record once; what cannot be is passed, counted and written down."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bus.control import Hello, Offer, Refusal
from bus.delivery.fence import Fence
from bus.delivery.receiver import Receiver
from bus.messages import IMPORT, KINDS, Loss, Message, Sample, StreamTally, Tally
from bus.timing import DAY, HOUR
from bus.wire import Record, pack, read, record, stamped, unstamped
from store.account import LEDGER, MOST_NAMES, NEWS, TALLY_EVERY, Account
from store.batch import Batch
from store.dates import FREE
from tests.store.given import LAYOUT, NOON, SECOND

GENERATION = 5


def _told(message: Message, number: int, *, epoch: int = 7, base: int = 1) -> Record:
    return record(
        message, source="web-1", at=NOON + number, epoch=epoch, number=number, base=base, generation=GENERATION
    )


def _sample(number: int, *, epoch: int = 7, base: int = 1) -> Record:
    return _told(Sample(LAYOUT.id, (float(number), 0.0)), number, epoch=epoch, base=base)


def _dated(number: int, at: int, *, epoch: int = 7, source: str = "web-1") -> Record:
    return replace(_sample(number, epoch=epoch), at=at, source=source)


class Desk:
    """An account and its batch; ``commit`` begins the next one."""

    def __init__(self, marker: bytes = b"") -> None:
        self.receiver = Receiver(GENERATION, 1)
        self.fence = Fence(marker)
        self.quarantined: list[tuple[str, int, int, bytes]] = []
        self.account = Account(
            self.receiver,
            self.fence,
            lambda source, epoch, number, told: self.quarantined.append((source, epoch, number, told)),
        )
        self.batch = Batch()
        self.said: list[str] = []
        self.now = NOON
        self.tallies: list[Record] = []
        self.published: list[tuple[int, Loss]] = []

    def take(self, *records: Record) -> None:
        frame = stamped(records[0].kind, 1, 1, NOON, [pack(one) for one in records])
        stamp, start = unstamped(frame)
        self.account.take(self.batch, stamp.kind, frame, start, stamp.received)

    def commit(self) -> list[Record]:
        """What the batch holds, written down and committed; tallies apart."""
        self.account.write_down(self.batch, self.now)
        self.published += self.account.committed()
        found = [
            read(packed)[0]
            for groups in self.batch.groups.values()
            for group in groups.values()
            for _, packed in group.dated()
        ]
        found += [read(packed)[0] for packed in self.batch.layouts]
        self.batch = Batch()
        self.tallies += [one for one in found if one.kind == "tally"]
        return [one for one in found if one.kind != "tally"]

    def losses(self) -> list[Loss]:
        return [one.message() for one in self.commit() if one.kind == "loss"]

    @property
    def watermark(self) -> int:
        return self.receiver.streams("web-1")[7].watermark


def test_what_comes_twice_is_stored_once() -> None:
    desk = Desk()
    desk.take(_sample(1), _sample(2))
    desk.take(_sample(2), _sample(3), _sample(1))

    assert sorted(one.number for one in desk.commit()) == [1, 2, 3]
    assert desk.account.counts == {"duplicate": 2}


def test_what_was_committed_comes_again_for_nothing() -> None:
    desk = Desk()
    desk.take(_sample(1), _sample(2))
    desk.commit()
    desk.take(_sample(1), _sample(2), _sample(3))

    assert [one.number for one in desk.commit()] == [3]


def test_what_is_told_once_is_stored_as_often_as_it_comes_and_never_acknowledged() -> None:
    desk = Desk()
    desk.take(_sample(1, epoch=0), _sample(5, epoch=0))

    assert len(desk.commit()) == 2
    assert desk.receiver.receipts(0) == []


def test_a_gap_is_written_down_in_the_batch_that_makes_it_known_and_once() -> None:
    desk = Desk()
    desk.take(_sample(1), _sample(5, base=5))
    desk.account.write_down(desk.batch, NOON)
    told = desk.commit()

    (entry,) = (one for one in told if one.kind == "loss")
    assert (entry.source, entry.subject, entry.epoch) == (LEDGER, "web-1", 0)
    assert entry.message() == Loss("web-1", 7, 2, 4, "dropped")
    assert (desk.watermark, desk.account.counts["lost"]) == (5, 3)


def test_what_was_thought_lost_and_comes_after_all_is_written_down_too() -> None:
    desk = Desk()
    desk.take(_sample(5, base=5))
    desk.commit()
    desk.take(_sample(3))

    assert desk.losses() == [Loss("web-1", 7, 3, 3, "found")]


def test_the_floor_of_a_hello_is_written_down() -> None:
    desk = Desk()
    desk.receiver.greet(Hello("web-1", "boot", 0, 0, 1, GENERATION, (Offer(7, 4, 9, 0),)), NOON / SECOND)

    assert desk.losses() == [Loss("web-1", 7, 1, 4, "dropped")]


def test_two_hosts_under_very_many_names_are_told_of_the_last_of_these() -> None:
    desk = Desk()
    names = [f"web-{number}" for number in range(MOST_NAMES + 3)]
    for name in names:
        for boot, epoch in (("boot-1", 7), ("boot-2", 8)):
            hello = Hello(name, boot, 0, 0, 1, GENERATION, (Offer(epoch, 0, 0, 0),))
            desk.receiver.greet(hello, NOON / SECOND)
        for epoch in (7, 8, 7):
            desk.receiver.admit(name, epoch, epoch, 1, GENERATION, NOON / SECOND + epoch)
            desk.commit()

    assert list(desk.account.two_hosts(NOON)) == names[3:]


def test_of_two_hosts_under_one_name_it_is_told_while_there_are_and_for_a_while_that_there_are_no_longer() -> None:
    desk = Desk()
    for boot, epoch in (("boot-1", 7), ("boot-2", 8)):
        hello = Hello("web-1", boot, 0, 0, 1, GENERATION, (Offer(epoch, 0, 0, 0),))
        desk.receiver.greet(hello, NOON / SECOND)
    desk.commit()
    assert desk.account.two_hosts(NOON) == {}
    for epoch in (7, 8, 7):
        desk.receiver.admit("web-1", epoch, epoch, 1, GENERATION, NOON / SECOND + epoch)
        desk.commit()

    assert desk.account.two_hosts(NOON + NEWS - 1) == {"web-1": 1.0}
    assert desk.account.two_hosts(NOON + NEWS) == {"web-1": 0.0}
    assert desk.account.two_hosts(NOON + 2 * NEWS) == {}


def test_a_layout_without_sense_is_rejected_kept_aside_and_passed() -> None:
    desk = Desk()
    wrong = Record("layout", "web-1", "web-1", NOON, 7, 1, b"\xc0", generation=GENERATION)
    desk.take(wrong)

    assert desk.losses() == [Loss("web-1", 7, 1, 1, "rejected, malformed")]
    assert desk.quarantined == [("web-1", 7, 1, pack(wrong))]
    assert desk.watermark == 1
    assert [reject.code for reject in desk.receiver.receipts(0)[0].rejects] == ["malformed"]


def test_what_the_collector_refused_is_passed_and_written_down_once() -> None:
    desk = Desk()
    for _ in range(2):
        desk.account.refused(desk.batch, Refusal("web-1", 7, 1, 1, GENERATION, "kind"), NOON)

    assert desk.losses() == [Loss("web-1", 7, 1, 1, "refused, kind")]
    assert desk.watermark == 1


def test_what_a_producers_disk_damaged_is_in_the_ledger_under_its_number_and_the_time_it_came() -> None:
    desk = Desk()
    damage = Loss("web-1", 0, 1, 1, "damaged on disk")
    desk.take(Record("loss", "web-1", "web-1", 0, 7, 1, KINDS["loss"].encode(damage), generation=GENERATION))
    (entry,) = desk.commit()

    assert (entry.message(), entry.at) == (Loss("web-1", 7, 1, 1, "damaged on disk"), NOON)
    stream = desk.receiver.streams("web-1")[7]
    assert (stream.stored, stream.lost) == (0, 1)


def test_a_loss_that_ends_before_it_begins_is_rejected_and_counts_nothing_back() -> None:
    desk = Desk()
    desk.take(_told(Loss("web-1", 0, 10, 2, "damaged on disk"), 1))
    desk.commit()

    assert desk.account.counts["rejected"] == 1
    assert desk.account.counts["lost"] == 0


def test_losses_may_be_published_once_they_are_on_the_disk() -> None:
    desk = Desk()
    desk.take(_sample(1), _sample(5, base=5))
    desk.commit()
    desk.take(_sample(6))
    desk.commit()

    assert desk.published == [(NOON, Loss("web-1", 7, 2, 4, "dropped"))]


def test_a_batch_that_is_given_up_is_written_down_anew_when_its_messages_come_again() -> None:
    desk = Desk()
    desk.take(_sample(4, base=4))
    desk.account.write_down(desk.batch, NOON - SECOND)
    desk.account.rolled_back()
    desk.batch = Batch()
    assert not desk.receiver.changed

    desk.take(_sample(4, base=4))
    lost = Loss("web-1", 7, 1, 3, "dropped")
    assert [one.message() for one in desk.commit() if one.kind == "loss"] == [lost]
    assert desk.published == [(NOON, lost)]


def test_what_has_become_of_a_producers_messages_is_tallied_now_and_then() -> None:
    desk = Desk()
    for number, now in enumerate((NOON, NOON + TALLY_EVERY // 2, NOON + TALLY_EVERY, NOON + TALLY_EVERY + SECOND), 1):
        desk.now = now
        desk.take(_sample(number), _sample(1))
        desk.commit()

    assert [(one.at, one.subject, one.message()) for one in desk.tallies] == [
        (NOON, "web-1", Tally((StreamTally(7, 1, 1, 1, 0, 0),))),
        (NOON + TALLY_EVERY, "web-1", Tally((StreamTally(7, 3, 3, 3, 0, 0),))),
    ]


def test_what_the_last_run_died_over_is_taken_alone_and_put_aside_when_that_kills_too() -> None:
    batch = Fence().around([("web-1", 7, 1, 2)])
    first = Desk(batch)
    first.take(_sample(1), _sample(2), _sample(3))
    assert [one.number for one in first.commit()] == [3]
    assert [read(suspect.record)[0].number for suspect in first.account.alone] == [1, 2]
    first.account.take_alone(first.batch, first.account.alone[0])
    assert [one.number for one in first.commit()] == [1]

    again = Fence(Fence(batch).around([("web-1", 7, 2, 2)]))
    second = Desk(again.around([("web-1", 7, 2, 2)]))
    second.take(_sample(2))
    assert second.losses() == [Loss("web-1", 7, 2, 2, "rejected, poison")]
    assert [place[:3] for place in second.quarantined] == [("web-1", 7, 2)]


def test_the_log_hears_how_much_of_what_and_not_each_message() -> None:
    desk = Desk()
    desk.take(_sample(101, base=101))
    desk.take(_sample(202, base=202))
    desk.commit()
    desk.account.report_to(desk.said.append)
    desk.account.report_to(desk.said.append)

    assert desk.said == ["web-1: 200 messages lost, dropped"]


def test_a_clock_at_random_opens_so_many_hours_and_no_more_and_what_is_refused_is_written_down() -> None:
    desk = Desk()
    for number in range(1, FREE + 11):
        desk.take(_dated(number, NOON + DAY + number * HOUR))
    stored, ledger = desk.commit(), [loss for _, loss in desk.published]

    assert len([one for one in stored if one.kind == "sample"]) == FREE
    assert {loss.reason for loss in ledger} == {"rejected, misdated"}
    assert [loss.first for loss in ledger] == list(range(FREE + 1, FREE + 11))
    assert [kept[2] for kept in desk.quarantined] == list(range(FREE + 1, FREE + 11))
    # The watermark has passed them; what is dated well goes on, and the others are none the worse for it.
    desk.take(_sample(FREE + 11))
    desk.take(_dated(1, NOON + 9 * DAY, source="db-1"))
    assert len(desk.commit()) == 2


def test_the_hub_itself_may_tell_of_any_time() -> None:
    desk = Desk()
    for number in range(FREE + 100):
        desk.take(_dated(number + 1, NOON - 800 * DAY - number * HOUR, epoch=0, source=IMPORT))
    assert len(desk.commit()) == FREE + 100


def test_when_sources_that_fell_silent_were_tallied_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.account.MOST_TALLIED", 3)
    desk = Desk()
    for turn in range(6):
        desk.now = NOON + turn * (TALLY_EVERY // 3)
        desk.take(_dated(1, NOON + turn, epoch=turn + 1, source=f"web-{turn}"), _dated(turn + 1, NOON, source="db-1"))
        desk.commit()

    assert len(desk.account._tallied) <= 4 + 1
    told = [one.subject for one in desk.tallies]
    assert [told.count(f"web-{turn}") for turn in range(6)] == [1] * 6
    assert told.count("db-1") == 2
