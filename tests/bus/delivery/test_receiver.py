"""What the store may acknowledge: the contiguous prefix that is on its disk, and what nobody can supply."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bus.control import Mark, Offer, Receipt
from bus.delivery.facts import Declared, Found, Verdict
from bus.delivery.sources import Limits
from bus.delivery.stream import Reason
from tests.bus.delivery.receiving import GENERATION, NOON, came, declared, hello, marks, receiver_of


def test_the_watermark_waits_at_a_hole_and_moves_on_when_it_is_filled() -> None:
    receiver = receiver_of()
    came(receiver, "web-1", 7, 1, 3, 1, GENERATION, NOON)
    came(receiver, "web-1", 7, 5, 6, 1, GENERATION, NOON)
    receiver.commit()
    waiting = marks(receiver)
    receiver.admit("web-1", 7, 4, 1, GENERATION, NOON)
    receiver.commit()

    assert waiting == [Mark(7, 3, until=4)]
    assert marks(receiver) == [Mark(7, 6)]


def test_nothing_is_acknowledged_before_its_commit_nor_after_a_rollback() -> None:
    receiver = receiver_of()
    came(receiver, "web-1", 7, 1, 3, 1, GENERATION, NOON)
    before = marks(receiver)
    receiver.rollback()

    assert before == [Mark(7, 0)]
    assert marks(receiver) in ([], [Mark(7, 0)])
    assert came(receiver, "web-1", 7, 1, 3, 1, GENERATION, NOON) == [1, 2, 3]


def test_receipts_told_in_the_middle_of_a_batch_are_told_again_after_its_commit() -> None:
    receiver = receiver_of()
    came(receiver, "web-1", 7, 1, 3, 1, GENERATION, NOON)
    receiver.commit()
    came(receiver, "web-1", 7, 4, 6, 1, GENERATION, NOON)
    assert marks(receiver) == [Mark(7, 3)]

    receiver.commit()

    assert marks(receiver) == [Mark(7, 6)], "web-1 sends nothing more until it hears this"
    assert marks(receiver) == []


def test_what_came_before_is_a_duplicate_and_acknowledged_again() -> None:
    receiver = receiver_of()
    came(receiver, "web-1", 7, 1, 3, 1, GENERATION, NOON)
    receiver.commit()
    receiver.receipts(0)

    assert came(receiver, "web-1", 7, 2, 5, 1, GENERATION, NOON) == [4, 5]
    assert receiver.admit("web-1", 7, 1, 1, GENERATION, NOON) is Verdict.DUPLICATE
    assert receiver.streams("web-1")[7].duplicates == 3


def test_a_base_above_a_hole_declares_it_lost_and_the_watermark_passes() -> None:
    receiver = receiver_of()
    receiver.admit("web-1", 7, 1, 1, GENERATION, NOON)
    came(receiver, "web-1", 7, 5, 6, 5, GENERATION, NOON)
    (fact,) = receiver.facts

    assert isinstance(fact, Declared)
    assert (fact.gap.first, fact.gap.last, fact.gap.reason) == (2, 4, Reason.DROPPED)
    receiver.commit()
    assert marks(receiver) == [Mark(7, 6)]


def test_a_base_from_before_the_store_was_restored_declares_nothing() -> None:
    receiver = receiver_of()
    came(receiver, "web-1", 7, 5, 6, 5, GENERATION - 1, NOON)

    assert receiver.facts == ()
    receiver.commit()
    assert marks(receiver) == [Mark(7, 0, until=4)]


def test_what_was_declared_lost_and_comes_after_all_is_stored_and_found() -> None:
    receiver = receiver_of()
    came(receiver, "web-1", 7, 5, 6, 5, GENERATION, NOON)
    receiver.commit()

    assert receiver.admit("web-1", 7, 3, 1, GENERATION, NOON) is Verdict.NEW
    assert receiver.facts == (Found("web-1", 7, 3),)
    assert receiver.streams("web-1")[7].lost == 3


def test_a_hello_is_answered_with_its_watermarks_and_unknown_epochs_as_nothing() -> None:
    receiver = receiver_of()
    came(receiver, "web-1", 7, 1, 3, 1, GENERATION, NOON)
    receiver.commit()
    receiver.receipts(0)
    receiver.greet(hello(Offer(7, 0, 3, 0), Offer(8, 0, 0, 0), nonce=44), NOON)
    receiver.commit()

    (receipt,) = receiver.receipts(0)
    assert (receipt.answer, set(receipt.marks)) == (44, {Mark(7, 3), Mark(8, 0)})


def test_the_floor_of_a_hello_declares_what_no_one_can_supply_even_of_a_closed_epoch() -> None:
    receiver = receiver_of()
    receiver.greet(hello(Offer(7, 4, 4, 2), Offer(8, 0, 0, 0)), NOON)

    gaps = [(f.gap.first, f.gap.last, f.gap.reason) for f in receiver.facts if isinstance(f, Declared)]
    assert gaps == [(1, 2, Reason.RESTORED), (3, 4, Reason.DROPPED)]


def test_too_many_live_epochs_are_refused_and_told() -> None:
    receiver = receiver_of(limits=Limits(live_epochs=2))
    for epoch in (1, 2):
        receiver.admit("web-1", epoch, 1, 1, GENERATION, NOON)
    receiver.commit()
    receiver.receipts(0)

    assert receiver.admit("web-1", 3, 1, 1, GENERATION, NOON) is Verdict.EPOCHS
    receiver.commit()
    assert marks(receiver) == [Mark(3, 0, refused=True)]
    assert receiver.admit("web-1", 3, 1, 1, GENERATION, NOON + 120) is Verdict.NEW


def test_epochs_that_were_heard_before_the_clock_was_set_back_keep_no_place() -> None:
    receiver = receiver_of(limits=Limits(live_epochs=2))
    for epoch in (1, 2):
        receiver.admit("web-1", epoch, 1, 1, GENERATION, NOON)

    back = NOON - 86_400
    assert receiver.admit("web-1", 1, 2, 1, GENERATION, back) is Verdict.NEW
    receiver.commit()
    assert receiver.admit("web-1", 3, 1, 1, GENERATION, back) is Verdict.EPOCHS, "its allowance is used up"
    assert receiver.admit("web-1", 3, 1, 1, GENERATION, back + 2) is Verdict.NEW


def test_too_many_holes_are_refused_but_the_next_number_never_is() -> None:
    receiver = receiver_of(limits=Limits(holes=2))
    for number in (3, 5):
        receiver.admit("web-1", 7, number, 1, GENERATION, NOON)

    assert receiver.admit("web-1", 7, 7, 1, GENERATION, NOON) is Verdict.HOLES
    assert receiver.streams("web-1")[7].duplicates == 0, "it was never here"
    assert receiver.admit("web-1", 7, 1, 1, GENERATION, NOON) is Verdict.NEW


def test_so_many_gaps_stay_open_for_what_comes_late_and_older_ones_do_not() -> None:
    receiver = receiver_of(limits=Limits(open_gaps=2))
    for number in (2, 4, 6):
        receiver.admit("web-1", 7, number, number, GENERATION, NOON)

    verdicts = [receiver.admit("web-1", 7, number, 1, GENERATION, NOON) for number in (1, 3, 5)]
    assert verdicts == [Verdict.DUPLICATE, Verdict.NEW, Verdict.NEW]


def test_numbers_that_no_producer_gives_are_refused() -> None:
    receiver = receiver_of()
    assert receiver.admit("web-1", 7, 0, 1, GENERATION, NOON) is Verdict.NUMBER
    assert receiver.admit("web-1", 7, 2**63, 1, GENERATION, NOON) is Verdict.NUMBER
    assert receiver.sources() == []


def test_a_base_above_the_record_itself_says_nothing_about_it() -> None:
    receiver = receiver_of()

    assert receiver.admit("web-1", 7, 3, 9, GENERATION, NOON) is Verdict.NEW
    assert declared(receiver) == [(7, 1, 2, Reason.DROPPED)]


def test_a_hello_that_lists_nothing_is_answered() -> None:
    receiver = receiver_of()
    receiver.greet(hello(nonce=44), NOON)

    assert [(receipt.answer, receipt.marks) for receipt in receiver.receipts(0)] == [(44, ())]


def test_the_floor_of_a_hello_to_another_generation_declares_nothing() -> None:
    receiver = receiver_of()
    receiver.admit("web-1", 7, 1, 1, GENERATION, NOON)
    receiver.greet(hello(Offer(7, 4, 4, 2), Offer(8, 3, 3, 0), generation=GENERATION - 1), NOON)

    assert declared(receiver) == []
    assert set(receiver.streams("web-1")) == {7}


def test_a_rejected_message_is_told_and_passed() -> None:
    receiver = receiver_of()
    receiver.reject("web-1", 7, 1, 1, GENERATION, NOON, "malformed")
    receiver.commit()
    (receipt,) = receiver.receipts(0)

    assert [(r.epoch, r.number, r.code) for r in receipt.rejects] == [(7, 1, "malformed")]
    assert receipt.marks == (Mark(7, 1),)
    stream = receiver.streams("web-1")[7]
    assert (stream.stored, stream.rejected) == (0, 1)


def test_what_stands_in_for_a_lost_message_counts_as_lost() -> None:
    receiver = receiver_of()
    receiver.admit("web-1", 7, 1, 1, GENERATION, NOON)
    receiver.stood_in("web-1", 7)

    stream = receiver.streams("web-1")[7]
    assert (stream.stored, stream.lost, stream.watermark) == (0, 1, 1)


def test_a_restarted_store_goes_on_from_what_it_wrote() -> None:
    first = receiver_of()
    came(first, "web-1", 7, 1, 3, 1, GENERATION, NOON)
    first.admit("web-1", 7, 9, 6, GENERATION, NOON)
    puts, deletes = first.changes()
    again = receiver_of(puts)

    assert deletes == []
    assert again.held("web-1", 7, 1, 9) == [(1, 5), (9, 9)]
    assert again.held("web-1", 7, 5, 8) == [(5, 5)]
    assert again.held("web-1", 7, 7, 9) == [(9, 9)]
    assert again.held("web-1", 8, 1, 9) == []
    assert [gap.count for gap in again.streams("web-1")[7].gaps] == [2]


def test_a_stream_that_nobody_mentions_for_a_month_is_forgotten() -> None:
    receiver = receiver_of()
    receiver.admit("web-1", 7, 1, 1, GENERATION, NOON)
    receiver.commit()
    receiver.receipts(0)
    month = receiver.limits.forget_seconds

    assert receiver.prune(NOON + month - 1) == 0
    assert receiver.prune(NOON + month + 1) == 1
    assert len(receiver.changes()[1]) == 1


def test_an_epoch_that_its_producer_still_lists_is_not_forgotten_and_so_not_taken_for_lost() -> None:
    receiver = receiver_of()
    ended, live = Offer(7, 10, 10, 10), Offer(8, 0, 3, 3)
    came(receiver, "web-1", 7, 1, 10, 1, GENERATION, NOON)
    receiver.greet(hello(ended), NOON)
    receiver.commit()
    later = NOON + receiver.limits.forget_seconds + 10
    came(receiver, "web-1", 8, 1, 3, 1, GENERATION, later)
    receiver.commit()
    receiver.receipts(0)
    # Whether it still knows of the other is not known before it says so.
    anew = receiver_of([(stream.key, stream.encode()) for stream in receiver.streams("web-1").values()])
    assert [receiver.prune(later), anew.prune(later)] == [0, 0]
    for one in (receiver, anew):
        one.greet(hello(ended, live), later)
        one.commit()
        one.receipts(0)
        assert one.prune(later + 10) == 0
        one.greet(hello(ended, live), later + 20)
        assert declared(one) == []
        one.commit()
        one.receipts(0)

        one.greet(hello(live), later + 30)
        one.commit()
        one.receipts(0)
        assert one.prune(later + 40) == 1
        assert set(one.streams("web-1")) == {8}


def test_whoever_asked_and_never_told_anything_is_forgotten_when_it_was_answered() -> None:
    receiver = receiver_of()
    receiver.greet(hello(Offer(9, 0, 0, 0)), NOON)
    receiver.prune(NOON)
    assert [(one.source, one.marks) for one in receiver.receipts(0)] == [("web-1", (Mark(9, 0),))]

    receiver.prune(NOON)

    assert list(receiver._sources) == []
    assert receiver.receipts(0) == []
    receiver.greet(hello(Offer(9, 0, 0, 0)), NOON)
    assert [(one.source, one.marks) for one in receiver.receipts(0)] == [("web-1", (Mark(9, 0),))]


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 6), st.booleans()), max_size=40))
def test_whatever_comes_in_whatever_order_the_watermark_is_the_contiguous_part(
    runs: list[tuple[int, int, bool]],
) -> None:
    receiver, had = receiver_of(), set[int]()
    for first, more, commits in runs:
        numbers = set(range(first, first + more + 1))
        assert set(came(receiver, "web-1", 7, first, first + more, 1, GENERATION, NOON)) == numbers - had
        if commits:
            had |= numbers
            receiver.commit()
        else:
            receiver.rollback()
        told = [m.watermark for m in marks(receiver) if m.epoch == 7]
        assert all(watermark == next(n for n in range(50) if n + 1 not in had) for watermark in told)


DEEDS = st.one_of(
    st.tuples(
        st.sampled_from(["web-1", "db-1"]),
        st.sampled_from([7, 7, 7, 8]),
        st.sampled_from([0, 0, 0, 0, -1, 1, 2]),
        st.sampled_from([1, 1, 1, 2, 5]),
    ),
    st.sampled_from(["commit", "commit", "rollback", "receipts", "prune", "base"]),
)


@given(st.lists(DEEDS, max_size=60))
def test_what_follows_ends_as_if_it_were_admitted(deeds: list[tuple[str, int, int, int] | str]) -> None:
    quick, plain = receiver_of(), receiver_of()
    now, base = NOON, 1
    for deed in deeds:
        now += 3600.0
        if isinstance(deed, tuple):
            source, epoch, ahead, count = deed
            stream = plain.streams(source).get(epoch)
            first = max(1, (stream.watermark if stream is not None else 0) + 1 + ahead)
            numbers = range(first, first + count)
            base, declared = 1, base
            verdicts = [plain.admit(source, epoch, number, declared, GENERATION, now) for number in numbers]
            if not quick.follow(source.encode(), epoch, first, numbers[-1], now):
                assert [quick.admit(source, epoch, number, declared, GENERATION, now) for number in numbers] == verdicts
            else:
                assert set(verdicts) == {Verdict.NEW}
        elif deed == "base":
            base = 3
        elif deed == "prune":
            assert quick.prune(now + 40 * 86_400) == plain.prune(now + 40 * 86_400)
        elif deed == "receipts":
            assert quick.receipts(5) == plain.receipts(5)
        else:
            for receiver in (quick, plain):
                receiver.commit() if deed == "commit" else receiver.rollback()
        assert quick.changes() == plain.changes()
        assert (quick.runs, quick.facts) == (plain.runs, plain.facts)


def test_receipts_are_one_for_each_producer_and_batch() -> None:
    receiver = receiver_of()
    for number in range(1, 1001):
        receiver.admit("web-1", 7, number, 1, GENERATION, NOON)
        receiver.admit("web-2", 9, number, 1, GENERATION, NOON)
    receiver.commit()

    assert receiver.receipts(123) == [
        Receipt("web-1", GENERATION, 1, 123, (Mark(7, 1000),)),
        Receipt("web-2", GENERATION, 1, 123, (Mark(9, 1000),)),
    ]


def test_a_restarted_store_tells_whoever_was_alive_lately_and_nobody_else() -> None:
    first = receiver_of()
    first.admit("web-1", 7, 1, 1, GENERATION, NOON)
    first.admit("web-2", 9, 1, 1, GENERATION, NOON - 3600)
    again = receiver_of(first.changes()[0])
    again.announce(NOON + 5)

    assert [(receipt.source, receipt.marks) for receipt in again.receipts(0)] == [("web-1", (Mark(7, 1),))]
