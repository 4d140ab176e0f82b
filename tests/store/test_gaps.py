"""The account of each producer: exact, also for a stretch of time, whatever was lost, doubled or found again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.control import Hello, Offer, Refusal
from bus.delivery.fence import Fence
from bus.delivery.receiver import Receiver
from bus.delivery.stream import Stream
from bus.messages import Loss, Sample, Tally
from bus.questions import Accounted, Gaps, GapsAnswer, pack_question, read_answer
from bus.wire import pack, record, stamped, unstamped
from store.account import MOST_STREAMS, TALLY_EVERY, Account, tallied
from store.answers import Answers, answer
from store.backends import Backend
from store.backends.memory import MemoryBackend
from store.batch import Batch
from store.gaps import MOST_ENTRIES, MOST_TOLD, Mark, accounted
from tests.store.given import LAYOUT, NOON, SECOND

GENERATION = 5


class Hub:
    """A writer's account over a backend; each ``take`` is a commit."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.receiver = Receiver(GENERATION, 1)
        self.account = Account(self.receiver, Fence(b""))
        self.now = NOON

    def take(self, *numbers: int, epoch: int = 7, base: int = 1, source: str = "web-1") -> None:
        batch = Batch()
        for number in numbers:
            value = Sample(LAYOUT.id, (float(number), 0.0))
            told = record(
                value, source=source, at=self.now, epoch=epoch, number=number, base=base, generation=GENERATION
            )
            frame = stamped("sample", 1, 1, self.now, [pack(told)])
            stamp, start = unstamped(frame)
            self.account.take(batch, stamp.kind, frame, start, stamp.received)
        self.account.write_down(batch, self.now)
        self.backend.commit(batch, self.now, self.receiver.changes())
        self.account.committed()
        self.now += SECOND

    def told(self, start: int | None = None, source: str = "web-1") -> Accounted:
        found: GapsAnswer = answer(self.backend, Gaps(source, start))
        (one,) = found.producers
        return one


@pytest.fixture
def hub(backend: Backend) -> Hub:
    return Hub(backend)


def test_what_was_sent_is_stored_lost_or_under_way(hub: Hub) -> None:
    hub.take(1, 2, 2, 3)
    hub.take(8, base=6)
    told = hub.told()

    assert (told.sent, told.stored, told.duplicates, told.lost, told.rejected, told.waiting) == (8, 4, 1, 2, 0, 2)
    assert told.reasons == {"dropped": 2}
    assert [(one.epoch, one.first, one.last, one.reason) for one in told.entries] == [(7, 4, 5, "dropped")]
    assert told.entries[0].at == NOON + SECOND


def test_what_was_refused_waits_for_nothing(hub: Hub) -> None:
    hub.take(1)
    batch = Batch()
    hub.account.refused(batch, Refusal("web-1", 7, 2, 1, GENERATION, "kind"), hub.now)
    hub.backend.commit(batch, hub.now, hub.receiver.changes())
    told = hub.told()

    assert (told.sent, told.stored, told.rejected, told.waiting) == (2, 1, 1, 0)


def test_what_was_found_after_all_is_no_longer_lost(hub: Hub) -> None:
    hub.take(4, base=4)
    hub.take(2)
    told = hub.told()

    assert (told.sent, told.stored, told.lost) == (4, 2, 2)
    assert told.reasons == {"dropped": 3, "found": 1}


def test_the_account_of_the_last_hour_begins_at_the_tally_before_it(hub: Hub) -> None:
    hub.take(1, 2, 5, base=5)
    hub.now = NOON + TALLY_EVERY
    hub.take(6)
    hub.now += 100 * SECOND
    hub.take(7, 9, 9, base=9)
    told = hub.told(start=hub.now - SECOND)

    assert told.since == NOON + TALLY_EVERY
    assert (told.sent, told.stored, told.duplicates, told.lost, told.reasons) == (3, 2, 1, 1, {"dropped": 1})


def test_an_epoch_that_began_after_the_tally_counts_whole(hub: Hub) -> None:
    hub.take(1, 2)
    hub.now += 10 * SECOND
    hub.take(1, 2, 3, epoch=8)

    assert hub.told(start=hub.now).stored == 3
    assert hub.told().stored == 5


def test_what_waited_while_a_tally_was_written_is_told_with_its_reason_after_it(hub: Hub) -> None:
    hub.take(1)
    batch = Batch()
    hub.account.refused(batch, Refusal("web-1", 7, 2, 1, GENERATION, "kind"), NOON - SECOND)
    hub.backend.commit(batch, hub.now, hub.receiver.changes())
    told = hub.told(start=NOON)

    assert (told.since, told.rejected, told.reasons) == (NOON, 1, {"refused, kind": 1})


def one_stored(epoch: int, seen: float) -> Stream:
    stream = Stream("web-1", epoch)
    stream.watermark = stream.last = stream.stored = 1
    stream.seen = seen
    return stream


def test_streams_for_which_a_tally_had_no_room_count_as_they_were_by_then() -> None:
    full = Tally(tuple(tallied(one_stored(epoch, 10.0)) for epoch in range(MOST_STREAMS)))
    over, new = one_stored(MOST_STREAMS, 10.0), one_stored(MOST_STREAMS + 1, 11.0)
    told = accounted("web-1", [over, new], Mark(10 * SECOND, full), [])
    assert (told.stored, told.sent, told.seen) == (1, 1, 11 * SECOND)

    roomy = Tally(full.streams[1:])
    assert accounted("web-1", [over, new], Mark(10 * SECOND, roomy), []).stored == 2, (
        "it began since, by what clock ever"
    )


def test_of_the_ledger_the_newest_entries_are_told_and_all_are_counted() -> None:
    ledger = [(NOON + n, Loss("web-1", 7, n, n, "dropped")) for n in range(MOST_ENTRIES + 1)]
    told = accounted("web-1", [], None, ledger)
    assert [one.first for one in told.entries] == list(range(1, MOST_ENTRIES + 1))
    assert told.reasons == {"dropped": MOST_ENTRIES + 1}


def test_before_the_first_tally_everything_counts(hub: Hub) -> None:
    hub.take(1, 2)

    assert (hub.told(start=NOON - SECOND).stored, hub.told(start=NOON - SECOND).since) == (2, 0)


def test_numbers_that_a_producer_claims_may_be_larger_than_an_answer_holds(hub: Hub) -> None:
    offers = tuple(Offer(epoch, 2**64 - 1, 2**64 - 1, 0) for epoch in (7, 8, 9))
    hub.receiver.greet(Hello("web-1", "boot", 1, 1, 1, GENERATION, offers), hub.now / 1e9)
    hub.take(1, epoch=10)
    question = Gaps("web-1", None)
    (told,) = read_answer(question, Answers(hub.backend).to(pack_question(question))).producers

    assert (told.stored, told.lost, told.sent) == (1, MOST_TOLD, MOST_TOLD)
    assert told.reasons == {"dropped": MOST_TOLD}


def test_every_producer_has_its_own_account(hub: Hub) -> None:
    hub.take(1, 2)
    hub.take(5, base=4, source="db-1")
    found: GapsAnswer = answer(hub.backend, Gaps())

    assert [(one.source, one.stored, one.lost, one.waiting) for one in found.producers] == [
        ("db-1", 1, 3, 1),
        ("web-1", 2, 0, 0),
    ]
    assert answer(hub.backend, Gaps("nobody")) == GapsAnswer(())


MOVES = st.lists(
    st.tuples(
        st.lists(st.integers(1, 30), min_size=1, max_size=5),
        st.integers(1, 3),
        st.booleans(),
        st.sampled_from([SECOND, TALLY_EVERY // 3, 2 * TALLY_EVERY]),
    ),
    min_size=1,
    max_size=12,
)


@given(MOVES, st.integers(0, 11))
def test_two_accounts_add_up(moves: list[tuple[list[int], int, bool, int]], cut: int) -> None:
    """given any history, then the account of its end is that of the whole less that of its begin"""
    hub = Hub(MemoryBackend())
    accounts = []
    for numbers, epoch, trims, pause in moves:
        hub.take(*numbers, epoch=epoch, base=min(numbers) if trims else 1)
        accounts.append((hub.now - SECOND, hub.told()))
        hub.now += pause
    whole = accounts[-1][1]
    assert whole.sent == whole.stored + whole.lost + whole.rejected + whole.waiting
    assert whole.lost == whole.reasons.get("dropped", 0) - whole.reasons.get("found", 0)
    start = accounts[min(cut, len(accounts) - 1)][0]
    part = hub.told(start=start)
    before = next((told for at, told in accounts if at == part.since), None)
    assert part.since <= start
    assert before is not None
    assert part.sent == whole.sent - before.sent
    assert part.stored == whole.stored - before.stored
    assert part.lost == whole.lost - before.lost
    assert part.lost == part.reasons.get("dropped", 0) - part.reasons.get("found", 0)
