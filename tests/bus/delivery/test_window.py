"""The window grows by what is acknowledged, halves at a loss, and its tokens spread a backlog."""

from __future__ import annotations

import random

import pytest

from bus.delivery.window import Backoff, Limits, Window

LIMITS = Limits(window=256, window_min=8, window_max=1024)
NOON = 43_200.0


def test_it_doubles_for_each_full_window_that_is_acknowledged_until_the_first_loss() -> None:
    window = Window(LIMITS, NOON)
    window.acknowledged(256, under_way=256)

    assert window.limit(0) == 512


def test_a_backlog_that_may_take_only_half_of_the_window_makes_it_grow_too() -> None:
    window = Window(Limits(window=257), 0.0)
    for _ in range(100):
        half = window.limit(0) // 2
        window.acknowledged(half, under_way=half)
    assert window.size > 1000


def test_it_does_not_grow_while_something_else_holds_the_sender_back() -> None:
    window = Window(LIMITS, NOON)
    window.acknowledged(10, under_way=10)

    assert window.limit(0) == 256


def test_an_outage_halves_it_once_however_long_it_lasts_and_it_grows_slowly_after_that() -> None:
    window = Window(LIMITS, NOON)
    for minute in range(60):
        window.lost(NOON + 60 * minute)
    halved = window.limit(0)
    window.acknowledged(128, under_way=128)

    assert (halved, window.limit(0)) == (128, 144)


def test_it_never_falls_below_its_least_nor_rises_above_its_most() -> None:
    window = Window(LIMITS, NOON)
    for _ in range(50):
        window.acknowledged(10_000, under_way=10_000)
    most = window.limit(0)
    for n in range(50):
        window.lost(NOON + n)
        window.acknowledged(1, under_way=1)

    assert (most, window.limit(0)) == (1024, 8)


def test_the_store_may_ask_for_less() -> None:
    assert Window(LIMITS, NOON).limit(credit=20) == 20


def test_large_messages_count_by_their_bytes() -> None:
    window = Window(LIMITS, NOON)
    window.spooled(64, 64 * 262_144)

    assert window.limit(0) == LIMITS.window_bytes // 262_144


def test_a_round_trip_that_takes_too_long_shrinks_it() -> None:
    window = Window(LIMITS, NOON)
    window.measured(LIMITS.delay + 1)

    assert window.limit(0) == 192


def test_what_may_go_at_once_is_bounded_and_comes_back_with_time() -> None:
    window = Window(LIMITS, NOON)
    at_once = window.may_send(NOON)
    window.spend(at_once)
    nothing = window.may_send(NOON)
    wait = window.until_affordable()

    assert 8 <= at_once <= 256
    assert nothing == 0
    assert window.may_send(NOON + wait) >= 1


def test_pauses_double_up_to_their_longest_with_chance_and_begin_again_after_success() -> None:
    pauses = Backoff(1.0, 60.0, random.Random(1))
    told = [pauses.next() for _ in range(10)]
    pauses.reset()

    assert all(min(60.0, 2.0**n) / 2 <= pause <= min(60.0, 2.0**n) for n, pause in enumerate(told))
    assert pauses.next() <= 1.0


def test_a_quarter_under_way_is_enough_to_grow() -> None:
    little, enough = Window(LIMITS, NOON), Window(LIMITS, NOON)
    little.acknowledged(64, under_way=63)
    enough.acknowledged(64, under_way=64)

    assert (little.limit(0), enough.limit(0)) == (256, 320)


def test_after_a_loss_it_grows_by_one_at_least() -> None:
    window = Window(LIMITS, NOON)
    window.lost(NOON)
    window.acknowledged(4, under_way=128)

    assert window.size == 129


def test_it_does_not_grow_while_round_trips_take_too_long() -> None:
    window = Window(LIMITS, NOON)
    window.measured(LIMITS.delay)
    assert window.limit(0) == 256

    window.measured(LIMITS.delay + 1)
    window.acknowledged(256, under_way=256)
    assert window.limit(0) == 192


def test_losses_within_a_round_trip_are_one() -> None:
    window = Window(LIMITS, 0.0)
    window.lost(0.0)
    window.acknowledged(1, under_way=0)
    window.lost(window.round_trip / 2)
    assert window.size == 128

    window.lost(window.round_trip)
    assert window.size == 64


@pytest.mark.parametrize(("took", "round_trip"), [(1.0, 0.3), (100.0, 0.2 + 9.8 / 8), (0.0, 0.2 - 0.199 / 8)])
def test_the_round_trip_follows_what_is_measured_by_an_eighth(took: float, round_trip: float) -> None:
    window = Window(LIMITS, NOON)
    window.measured(took)

    assert window.round_trip == pytest.approx(round_trip)


def test_the_size_of_messages_follows_what_is_spooled() -> None:
    window = Window(LIMITS, NOON)
    window.spooled(32, 32 * 262_144)

    assert window.limit(0) == LIMITS.window_bytes // ((512 + 262_144) // 2)


def test_twice_the_window_goes_out_in_a_round_trip() -> None:
    window = Window(LIMITS, NOON)
    assert window.may_send(NOON) == 128

    window.spend(128)
    assert [window.may_send(NOON + 0.01) for _ in range(2)] == [25, 25]

    window.spend(75)
    assert window.until_affordable() == pytest.approx((75 - 25.6 + 1) / 2560)


def test_a_quarter_of_the_window_may_go_at_once_over_a_long_way() -> None:
    window = Window(LIMITS, NOON)
    for _ in range(100):
        window.measured(LIMITS.delay)

    assert window.may_send(NOON) == 64
