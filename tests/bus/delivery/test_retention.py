"""How long the store may be away until something is lost."""

from __future__ import annotations

import pytest

from bus.delivery.retention import seconds_left

DAY = 86_400.0


def left(*, most: int = 1_000_000, waiting: int = 0, told: int = 100, elapsed: float = 100.0) -> float | None:
    return seconds_left(most=most, longest=7 * DAY, size=1000.0, waiting=waiting, told=told, elapsed=elapsed)


@pytest.mark.parametrize(
    ("waiting", "told", "seconds"), [(0, 100, 1000), (400, 100, 600), (400, 10, 6000), (1000, 100, 0), (1200, 100, 0)]
)
def test_as_long_as_there_is_room_for_what_is_told(waiting: int, told: int, seconds: float) -> None:
    assert left(waiting=waiting, told=told) == pytest.approx(seconds)


def test_no_longer_than_messages_are_kept() -> None:
    assert left(most=10**12) == 7 * DAY
    assert left(most=10**12, waiting=86_400) == 6 * DAY


def test_nobody_can_tell_of_who_said_nothing_yet_or_just_began() -> None:
    assert left(told=0) is None
    assert left(elapsed=59.0) is None
    assert seconds_left(most=1, longest=DAY, size=0.0, waiting=0, told=5, elapsed=DAY) is None
