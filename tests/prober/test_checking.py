"""The prober's work, with threads and time in the test's hand."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bus.deadline import Guard
from bus.loop import Loop
from bus.messages import Check as Told
from prober.checking import Checking
from prober.checks.common import Check
from prober.checks.heartbeat import Heartbeat
from prober.config import Prober
from prober.judge import Looked
from prober.memory import Memory
from prober.names import Names
from prober.outcome import Failed, Outcome
from prober.pool import Pool
from prober.probe import Probe, Report
from prober.reach import Reach
from prober.standings import Standings
from prober.trial import Ground, checked

NOON = 1_769_860_800_000_000_000
SECOND = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Scripted(Check):
    """A check that finds what stands in its script, one after the other, and then the last again."""

    url: str = "tcp://shop.example:1"
    retries: int = 0
    script: tuple[Any, ...] = (Outcome("up", reached=True),)
    tried: list[int] = field(default_factory=list, compare=False)

    def look(self, probe: Probe) -> Outcome:
        """The next of the script."""
        self.tried.append(1)
        found = self.script[min(len(self.tried), len(self.script)) - 1]
        if isinstance(found, Exception):
            raise found
        return found  # type: ignore[no-any-return]


class Hands(Pool):
    """Calls that are made when the test says so."""

    def __init__(self) -> None:
        self.most = 10
        self.open: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []

    @property
    def threads(self) -> int:
        return 0

    @property
    def waiting(self) -> int:
        return 0

    def submit(self, call: Callable[[], Any], done: Callable[[Any], None]) -> None:
        self.open.append((call, done))

    def work(self) -> None:
        """Make all calls, and hand their results back."""
        calls, self.open = self.open, []
        for call, done in calls:
            done(call())


class Clock:
    """Seconds, as the test says; the loop runs on it too."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Room:
    """A prober without threads, sockets and waiting."""

    def __init__(self, folder: Path, *services: Check, **config: Any) -> None:
        self.clock, self.hands = Clock(), Hands()
        self.loop = Loop(self.clock)
        self.memory = Memory(folder)
        self.slept: list[float] = []
        self.ahead = 0.0
        """Seconds by which the clock on the wall was set."""
        self.ground = Ground(Guard(), Reach((), Names()), LOG, wall=self.wall, sleep=self.slept.append)
        self.told: list[tuple[str, Told]] = []
        self.order: list[str] = []
        standings = Standings(self.memory, LOG)
        keep = standings.keep

        def kept() -> None:
            self.order.append("kept")
            keep()

        standings.keep = kept  # type: ignore[method-assign]
        self.standings = standings
        self.checking = Checking(
            self.loop, self.hands, self.ground, standings, self, LOG, clock=self.clock, chance=lambda: 0.0
        )
        self.config = Prober(**config)
        self.use(*services)

    def wall(self) -> int:
        """Noon when it began."""
        return NOON + int((self.clock.now - 1000.0 + self.ahead) * SECOND)

    def use(self, *services: Check) -> None:
        self.checking.use(self.config, services, self.ground, ("s3same-open",))

    def tell(self, message: Told, *, at: int, subject: str | None = None) -> bool:
        self.told.append((subject or "", message))
        self.order.append("told")
        return True

    def flush(self) -> None:
        self.order.append("sent")

    def run(self, seconds: float, *, work: bool = True) -> None:
        """Let time pass."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now += 0.5
            self.loop.pass_once(0.0)
            if work:
                self.hands.work()

    @property
    def statuses(self) -> list[str]:
        return [message.status for _, message in self.told]


LOG = logging.getLogger("test.prober")


def test_a_check_is_kept_before_it_is_told(tmp_path: Path) -> None:
    room = Room(tmp_path, Scripted(name="shop", interval=10.0))
    room.order.clear()
    room.run(20.0)
    assert room.order[:3] == ["kept", "told", "sent"]
    assert room.memory.standings()["shop"].status == "up"
    name, message = room.told[0]
    assert (name, message.state, message.error, message.place) == ("shop", "up", None, "")


def test_a_failing_attempt_is_made_again_after_a_pause(tmp_path: Path) -> None:
    down = Outcome("down", "answered 500", reached=True)
    shop = Scripted(name="shop", retries=2, retry_pause=3.0, script=(down, down, Outcome("up", reached=True)))
    room = Room(tmp_path, shop)
    room.run(12.0)
    assert room.told[0][1].attempt == 3
    assert room.statuses[0] == "up"
    assert room.slept == [3.0, 3.0]


def test_a_check_is_of_when_its_outcome_was_known(tmp_path: Path) -> None:
    hung = Scripted(name="shop", retries=1, timeout=60.0, script=(Failed("no answer within 60 s"),))
    wall = iter([NOON, NOON + 61 * SECOND, NOON + 121 * SECOND])
    ground = Ground(Guard(), Reach((), Names()), LOG, wall=lambda: next(wall), sleep=lambda _: None)

    found = checked(hung, ground, None, 0)

    # Told as of its begin it would be the past to whoever judges it, and nobody would hear that the service hangs.
    assert (found.attempts, found.at) == (2, NOON + 121 * SECOND)


def test_a_check_that_still_runs_is_not_begun_again(tmp_path: Path) -> None:
    room = Room(tmp_path, Scripted(name="shop", interval=5.0))
    room.run(60.0, work=False)
    assert len(room.hands.open) == 1
    assert room.checking.skipped >= 9
    room.hands.work()
    room.run(10.0)
    assert len(room.told) >= 2


def test_a_fault_of_our_own_says_nothing_of_the_target(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    room = Room(tmp_path, Scripted(name="shop", script=(KeyError("oops"),)))
    room.run(12.0)
    (_, message), *_ = room.told
    assert (message.status, message.state) == ("unknown", "unknown")
    assert "KeyError" in (message.error or "")
    assert any(record.exc_info for record in caplog.records)


def test_no_secret_and_no_second_line_is_told(tmp_path: Path) -> None:
    room = Room(tmp_path, Scripted(name="shop", script=(Failed("said s3same-open\nand\x1b[31m more " + "x" * 900),)))
    room.run(12.0)
    error = room.told[0][1].error or ""
    assert error.startswith("said *** and\\x1b[31m more")
    assert len(error) <= 500


def test_a_service_that_is_taken_out_while_it_is_checked_is_not_told(tmp_path: Path) -> None:
    room = Room(tmp_path, Scripted(name="shop"), Scripted(name="db"))
    room.run(12.0, work=False)
    room.use(Scripted(name="db"))
    room.hands.work()
    room.run(1.0)
    assert {name for name, _ in room.told} == {"db"}


def test_a_service_that_was_changed_is_looked_at_soon_and_others_keep_their_turns(tmp_path: Path) -> None:
    wrong = Scripted(name="shop", interval=86_400.0, script=(Outcome("down", reached=True),))
    other = Scripted(name="db", interval=86_400.0)
    room = Room(tmp_path, wrong, other)
    room.run(100.0)
    count = len(room.told)
    room.use(Scripted(name="shop", interval=86_400.0), other)
    room.run(12.0)
    assert [(name, message.state) for name, message in room.told[count:]] == [("shop", "up")]


def test_a_service_that_was_changed_while_it_is_checked_is_checked_again_at_once(tmp_path: Path) -> None:
    room = Room(tmp_path, Scripted(name="shop", interval=86_400.0, script=(Outcome("down", reached=True),)))
    room.run(12.0, work=False)
    room.use(Scripted(name="shop", interval=86_400.0))
    room.run(12.0, work=False)
    room.hands.work()
    room.hands.work()
    room.run(1.0)
    assert room.statuses == ["up"]


def test_a_silent_target_waits_for_the_canaries(tmp_path: Path) -> None:
    silent = Outcome("down", "no answer within 5 s while connecting")
    canary = "tcp://192.0.2.1:443"
    room = Room(tmp_path, Scripted(name="shop", script=(silent,)), canaries=(canary,))
    looks: list[Looked] = [Looked(9e9, {canary: None}), Looked(9.1e9, {canary: 3.0})]
    room.run(12.0, work=False)
    (call, done), *_ = room.hands.open
    room.hands.open = []
    done(call())
    assert room.told == []
    ((_, looked),) = room.hands.open
    room.hands.open = []
    looked(looks[0])
    room.run(1.0, work=False)
    assert room.statuses == ["unknown"]
    assert not room.checking.own.connected
    room.checking.look()
    ((_, looked),) = room.hands.open
    looked(looks[1])
    assert room.checking.own.connected


def test_a_report_is_judged_at_once_even_in_the_middle_of_a_check(tmp_path: Path) -> None:
    room = Room(tmp_path, Heartbeat(name="backup", interval=3600.0))
    room.run(12.0)
    count = len(room.told)
    room.checking.heard("backup", Report(NOON - 1))
    assert len(room.hands.open) == 1
    room.checking.heard("backup", Report(NOON, "down", "disk full"))
    assert len(room.hands.open) == 1, "the one under way is followed by another"
    room.hands.work()
    room.hands.work()
    room.run(1.0)
    assert room.statuses[count:] == ["up", "down"]
    room.checking.heard("backup", Report(NOON))
    assert room.hands.open == [], "the same report again is no news"


@pytest.mark.parametrize("ahead", [30 * 86_400.0, -30 * 86_400.0])
def test_a_job_is_as_late_as_ever_when_the_clock_was_set(tmp_path: Path, ahead: float) -> None:
    room = Room(tmp_path, Heartbeat(name="backup", interval=600.0, every=3600.0, late=600.0))
    room.checking.heard("backup", Report(room.wall()))
    room.run(900.0)
    room.ahead = ahead
    room.run(3000.0)
    assert set(room.statuses) == {"up"}
    room.run(1200.0)
    assert room.statuses[-1] == "down"


def test_a_job_that_never_reported_has_as_long_as_ever_when_the_clock_was_set(tmp_path: Path) -> None:
    room = Room(tmp_path, Heartbeat(name="backup", interval=600.0, every=3600.0, late=600.0))
    room.run(900.0)
    room.ahead = 86_400.0
    room.run(3000.0)
    assert set(room.statuses) == {"unknown"}
    room.run(1200.0)
    assert room.statuses[-1] == "down"


def test_it_tells_how_it_goes(tmp_path: Path) -> None:
    room = Room(tmp_path, Scripted(name="shop"), Scripted(name="db", script=(Failed("refused", reached=True),)))
    room.run(12.0)
    found = room.checking.readings()
    assert (found["prober.services"], found["prober.up"], found["prober.down"]) == (2.0, 1.0, 1.0)
    assert "prober.connected" not in found
