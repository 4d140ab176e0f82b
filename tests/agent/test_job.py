"""One thing that is read again and again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from agent.job import HANGS, Job, Taken
from agent.pace import Pace
from agent.readings import Costs, Readings
from tests.agent.given import Log, Source

NOON = 43_200.0


class Bench:
    """A job over a source, with all that it does written down."""

    def __init__(self, *, in_thread: bool = False) -> None:
        self.source, self.log, self.costs = Source(), Log(), Costs({"load": None})
        self.done: list[Taken[Readings]] = []
        self.handed: list[tuple[Callable[[], Taken[Any]], Callable[[Taken[Any] | BaseException], None]]] = []
        self.job = Job(
            "load",
            self.source.open,
            Pace(1.0, 0.005),
            self.done.append,
            costs=self.costs,
            log=self.log.logger,
            submit=(lambda call, done: self.handed.append((call, done))) if in_thread else None,
        )


def test_what_is_due_is_read_and_its_cost_is_published() -> None:
    bench = Bench()
    bench.job.run(NOON)
    assert [(taken.found, taken.now) for taken in bench.done] == [({"load.1m": 0.5}, NOON)]
    assert bench.costs.groups["load"] is not None


def test_it_is_opened_once_and_read_at_its_pace() -> None:
    bench = Bench()
    for tenth in range(31):
        bench.job.run(NOON + tenth / 10)
    assert bench.source.opened == 1
    assert bench.source.read_count == 4  # at 0 and 0.1, since rates need two, then at 1.1 and 2.1


def test_a_failure_is_told_once_and_healing_too() -> None:
    bench = Bench()
    bench.source.works = False
    for minute in range(5):
        bench.job.run(NOON + 600 * minute)
    bench.source.works = True
    bench.job.run(NOON + 6000)
    assert bench.log.sentences == [
        "cannot read load: no such device; trying again, ever less often",
        "load can be read again",
    ]
    assert len(bench.done) == 1


def test_after_a_failure_it_is_opened_anew_and_not_at_every_turn() -> None:
    bench = Bench()
    bench.source.works = False
    for second in range(100):
        bench.job.run(NOON + second)
    assert 3 <= bench.source.opened <= 8


def test_in_a_thread_it_is_never_read_twice_at_once() -> None:
    bench = Bench(in_thread=True)
    for second in range(100):
        bench.job.run(NOON + second)
    (handed,) = bench.handed
    call, done = handed
    done(call())
    assert len(bench.done) == 1
    bench.job.run(NOON + 200)
    assert len(bench.handed) == 2


def test_a_failure_in_a_thread_is_told() -> None:
    bench = Bench(in_thread=True)
    bench.job.run(NOON)
    bench.handed[0][1](RuntimeError("it broke"))
    assert "cannot read load: it broke" in bench.log.sentences[0]
    assert bench.done == []


def test_what_costs_too_much_is_told_once() -> None:
    bench = Bench(in_thread=True)
    for n in range(5):
        bench.job.run(NOON + 1000 * n)
        bench.handed[-1][1](Taken({}, 0.1, NOON))
    assert bench.log.sentences == ["load costs more than its budget: read every 20 s from now on"]


def test_what_hangs_in_its_thread_is_told_once_and_so_is_its_answer() -> None:
    # given a thread that is at it
    bench = Bench(in_thread=True)
    bench.job.run(NOON)
    (call, done), at = bench.handed[0], time.monotonic()
    taken = call()
    # when it takes longer than anything may
    bench.job.run(at + HANGS / 2)
    assert bench.log.sentences == []
    for more in (2, 3):
        bench.job.run(at + more * HANGS)
    # then
    assert bench.log.sentences == ["load hangs: it has not answered for 120 s"]
    assert bench.costs.failing.keys() == {"load"}
    assert bench.costs.failing["load"] is not None
    done(taken)
    assert bench.log.sentences[1:] == ["load can be read again"]
    assert bench.costs.failing == {"load": None}


def test_what_waits_for_a_thread_does_not_hang() -> None:
    bench = Bench(in_thread=True)
    bench.job.run(NOON)
    bench.job.run(time.monotonic() + 10 * HANGS)
    assert bench.log.sentences == []
    assert bench.costs.failing == {}


def test_what_cannot_be_read_fails_from_the_first_time_until_it_can() -> None:
    bench = Bench(in_thread=True)
    bench.job.run(NOON)
    (call, done), before = bench.handed[0], time.monotonic()
    done(OSError("no such device"))
    since = bench.costs.failing["load"]
    assert since is not None
    assert before <= since <= time.monotonic()
    done(OSError("still none"))
    assert bench.costs.failing == {"load": since}
    done(call())
    assert bench.costs.failing == {"load": None}
    done(OSError("no such device"))
    again = bench.costs.failing["load"]
    assert again is not None
    assert again >= since


def test_one_that_failed_and_then_hangs_is_told_to_hang_and_has_failed_all_the_while() -> None:
    bench = Bench(in_thread=True)
    bench.job.run(NOON)
    (call, done) = bench.handed[0]
    done(OSError("no such device"))
    since = bench.costs.failing["load"]
    bench.job.run(NOON + 1000)
    taken, at = call(), time.monotonic()
    for more in (2, 3):
        bench.job.run(at + more * HANGS)
    assert bench.log.sentences[1:] == ["load hangs: it has not answered for 120 s"]
    assert bench.costs.failing == {"load": since}
    done(taken)
    assert bench.log.sentences[2:] == ["load can be read again"]
    assert bench.costs.failing == {"load": None}
