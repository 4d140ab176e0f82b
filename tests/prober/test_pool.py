"""As many threads as are needed, no more, and every result handed back."""

from __future__ import annotations

import logging
import resource
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from bus.loop import Loop
from prober import pool
from prober.pool import FILES_OF_ONE, SPARE_FILES, Pool, possible


class Room:
    """A loop with a pool on it."""

    def __init__(self, most: int) -> None:
        self.loop = Loop()
        self.pool = Pool(self.loop, most, "test", idle_seconds=0.2)
        self.found: list[object] = []

    def until(self, seen: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not seen():
            assert time.monotonic() < end
            self.loop.pass_once(0.05)


@pytest.fixture
def room() -> Iterator[Room]:
    made = Room(50)
    yield made
    made.pool.close()


def test_what_raises_is_handed_back_as_what_it_raised(room: Room) -> None:
    def fail() -> None:
        raise ValueError("no")

    room.pool.submit(fail, room.found.append)
    room.until(lambda: bool(room.found))
    assert isinstance(room.found[0], ValueError)
    assert room.pool.busy == 0


def test_calls_that_wait_for_each_other_run_at_the_same_time(room: Room) -> None:
    meet = threading.Barrier(50)
    for _ in range(50):
        room.pool.submit(lambda: meet.wait(30), room.found.append)
    room.until(lambda: len(room.found) == 50)
    assert not any(isinstance(one, BaseException) for one in room.found)


def test_more_calls_than_threads_wait_their_turn(room: Room) -> None:
    room.pool.most = 2
    for number in range(40):
        room.pool.submit(lambda number=number: number, room.found.append)  # type: ignore[misc]
    room.until(lambda: len(room.found) == 40)
    assert sorted(str(one) for one in room.found) == sorted(map(str, range(40)))
    assert room.pool.threads <= 2


def test_no_result_is_forgotten_however_they_meet(room: Room) -> None:
    # Results that come while others are handed back need a wake-up of their own.
    for number in range(3000):
        room.pool.submit(lambda: None, lambda _: room.found.append(1))
        if number % 50 == 0:
            room.loop.pass_once(0.0)
    room.until(lambda: len(room.found) == 3000)


def test_threads_that_have_nothing_to_do_end(room: Room) -> None:
    for _ in range(20):
        room.pool.submit(lambda: time.sleep(0.05), room.found.append)
    room.until(lambda: len(room.found) == 20)
    room.until(lambda: room.pool.threads == 0)
    room.pool.submit(lambda: "again", room.found.append)
    room.until(lambda: room.found[-1] == "again")


def test_calls_for_which_the_system_has_no_thread_are_made_once_it_has(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_more(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(pool, "AGAIN_SECONDS", 0.01)
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", no_more)
        for number in range(3):
            room.pool.submit(lambda number=number: number, room.found.append)  # type: ignore[misc]
        for _ in range(5):
            room.loop.pass_once(0.02)
    assert (room.pool.busy, room.pool.waiting, room.pool.threads) == (3, 3, 0)
    room.until(lambda: len(room.found) == 3)
    assert sorted(str(one) for one in room.found) == ["0", "1", "2"]


def test_a_call_that_hangs_does_not_keep_the_end() -> None:
    made, go = Room(1), threading.Event()
    made.pool.submit(go.wait, made.found.append)
    made.pool.close()
    made.pool.close()
    go.set()
    assert made.found == []


def test_as_many_files_are_asked_for_as_checks_at_once_need_and_fewer_run_where_there_are_fewer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log, before = logging.getLogger("prober.test"), resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = 100 * FILES_OF_ONE + SPARE_FILES
    assert enough <= before[1], "this machine has too few files for the test"
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (400, before[1]))
        assert possible(100, log) == 100
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == enough
        assert caplog.text == ""
        most = (before[1] - SPARE_FILES) // FILES_OF_ONE
        assert possible(before[1], log) == most
        assert f"only {most} checks run at once" in caplog.text
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
