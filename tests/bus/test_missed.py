"""What a subscriber can tell of frames that passed it by."""

from __future__ import annotations

from bus.missed import MOST, Passed
from bus.wire import Stamp


def frame(counter: int, collector: int = 1, kind: str = "sample") -> Stamp:
    """A bus frame as the collector counted it."""
    return Stamp(kind, collector, counter, 0)


def missing(passed: Passed, *frames: Stamp) -> list[int]:
    """What is missing before each of these."""
    found = []
    for one in frames:
        found.append(passed.missing(one))
        passed.note(one)
    return found


def test_a_hole_in_the_count_is_what_passed_by() -> None:
    assert missing(Passed(), frame(7), frame(8), frame(12), frame(13)) == [0, 0, 3, 0]


def test_each_kind_is_counted_apart() -> None:
    assert missing(Passed(), frame(7), frame(3, kind="check"), frame(8), frame(5, kind="check")) == [0, 0, 0, 1]


def test_the_frames_of_two_collectors_make_no_holes_in_each_other() -> None:
    assert missing(Passed(), frame(7), frame(900, 2), frame(8), frame(901, 2), frame(903, 2)) == [0, 0, 0, 0, 1]


def test_where_there_is_one_collector_another_life_of_it_began_at_one() -> None:
    assert missing(Passed(collectors=1), frame(7), frame(3, 2)) == [0, 2]
    assert missing(Passed(), frame(7), frame(3, 2)) == [0, 0]


def test_where_there_are_several_another_life_of_one_began_at_one_once_each_was_heard() -> None:
    passed = Passed(collectors=2)
    assert missing(passed, frame(7), frame(900, 2), frame(3, 3), frame(4, 3), frame(901, 2)) == [0, 0, 2, 0, 0]
    assert missing(passed, frame(5, 3, "check"), frame(3, 4, "check"), frame(8)) == [0, 2, 0]


def test_a_collector_that_lives_on_while_another_is_started_again_and_again_stays_known() -> None:
    passed = Passed(collectors=2)
    for life in range(2, 3 * MOST):
        passed.note(frame(life))
        passed.note(frame(1, life))
    assert not passed.is_new(frame(3 * MOST))
    assert passed.missing(frame(7, kind="check")) == 0


def test_a_collector_s_life_is_new_until_any_frame_of_it_has_come() -> None:
    passed = Passed()
    found = []
    for one in (frame(7), frame(8), frame(3, kind="check"), frame(1, 2), frame(1, 2, "check"), frame(9)):
        found.append(passed.is_new(one))
        passed.note(one)
    assert found == [True, False, False, True, False, False]


def test_lives_that_are_over_do_not_fill_the_memory() -> None:
    passed = Passed()
    for life in range(3 * MOST):
        passed.note(frame(5, life))
    assert passed.missing(frame(9, 3 * MOST - 1)) == 3
    assert passed.missing(frame(9, 0)) == 0
