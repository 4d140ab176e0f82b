"""Samples wait for their layouts, a bounded number of each source, and no source takes another's place."""

from __future__ import annotations

from alerter.waiting import EACH, MOST, Waiting
from bus.messages import Sample
from bus.wire import Record, record


def of(source: str, number: int = 1) -> Record:
    return record(Sample(1, (1.0,)), source=source, at=number, epoch=1, number=number)


def test_what_waited_is_given_in_the_order_in_which_it_came() -> None:
    waiting = Waiting()
    told = [(of("web-2", 1), 10), (of("web-1", 1), 11), (of("web-2", 2), 12)]
    for one, received in told:
        waiting.add(7, one, received)
    waiting.add(8, of("web-1", 2), 13)
    assert set(waiting.layouts()) == {7, 8}
    assert waiting.taken(7) == told
    assert waiting.taken(7) == []
    assert waiting.layouts() == (8,)
    assert len(waiting) == 1


def test_invented_numbers_of_layouts_take_no_memory_and_nobody_elses_place() -> None:
    waiting = Waiting()
    waiting.add(1, of("web-1"), 1)
    for number in range(10 * MOST):
        waiting.add(number + 2, of("bad", number + 1), number)
        assert len(waiting.layouts()) <= EACH + 1
    assert len(waiting) == EACH + 1
    assert waiting.taken(10 * MOST + 1) == [(of("bad", 10 * MOST), 10 * MOST - 1)], "the newest are those that wait"
    assert waiting.taken(1) == [(of("web-1"), 1)]


def test_where_all_places_are_taken_newcomers_are_let_go_and_others_keep_their_number() -> None:
    waiting = Waiting()
    for host in range(MOST):
        waiting.add(host, of(f"web-{host}"), host)
    waiting.add(MOST, of("late"), MOST)
    waiting.add(0, of("web-0", 2), MOST)
    assert len(waiting) == MOST
    assert waiting.taken(MOST) == []
    assert [one.number for one, _ in waiting.taken(0)] == [2]


def test_of_a_source_that_has_all_its_places_the_oldest_sample_goes_and_nobody_elses() -> None:
    waiting = Waiting()
    waiting.add(7, of("web-2"), 0)
    for number in range(EACH + 2):
        waiting.add(7 if number == 0 else 8, of("web-1", number), number)
    assert waiting.taken(7) == [(of("web-2"), 0)]
    assert [one.number for one, _ in waiting.taken(8)] == list(range(2, EACH + 2))


def test_who_told_its_layout_has_all_its_places_again() -> None:
    waiting = Waiting()
    for layout in (7, 8, 9):
        for number in range(EACH):
            waiting.add(layout, of("web-1", number), number)
        assert len(waiting.taken(layout)) == EACH
    assert len(waiting) == 0
