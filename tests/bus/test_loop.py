"""The loop: timers without drift, signals in its own time, a clean end."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
import zmq

from bus.loop import Loop
from bus.workers import Workers


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def passes(loop: Loop, clock: Clock, until: float, step: float = 1.0) -> None:
    """Let time pass in steps."""
    while clock.now < until:
        clock.now += step
        loop.pass_once(0.0)


def test_a_timer_keeps_its_beat_however_late_its_turns_are(clock: Clock) -> None:
    loop, seen = Loop(clock), []
    loop.every(10.0, lambda: seen.append(clock.now))
    passes(loop, clock, 1060.0, step=0.75)
    assert [round((at - 1000.0) // 10) for at in seen] == [1, 2, 3, 4, 5, 6][: len(seen)]
    assert len(seen) >= 5


def test_turns_missed_while_the_process_slept_are_skipped(clock: Clock) -> None:
    loop, seen = Loop(clock), []
    loop.every(10.0, lambda: seen.append(clock.now))
    clock.now = 1095.0
    loop.pass_once(0.0)
    loop.pass_once(0.0)
    assert seen == [1095.0]
    passes(loop, clock, 1101.0)
    assert len(seen) == 2


def test_a_timer_may_begin_at_once_be_single_or_be_cancelled(clock: Clock) -> None:
    loop, seen = Loop(clock), []
    loop.every(10.0, lambda: seen.append("at once"), at_once=True)
    loop.after(2.0, lambda: seen.append("single"))
    loop.after(3.0, lambda: seen.append("cancelled")).cancel()
    passes(loop, clock, 1009.0)
    assert seen == ["at once", "single"]


def test_a_timer_may_cancel_itself_from_its_own_turn(clock: Clock) -> None:
    loop, seen = Loop(clock), []

    def once() -> None:
        seen.append(clock.now)
        timer.cancel()

    timer = loop.every(1.0, once)
    passes(loop, clock, 1010.0)
    assert len(seen) == 1


def test_nobody_is_woken_for_a_timer_that_was_cancelled() -> None:
    loop = Loop()
    for _ in range(3):
        loop.after(0.01, lambda: None).cancel()
    loop.after(0.2, lambda: None)
    start = time.monotonic()
    loop.pass_once(60.0)
    assert 0.19 <= time.monotonic() - start < 30


def test_what_is_done_in_passing_wakes_nobody_and_keeps_its_distance(clock: Clock) -> None:
    loop, done = Loop(clock), list[float]()
    loop.in_passing(1.0, lambda: done.append(clock.now - 1000.0))
    for wait in (0.5, 0.4, 0.2, 0.5, 5.0):
        clock.now += wait
        loop.pass_once(0)
    assert [round(at, 1) for at in done] == [1.1, 6.6]


def test_the_longest_handler_is_measured(clock: Clock) -> None:
    loop = Loop(clock)

    def slow() -> None:
        clock.now += 0.7

    loop.after(1.0, slow)
    passes(loop, clock, 1003.0)
    assert loop.longest_handler == pytest.approx(0.7)


def test_a_readable_socket_calls_its_handler_until_it_is_forgotten() -> None:
    loop = Loop()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    try:
        push.connect(f"tcp://127.0.0.1:{pull.bind_to_random_port('tcp://127.0.0.1')}")
        seen: list[bytes] = []
        loop.on_readable(pull, lambda: seen.append(pull.recv()))
        push.send(b"one")
        end = time.monotonic() + 30
        while not seen and time.monotonic() < end:
            loop.pass_once(0.1)
        assert seen == [b"one"]
        loop.forget(pull)
        loop.forget(pull)
        push.send(b"two")
        loop.pass_once(0.05)
        assert seen == [b"one"]
    finally:
        context.destroy(linger=0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_loop_and_the_last_opened_is_closed_first(number: signal.Signals) -> None:
    loop, seen = Loop(), []
    loop.on_stop(lambda: seen.append("first"))
    loop.on_stop(lambda: seen.append("last"))
    loop.after(0.01, lambda: os.kill(os.getpid(), number))
    before = signal.getsignal(number)
    loop.run()
    assert seen == ["last", "first"]
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_handler_that_takes_long_knows_that_it_is_asked_to_end(number: signal.Signals) -> None:
    loop, found = Loop(), list[bool]()

    def long() -> None:
        found.append(loop.asked_to_end)
        os.kill(os.getpid(), number)
        found.append(loop.asked_to_end)
        loop.stop()

    loop.on_signal(signal.SIGHUP, lambda: None)
    loop.after(0.0, long)
    loop.run()

    assert found == [False, number != signal.SIGHUP]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_that_it_is_asked_to_end_is_told_amid_a_handler_that_takes_for_ever(number: signal.Signals) -> None:
    loop, found = Loop(), list[str]()

    def long() -> None:
        os.kill(os.getpid(), number)
        found.append("goes on")
        loop.stop()

    loop.on_asked = lambda: found.append("asked")
    loop.on_signal(signal.SIGHUP, lambda: None)
    loop.after(0.0, long)
    loop.run()
    assert found == (["goes on"] if number == signal.SIGHUP else ["asked", "goes on"])


def test_a_signals_handler_runs_in_the_loop() -> None:
    loop, seen = Loop(), []

    def hung_up() -> None:
        seen.append(threading.current_thread())
        loop.stop()

    loop.on_signal(signal.SIGHUP, hung_up)
    loop.after(0.01, lambda: os.kill(os.getpid(), signal.SIGHUP))
    loop.run()
    assert seen == [threading.main_thread()]


def test_waking_from_another_thread_ends_the_wait() -> None:
    loop = Loop()
    threading.Timer(0.05, loop.wake).start()
    start = time.monotonic()
    loop.pass_once(60.0)
    assert time.monotonic() - start < 30


def test_a_handler_that_fails_still_lets_everything_be_closed() -> None:
    loop, seen = Loop(), []
    loop.on_stop(lambda: seen.append("closed"))

    def fail() -> None:
        raise ZeroDivisionError

    loop.after(0.0, fail)
    with pytest.raises(ZeroDivisionError):
        loop.run()
    assert seen == ["closed"]


# -- workers ---


@pytest.fixture
def loop() -> Loop:
    return Loop()


def run_until(loop: Loop, seen: list[object], count: int) -> None:
    end = time.monotonic() + 30
    while len(seen) < count and time.monotonic() < end:
        loop.pass_once(0.1)
    assert len(seen) == count


def test_results_and_errors_come_back_on_the_loop(loop: Loop) -> None:
    workers = Workers(loop, 2, "test")
    seen: list[object] = []
    workers.submit(threading.get_ident, seen.append)
    workers.submit(lambda: 1 // 0, seen.append)
    run_until(loop, seen, 2)
    workers.close()

    assert any(isinstance(found, ZeroDivisionError) for found in seen)
    assert threading.get_ident() not in seen
    assert workers.busy == 0


def test_there_are_more_threads_once_more_are_needed(loop: Loop) -> None:
    workers, gate, seen = Workers(loop, 1, "test"), threading.Event(), list[object]()
    workers.submit(lambda: gate.wait(60), seen.append)
    workers.submit(lambda: "free", seen.append)
    workers.at_least(2)
    workers.at_least(1)
    while not seen:
        loop.pass_once()
    assert (seen, workers.count) == (["free"], 2)
    gate.set()
    workers.close()


def test_a_call_that_hangs_keeps_neither_the_others_nor_the_end_waiting(loop: Loop) -> None:
    workers = Workers(loop, 2, "test")
    hang = threading.Event()
    seen: list[object] = []
    workers.submit(hang.wait, seen.append)
    workers.submit(lambda: "done", seen.append)
    run_until(loop, seen, 1)

    workers.close()
    workers.close()

    assert seen == ["done"]
    hang.set()
