"""What a subscriber can tell of frames that passed it by."""

from __future__ import annotations

from bus.missed import MOST, Passed
from bus.wire import PLACE_BITS, Stamp


def frame(counter: int, life: int = 1, kind: str = "sample", *, place: int = 1) -> Stamp:
    """A bus frame as the collector counted it."""
    return Stamp(kind, place << PLACE_BITS | life, counter, 0)


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
    second = [frame(counter, 2, place=2) for counter in (900, 901, 903)]
    assert missing(Passed(from_one=True), frame(7), second[0], frame(8), *second[1:]) == [0, 0, 0, 0, 1]


def test_another_life_of_a_collector_that_was_heard_began_at_one() -> None:
    assert missing(Passed(from_one=True), frame(7), frame(3, 2), frame(4, 2)) == [0, 2, 0]
    assert missing(Passed(from_one=True), frame(7), frame(3, 2), frame(5, 2, "check"), frame(2, 3, "check")) == [
        0,
        2,
        0,
        1,
    ]
    assert missing(Passed(), frame(7), frame(3, 2)) == [0, 0]


def test_of_a_collector_of_an_earlier_version_nobody_knows_whose_place_another_takes() -> None:
    # docs/decisions/0042: its whole incarnation is random.
    old = Stamp("sample", 0xBEEF << PLACE_BITS | 1, 7, 0)
    assert missing(Passed(from_one=True), old, frame(3), frame(6), frame(4, 2)) == [0, 0, 2, 3]
    assert missing(Passed(from_one=True), old, frame(900, place=2)) == [0, 0], "which may live on beside it"


def test_a_collector_that_is_heard_after_another_was_started_anew_may_be_an_old_one() -> None:
    passed = Passed(from_one=True)
    assert missing(passed, frame(7), frame(3, 2), frame(900, 3, place=2)) == [0, 2, 0]
    assert missing(passed, frame(4, 4, place=2), frame(4, 2)) == [3, 0]


def test_a_collector_that_lives_on_while_another_is_started_again_and_again_stays_known() -> None:
    passed = Passed(from_one=True)
    for life in range(2, 3 * MOST):
        passed.note(frame(life))
        passed.note(frame(1, life, place=2))
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


def amid(passed: Passed, *frames: Stamp) -> list[bool]:
    """Which of these show that others were told before."""
    found = []
    for one in frames:
        found.append(passed.is_amid(one))
        passed.note(one)
    return found


def test_the_first_frame_of_a_kind_that_is_not_the_first_told_shows_once_that_a_collector_was_heard_late() -> None:
    heard = (frame(1, kind="alert"), frame(7), frame(8), frame(3, kind="facts"))
    assert amid(Passed(from_one=True), *heard) == [False, True, False, False]


def test_a_collector_that_began_while_it_was_listened_to_was_not_heard_late() -> None:
    assert amid(Passed(from_one=True), frame(1), frame(2), frame(3, 2), frame(9, 2, "facts")) == [False] * 4
    assert amid(Passed(from_one=True), frame(1), frame(5, place=2)) == [False, True]
