"""When the watchdog ends a program, starts one, and leaves it alone."""

from __future__ import annotations

import dataclasses
import logging
from io import StringIO
from pathlib import Path
from xmlrpc.client import Fault

import pytest
from supervisor.childutils import getRPCInterface

from bus.tables import Watchdog
from bus.watchdog import Act, News, Watch, listen, message
from bus.watched import BACKOFF, EXITED, FATAL, RUNNING, Homes, Seen

NOON = 1_769_860_800.0
SETTINGS = Watchdog(silent_seconds=30, abort_seconds=5, revive_seconds=300)
COLLECTOR = Seen("collector", RUNNING, pid=7, started=NOON - 1000, beat=NOON)


def acts(watch: Watch, now: float, *programs: Seen, changed: float = 0.0) -> list[tuple[str, str]]:
    return [(act.what, act.name) for act in watch.judge(now, programs, changed)]


def ticking(watch: Watch, start: float, seconds: int, seen: Seen) -> list[tuple[int, str]]:
    """What is done on each tick of five seconds."""
    found = []
    for tick in range(0, seconds, 5):
        found += [(tick, act.what) for act in watch.judge(start + tick, [seen], 0.0)]
    return found


def test_a_program_that_beats_is_left_alone() -> None:
    watch = Watch(SETTINGS)
    for tick in range(0, 600, 5):
        assert acts(watch, NOON + tick, dataclasses.replace(COLLECTOR, beat=NOON + tick - 1)) == []


def test_silence_is_answered_with_sigabrt_then_sigkill() -> None:
    assert ticking(Watch(SETTINGS), NOON, 60, COLLECTOR)[:3] == [(35, "ABRT"), (40, "KILL"), (45, "KILL")]


def test_the_reason_is_a_sentence() -> None:
    watch = Watch(SETTINGS)
    watch.judge(NOON + 30, [COLLECTOR], 0.0)
    assert watch.judge(NOON + 35, [COLLECTOR], 0.0) == [
        Act("ABRT", "collector", "it has not been round its loop for 35 s")
    ]


def test_a_new_process_gets_its_own_time() -> None:
    watch = Watch(SETTINGS)
    ticking(watch, NOON, 45, COLLECTOR)
    fresh = dataclasses.replace(COLLECTOR, pid=8, started=NOON + 45)
    assert ticking(watch, NOON + 45, 30, fresh) == []


@pytest.mark.parametrize("beat", [None, NOON - 60])
def test_a_program_that_did_not_beat_since_its_start_has_longer_so_that_a_busy_machine_gets_it_going(
    beat: float | None,
) -> None:
    loading = dataclasses.replace(COLLECTOR, beat=beat, started=NOON)
    assert ticking(Watch(SETTINGS), NOON, 130, loading) == [(125, "ABRT")]


def test_a_program_that_says_why_it_ends_and_has_no_beat_any_more_is_left_to_do_so() -> None:
    watch = Watch(SETTINGS)
    assert acts(watch, NOON, COLLECTOR) == []
    gone = dataclasses.replace(COLLECTOR, beat=None)
    assert ticking(watch, NOON + 5, 40, gone) == [(30, "ABRT"), (35, "KILL")]


def test_a_machine_that_slept_does_not_find_all_its_programs_killed() -> None:
    watch = Watch(SETTINGS)
    acts(watch, NOON, COLLECTOR)
    assert acts(watch, NOON + 8 * 3600, COLLECTOR) == []
    assert acts(watch, NOON + 8 * 3600 + 5, dataclasses.replace(COLLECTOR, beat=NOON + 8 * 3600 + 4)) == []


def test_a_clock_that_is_set_back_kills_nobody() -> None:
    watch = Watch(SETTINGS)
    acts(watch, NOON, COLLECTOR)
    assert acts(watch, NOON - 3600, COLLECTOR) == []
    assert ticking(watch, NOON - 3595, 100, dataclasses.replace(COLLECTOR, started=NOON - 9000)) == []


def test_what_supervisord_gave_up_is_started_again_every_five_minutes() -> None:
    dead = Seen("store-writer", FATAL, stopped=NOON)
    found = ticking(Watch(SETTINGS), NOON, 700, dead)
    assert found == [(300, "start"), (600, "start")]


def test_a_program_that_runs_again_is_forgiven() -> None:
    watch = Watch(SETTINGS)
    dead = Seen("store-writer", FATAL, stopped=NOON)
    ticking(watch, NOON, 200, dead)
    acts(watch, NOON + 200, Seen("store-writer", RUNNING, pid=3, started=NOON + 199, beat=NOON + 200))
    assert ticking(watch, NOON + 205, 200, dead) == []


def test_a_mistake_in_the_configuration_waits_for_the_file_to_change() -> None:
    watch = Watch(SETTINGS)
    wrong = Seen("api", EXITED, stopped=NOON, exit_code=100)
    assert acts(watch, NOON + 5, wrong, changed=NOON - 60) == []
    assert acts(watch, NOON + 10, wrong, changed=NOON + 8) == [("start", "api")]


def test_a_program_that_was_stopped_stays_stopped() -> None:
    watch = Watch(SETTINGS)
    assert acts(watch, NOON, Seen("api", 0, stopped=NOON), Seen("agent", EXITED, stopped=NOON), changed=NOON + 1) == []


def told(watch: Watch, start: float, seconds: int, *programs: Seen) -> list[tuple[int, str, bool]]:
    """What is told on each tick of five seconds: when, of whom, whether it is down."""
    found = []
    for tick in range(0, seconds, 5):
        news = watch.news(start + tick, programs, watch.judge(start + tick, programs, 0.0))
        found += [(tick, one.name, one.down) for one in news]
    return found


def test_what_hangs_is_told_once_and_that_it_is_well_again_when_it_has_run_for_a_while() -> None:
    watch, well = Watch(SETTINGS), Seen("agent", RUNNING, pid=1, started=NOON - 1000, beat=NOON + 1000)
    assert told(watch, NOON, 60, COLLECTOR, well) == [(35, "collector", True)]
    fresh = dataclasses.replace(COLLECTOR, pid=8, started=NOON + 60, beat=NOON + 1000)
    assert told(watch, NOON + 60, 100, fresh, well) == [(30, "collector", False)]


def test_what_was_given_up_is_told_once_though_it_is_tried_again_and_again() -> None:
    watch, dead = Watch(SETTINGS), Seen("alerter", FATAL, stopped=NOON)
    assert told(watch, NOON, 700, dead) == [(0, "alerter", True)]
    tried = Seen("alerter", RUNNING, pid=3, started=NOON + 700, beat=NOON + 704)
    assert told(watch, NOON + 700, 10, tried) == []
    assert told(watch, NOON + 710, 50, dead) == []


def test_what_ends_some_seconds_after_each_start_is_told_once_though_it_is_never_given_up() -> None:
    watch, found = Watch(SETTINGS), []
    for tick in range(0, 400, 5):
        now, life = NOON + tick, NOON + min(tick // 15 * 15, 300)
        state = RUNNING if tick > 300 else (EXITED, BACKOFF, RUNNING)[tick // 5 % 3]
        beat = now if tick > 300 else NOON - 1
        one = dataclasses.replace(COLLECTOR, pid=int(life), started=life, state=state, exit_code=111, beat=beat)
        found += [(tick, news.down, news.reason) for news in watch.news(now, [one], watch.judge(now, [one], 0.0))]

    assert found == [(125, True, "it is not at work after 120 s of trying"), (330, False, "")]


def test_who_was_stopped_or_is_well_is_not_told_of() -> None:
    stopped = Seen("api", 0, stopped=NOON)
    assert told(Watch(SETTINGS), NOON, 30, COLLECTOR, stopped) == []


def test_what_is_posted_has_the_fields_that_receivers_of_old_know() -> None:
    body = message("hub", News("alerter", True, NOON - 60, "it is gone"), NOON)
    assert body["message"] == "alerter on hub is down: it is gone"
    assert (body["server"], body["timestamp"], body["state"]) == ("hub", "2026-01-31T12:00:00Z", "firing")
    assert body["started_at"] == "2026-01-31T11:59:00Z"
    again = message("hub", News("alerter", False, NOON - 60), NOON)
    assert (again["message"], again["state"]) == ("alerter on hub is well again", "resolved")


class Given:
    """A supervisord that gave a program up."""

    def getAllConfigInfo(self) -> object:  # noqa: N802, as supervisord has it
        return [{"name": "alerter", "command": "/usr/bin/env guardia alerter"}]

    def getAllProcessInfo(self) -> object:  # noqa: N802, as supervisord has it
        return [{"name": "alerter", "state": FATAL, "pid": 0, "start": 0, "stop": NOON, "exitstatus": 70}]


def test_who_listens_tells_what_was_given_up(tmp_path: Path) -> None:
    found: list[str] = []
    log = logging.getLogger("guardia.watchdog")
    ticks = StringIO(2 * "eventname:TICK_5 len:0\n")
    tell = lambda news, now: found.append(news.name)  # noqa: E731 (only here)
    listen(Watch(SETTINGS), Given, Homes(tmp_path / "x", tmp_path, {}), log, ticks, StringIO(), tell)
    assert found == ["alerter"]


class Supervisor:
    """Answers each question with the same fault."""

    def __init__(self, words: str) -> None:
        self._words = words

    def getAllProcessInfo(self) -> object:  # noqa: N802, as supervisord has it
        raise Fault(6, self._words)


@pytest.mark.parametrize(("words", "lines"), [("SHUTDOWN_STATE", 0), ("FAILED", 1)])
def test_a_supervisord_that_stops_is_no_error_and_any_other_silence_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, words: str, lines: int
) -> None:
    tick = "eventname:TICK_5 len:0\n"
    said = StringIO()
    log = logging.getLogger("guardia.watchdog")
    listen(
        Watch(SETTINGS), lambda: Supervisor(words), Homes(tmp_path / "x", tmp_path, {}), log, StringIO(2 * tick), said
    )
    assert len(caplog.records) == lines
    assert said.getvalue().count("RESULT 2\nOK") == 2


def test_where_the_way_to_supervisord_is_gone_it_is_told_once_and_tried_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    address = {"SUPERVISOR_SERVER_URL": f"unix://{tmp_path}/supervisor.sock"}
    log, said = logging.getLogger("guardia.watchdog"), StringIO()
    ticks = StringIO(3 * "eventname:TICK_5 len:0\n")
    listen(
        Watch(SETTINGS),
        lambda: getRPCInterface(address).supervisor,
        Homes(tmp_path / "x", tmp_path, {}),
        log,
        ticks,
        said,
    )
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["supervisord does not answer"]
    assert said.getvalue().count("RESULT 2\nOK") == 3
