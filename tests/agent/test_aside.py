"""Slow readings in a thread: one after the other, others in their place when one hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from agent.aside import MOST_GIVEN_UP, Aside
from bus.loop import Loop

PATIENCE, HOPELESS = 0.05, 500.0


@pytest.fixture
def loop() -> Loop:
    return Loop()


class Clock:
    """Goes on when the test says so: how long a busy machine lets a thread wait is not the reading's time."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def passes(self) -> None:
        """More than the patience there is."""
        self.now += 2 * PATIENCE


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def aside(loop: Loop, clock: Clock) -> Iterator[Aside]:
    made = Aside(loop, 2, "test", patience=PATIENCE, hopeless=HOPELESS, clock=clock)
    yield made
    made.close()


class Hang:
    """A reading that hangs until it is ``set``."""

    def __init__(self) -> None:
        self._go, self._begun = threading.Event(), threading.Semaphore(0)

    def __call__(self) -> object:
        self._begun.release()
        return self._go.wait()

    def begins(self) -> None:
        """Wait until one more thread is at it."""
        assert self._begun.acquire(timeout=30)

    def set(self) -> None:
        """Let it end."""
        self._go.set()


def until(loop: Loop, holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds() and time.monotonic() < end:
        loop.pass_once(0.01)
    assert holds()


def test_results_and_errors_are_taken_in_the_passes_of_the_loop(loop: Loop, aside: Aside) -> None:
    seen: list[object] = []
    assert aside.threads == 0
    aside.submit(threading.get_ident, seen.append)
    aside.submit(lambda: 1 // 0, seen.append)
    until(loop, lambda: len(seen) == 2)

    assert isinstance(seen[1], ZeroDivisionError)
    assert threading.get_ident() not in seen
    assert aside.threads == 1


def test_a_result_wakes_nobody(loop: Loop, aside: Aside) -> None:
    done = threading.Event()
    aside.submit(done.set, lambda _: None)
    assert done.wait(30)
    start = time.monotonic()
    loop.pass_once(0.3)
    assert time.monotonic() - start > 0.25


def test_what_is_there_can_be_taken_between_two_passes(aside: Aside) -> None:
    done, seen = threading.Event(), list[object]()
    aside.submit(lambda: "read", seen.append)
    aside.submit(done.set, seen.append)
    assert done.wait(30)
    aside.take()
    assert seen[0] == "read"


def test_a_reading_that_hangs_does_not_hold_up_the_others_and_one_thread_is_left(
    loop: Loop, aside: Aside, clock: Clock
) -> None:
    hang, seen = Hang(), list[object]()
    aside.submit(hang, seen.append)
    aside.submit(lambda: "other", seen.append)
    hang.begins()
    assert aside.threads == 1
    clock.passes()
    until(loop, lambda: seen == ["other"])
    assert aside.threads == 2

    hang.set()
    until(loop, lambda: len(seen) == 2 and aside.threads == 1)

    aside.submit(lambda: "again", seen.append)
    until(loop, lambda: seen[-1] == "again")


def test_a_thread_that_had_nothing_to_do_for_long_does_not_hang(aside: Aside, clock: Clock) -> None:
    done, hang = threading.Event(), Hang()
    aside.submit(done.set, lambda _: None)
    assert done.wait(30)
    clock.now = 1000.0
    for _ in range(3):
        aside.submit(hang, lambda _: None)
    aside.take()
    assert aside.threads == 1
    hang.begins()
    clock.passes()
    aside.take()
    assert aside.threads == 2
    hang.set()


def test_there_are_never_more_threads_than_are_allowed(loop: Loop, aside: Aside, clock: Clock) -> None:
    hang, seen = Hang(), list[object]()
    for _ in range(4):
        aside.submit(hang, seen.append)
    hang.begins()
    clock.passes()
    until(loop, lambda: aside.threads == 2)
    hang.begins()
    for _ in range(4):
        clock.passes()
        loop.pass_once(0.01)
    assert aside.threads == 2
    hang.set()
    until(loop, lambda: len(seen) == 4)


def test_what_hangs_for_ever_is_given_up_and_others_take_its_place(loop: Loop, aside: Aside, clock: Clock) -> None:
    # given as many that hang as there may be threads
    hang, seen = Hang(), list[object]()
    for _ in range(2):
        aside.submit(hang, seen.append)
        hang.begins()
        aside.submit(lambda: "behind", seen.append)
        clock.passes()
        aside.take()
    until(loop, lambda: aside.threads == 2)
    # when they hang for so long that nobody waits for them any more
    clock.now += 2 * HOPELESS
    for n in range(3):
        aside.submit(lambda n=n: n, seen.append)  # type: ignore[misc]
    # then there is one in their place, which stays, also after a reading that took long
    until(loop, lambda: seen == ["behind", "behind", 0, 1, 2])
    long = Hang()
    aside.submit(long, seen.append)
    long.begins()
    clock.passes()
    long.set()
    until(loop, lambda: len(seen) == 6)
    aside.submit(lambda: "next", seen.append)
    until(loop, lambda: seen[-1] == "next")
    assert aside.threads == 3
    hang.set()
    until(loop, lambda: aside.threads == 1)


def test_not_more_are_given_up_than_the_system_bears(aside: Aside, clock: Clock) -> None:
    hang = Hang()
    for _ in range(2 + MOST_GIVEN_UP):
        aside.submit(hang, lambda _: None)
        clock.now += 2 * HOPELESS
        aside.take()
        hang.begins()
    aside.submit(hang, lambda _: None)
    clock.now += 2 * HOPELESS
    aside.take()
    assert aside.threads == 2 + MOST_GIVEN_UP
    hang.set()


def test_a_system_without_threads_is_asked_again(
    loop: Loop, aside: Aside, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    seen: list[object] = []
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refused)
        aside.submit(lambda: "read", seen.append)
        assert aside.threads == 0
    clock.passes()
    until(loop, lambda: seen == ["read"])


def test_nothing_is_handed_over_after_the_end_and_what_hangs_does_not_keep_it(loop: Loop) -> None:
    aside = Aside(loop, 2, "test", patience=PATIENCE, hopeless=HOPELESS)
    hang, begun, seen = threading.Event(), threading.Event(), list[object]()

    def hanging() -> None:
        begun.set()
        hang.wait()

    aside.submit(hanging, seen.append)
    assert begun.wait(30)
    aside.close()
    aside.close()
    hang.set()
    for _ in range(3):
        loop.pass_once(0.01)
    assert seen == []
