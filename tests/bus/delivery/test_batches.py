"""What a batch that failed takes back, and what must not be taken the quick way."""

from __future__ import annotations

from bus.control import Mark, Offer
from bus.delivery.receiver import Receiver
from tests.bus.delivery.receiving import GENERATION, NOON, came, declared, hello, marks, receiver_of


def _following() -> Receiver:
    """A receiver that has 1 and 2 of web-1, and takes what follows the quick way."""
    receiver = receiver_of()
    receiver.admit("web-1", 7, 1, 1, GENERATION, NOON)
    receiver.admit("web-1", 7, 2, 1, GENERATION, NOON)
    receiver.commit()
    receiver.receipts(0)
    return receiver


def _is_taken(receiver: Receiver, first: int, last: int, *, epoch: int = 7) -> bool:
    return receiver.follow(b"web-1", epoch, first, last, NOON)


def test_what_follows_is_taken_the_quick_way_and_nothing_else_is() -> None:
    receiver = _following()

    assert not _is_taken(receiver, 4, 4)
    assert not _is_taken(receiver, 2, 3)
    assert not _is_taken(receiver, 3, 3, epoch=8)
    assert _is_taken(receiver, 3, 5)
    assert receiver.runs == [("web-1", 7, 3, 5)]


def test_what_fills_a_hole_is_not_taken_the_quick_way() -> None:
    receiver = _following()
    receiver.admit("web-1", 7, 4, 1, GENERATION, NOON)

    assert not _is_taken(receiver, 3, 3), "the watermark has to move over 4 as well"


def test_a_hole_that_only_a_failed_batch_filled_is_one_again() -> None:
    receiver = _following()
    receiver.admit("web-1", 7, 4, 1, GENERATION, NOON)
    receiver.commit()
    receiver.admit("web-1", 7, 3, 1, GENERATION, NOON)
    receiver.rollback()

    assert not _is_taken(receiver, 3, 3)


def test_nothing_that_a_failed_batch_brought_to_light_is_told() -> None:
    receiver = _following()
    receiver.admit("web-1", 7, 9, 9, GENERATION, NOON)
    receiver.reject("web-1", 7, 10, 9, GENERATION, NOON, "malformed")
    assert declared(receiver)
    receiver.rollback()

    assert receiver.facts == ()
    assert [(receipt.marks, receipt.rejects) for receipt in receiver.receipts(0)] == [((Mark(7, 2),), ())]


def test_a_failed_batch_takes_back_no_reject_of_the_one_before() -> None:
    receiver = receiver_of()
    receiver.reject("web-1", 7, 1, 1, GENERATION, NOON, "malformed")
    receiver.commit()
    receiver.reject("web-1", 7, 2, 1, GENERATION, NOON, "poison")
    receiver.rollback()

    (receipt,) = receiver.receipts(0)
    assert [(reject.number, reject.code) for reject in receipt.rejects] == [(1, "malformed")]


def test_a_reject_is_told_after_its_commit_only() -> None:
    receiver = receiver_of()
    receiver.reject("web-1", 7, 1, 1, GENERATION, NOON, "malformed")
    before = [receipt.rejects for receipt in receiver.receipts(0)]
    receiver.commit()

    assert before == [()]
    assert [len(receipt.rejects) for receipt in receiver.receipts(0)] == [1]


def test_the_floor_of_a_hello_in_a_failed_batch_moved_nothing() -> None:
    receiver = _following()
    receiver.greet(hello(Offer(7, 5, 5, 0)), NOON)
    receiver.rollback()

    assert receiver.streams("web-1")[7].watermark == 2


def test_what_a_hello_tells_of_a_stream_outlives_the_process() -> None:
    receiver = _following()
    for once, last in ((0, 3), (2, 3), (2, 9)):
        receiver.greet(hello(Offer(7, 0, last, once)), NOON)
        ((_, value),) = receiver.changes()[0]
        receiver.commit()
        stream = receiver_of([(receiver.streams("web-1")[7].key, value)]).streams("web-1")[7]
        assert (stream.once, stream.last) == (once, last)
    assert receiver.runs == []


def test_a_stream_that_was_forgotten_and_begins_again_is_not_removed_with_a_later_batch() -> None:
    receiver = _following()
    later = NOON + receiver.limits.forget_seconds + 1
    assert receiver.prune(later) == 1
    assert receiver.changed, "it is to be removed from the disk"
    receiver.commit()
    receiver.admit("web-1", 7, 3, 1, GENERATION, later)
    receiver.commit()

    assert receiver.changes() == ([], [])


def test_a_hole_is_not_shown_while_what_may_fill_it_is_not_committed() -> None:
    receiver = _following()
    came(receiver, "web-1", 7, 3, 4, 1, GENERATION, NOON)
    receiver.admit("web-1", 7, 6, 1, GENERATION, NOON)
    assert marks(receiver) == [Mark(7, 2)], "3 and 4 are here already"
    receiver.commit()

    assert marks(receiver) == [Mark(7, 4, until=5)]
