"""A message that kills the store twice, alone, is put into quarantine; its neighbours are stored."""

from __future__ import annotations

from bus.delivery.fence import Fence, Handling
from bus.delivery.receiver import Receiver

BATCH = [("web-1", 7, 1, 3), ("web-2", 9, 5, 5)]


def test_without_a_marker_everything_goes_in_batches() -> None:
    assert Fence(b"").verdict("web-1", 7, 1) is Handling.BULK


def test_after_a_death_over_a_batch_its_messages_are_worked_on_alone_and_no_others() -> None:
    fence = Fence(Fence().around(BATCH))

    assert [fence.verdict("web-1", 7, n) for n in (1, 2, 3, 4)] == [Handling.ALONE] * 3 + [Handling.BULK]
    assert fence.verdict("web-2", 9, 5) is Handling.ALONE
    assert fence.suspects == 4


def test_one_death_over_a_message_alone_may_be_chance_two_are_not() -> None:
    once = Fence(Fence(Fence().around(BATCH)).alone("web-1", 7, 2))
    twice = Fence(once.alone("web-1", 7, 2))

    assert once.verdict("web-1", 7, 2) is Handling.ALONE
    assert twice.verdict("web-1", 7, 2) is Handling.QUARANTINE
    assert twice.verdict("web-1", 7, 1) is Handling.ALONE


def test_what_was_committed_is_no_suspect_any_more() -> None:
    fence = Fence(Fence().around(BATCH))
    marker = fence.cleared([("web-1", 7, 1, 1)])

    again = Fence(marker)
    assert again.verdict("web-1", 7, 1) is Handling.BULK
    assert again.verdict("web-1", 7, 2) is Handling.ALONE


def test_when_all_was_committed_there_is_nothing_to_remember() -> None:
    assert Fence(Fence().around(BATCH)).cleared(BATCH) == b""


def test_a_marker_that_was_cut_short_tells_of_what_it_still_holds() -> None:
    marker = Fence().around(BATCH)

    for cut in range(len(marker)):
        fence = Fence(marker[:cut])
        assert fence.suspects in (0, 3)


def test_what_the_store_has_after_all_is_forgotten_however_far_its_numbers_go() -> None:
    receiver = Receiver(5, 1)
    receiver.admit_run("web-1", 7, 1, 2, 1, 5, 0.0)
    receiver.admit("web-1", 7, 2**62, 1, 5, 0.0)
    fence = Fence(Fence().around([("web-1", 7, 1, 2**62)]))
    fence.settled(receiver.held)

    wanted = [(1, Handling.BULK), (2, Handling.BULK), (3, Handling.ALONE), (2**62, Handling.BULK)]
    assert [(number, fence.verdict("web-1", 7, number)) for number, _ in wanted] == wanted


def test_a_death_over_several_is_no_strike_against_any_of_them_however_often() -> None:
    fence = Fence()
    for _ in range(4):
        fence = Fence(fence.around([("web-1", 7, 1, 2)]))

    assert [fence.verdict("web-1", 7, n) for n in (1, 2)] == [Handling.ALONE] * 2


def test_a_death_over_a_batch_of_one_is_no_strike_yet() -> None:
    batch_of_one = Fence(Fence().around([("web-1", 7, 2, 2)]))
    alone = Fence(batch_of_one.alone("web-1", 7, 2))

    assert alone.verdict("web-1", 7, 2) is Handling.ALONE


def test_with_a_message_that_was_committed_its_strikes_are_forgotten_and_those_of_others_are_not() -> None:
    fence = Fence(Fence().around(BATCH))
    for one in (("web-1", 7, 2), ("web-2", 9, 5), ("web-2", 9, 5)):
        fence = Fence(fence.alone(*one))
    fence = Fence(fence.cleared([("mail", 1, 1, 9), ("web-1", 7, 1, 3)]))

    assert fence.verdict("web-2", 9, 5) is Handling.QUARANTINE
    assert fence.suspects == 1
    assert fence.cleared([("web-2", 9, 5, 5)]) == b""
