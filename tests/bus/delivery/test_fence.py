"""A message that kills the store twice, alone, is put into quarantine; its neighbours are stored."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bus.delivery.fence import Fence, Handling
from bus.delivery.receiver import Receiver
from tests.bus.delivery.receiving import came

BATCH = [("web-1", 7, 1, 3), ("web-2", 9, 5, 5)]


def test_without_a_marker_everything_goes_in_batches() -> None:
    assert Fence(b"").verdict("web-1", 7, 1) is Handling.BULK


def test_after_a_death_over_a_batch_its_messages_are_worked_on_alone_and_no_others() -> None:
    fence = Fence(Fence().around(BATCH))

    assert [fence.verdict("web-1", 7, n) for n in (1, 2, 3, 4)] == [Handling.ALONE] * 3 + [Handling.BULK]
    assert fence.verdict("web-2", 9, 5) is Handling.ALONE
    assert fence.suspects == 4


def test_one_death_over_a_message_alone_may_be_chance_two_are_not() -> None:
    once = Fence(Fence(Fence().around(BATCH)).around([("web-1", 7, 2, 2)]))
    twice = Fence(once.around([("web-1", 7, 2, 2)]))

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
    came(receiver, "web-1", 7, 1, 2, 1, 5, 0.0)
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
    alone = Fence(batch_of_one.around([("web-1", 7, 2, 2)]))

    assert alone.verdict("web-1", 7, 2) is Handling.ALONE


def test_with_a_message_that_was_committed_its_strikes_are_forgotten_and_those_of_others_are_not() -> None:
    fence = Fence(Fence().around(BATCH))
    for one in (("web-1", 7, 2), ("web-2", 9, 5), ("web-2", 9, 5)):
        fence = Fence(fence.around([(*one, one[2])]))
    fence = Fence(fence.cleared([("mail", 1, 1, 9), ("web-1", 7, 1, 3)]))

    assert fence.verdict("web-2", 9, 5) is Handling.QUARANTINE
    assert fence.suspects == 1
    assert fence.cleared([("web-2", 9, 5, 5)]) == b""


def lives(total: int, poison: set[int], chance: Callable[[], bool]) -> tuple[set[int], set[int], int, int]:
    """What a store has in the end, what it put aside, and how many deaths and commits that took."""
    fence, stored, aside, deaths, commits = (
        Fence(Fence().around([("web-1", 7, 1, total)])),
        set[int](),
        set[int](),
        1,
        0,
    )
    while len(stored | aside) < total:
        offered = [number for number in range(1, total + 1) if number not in stored | aside]
        handled = {number: fence.verdict("web-1", 7, number) for number in offered}
        put_aside = {number for number, how in handled.items() if how is Handling.QUARANTINE}
        aside |= put_aside
        fence.cleared(("web-1", 7, number, number) for number in put_aside)
        suspects = [("web-1", 7, number, number) for number, how in handled.items() if how is Handling.ALONE]
        bulk = {number for number, how in handled.items() if how is Handling.BULK}
        assert not bulk & poison, "what kills is in no batch"
        stored |= bulk
        for part in fence.parts(suspects):
            marker = fence.around(suspects[part])
            if poison & {run[2] for run in suspects[part]} or chance():
                fence, deaths = Fence(marker), deaths + 1
                break
            stored |= {run[2] for run in suspects[part]}
            fence.cleared(suspects[part])
            commits += 1
    return stored, aside, deaths, commits


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 3000),
    st.sets(st.integers(1, 3000), max_size=3),
    st.lists(st.booleans(), max_size=6),
)
@example(260, {4}, [True, False, True, False, True])
def test_what_kills_is_found_and_put_aside_and_all_else_is_stored(total: int, some: set[int], luck: list[bool]) -> None:
    poison = {number for number in some if number <= total}
    ended = iter(luck)
    stored, aside, deaths, _ = lives(total, poison, lambda: next(ended, False))

    assert aside >= poison
    assert stored | aside == set(range(1, total + 1))
    assert len(aside - poison) <= sum(luck) // 2, "chance has to strike one twice"
    # A death by chance may cost a step of the narrowing besides itself, for the next is around others.
    assert deaths <= 1 + 8 * len(poison) + 2 * sum(luck)


def test_a_large_batch_over_which_chance_ended_the_store_is_no_thousand_commits() -> None:
    assert lives(30_000, set(), lambda: False)[2:] == (1, 16)
    assert lives(256, set(), lambda: False)[2:] == (1, 256)
    stored, aside, deaths, commits = lives(30_000, {17_321}, lambda: False)
    assert (len(stored), aside) == (29_999, {17_321})
    assert deaths <= 7
    assert commits < 500


def test_parts_are_of_those_that_stand_together() -> None:
    fence = Fence(
        Fence(Fence().around([("web-1", 7, 1, 600)])).around([("web-1", 7, number, number) for number in (3, 4)])
    )
    runs = [("web-1", 7, number, number) for number in range(1, 601)]
    assert fence.parts(runs) == [slice(0, 2), slice(2, 3), slice(3, 4), slice(4, 600)]
    assert fence.parts([]) == []
