"""Programs that look: what their exit codes, words and readings mean, and that they are bounded."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerter.terms import condition
from bus.config import Secret
from bus.messages import encode
from bus.running import MOST_HEARD
from prober.checks.command import MOST_READINGS, STATES, Command, judged, measured
from prober.machine import Standing
from prober.outcome import DEGRADED, DOWN, STATUSES, UNKNOWN, UP, Outcome
from prober.telling import told
from tests.agent.given import alive
from tests.prober.targets import tried


def shell(script: str, **more: Secret) -> Command:
    return Command(name="queue", command=("/bin/sh", "-c", script), environment=more)


def wrong(check: Command) -> list[tuple[str, str]]:
    return [(one.key, one.found) for one in check.objections()]


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        (0, UP, ""),
        (1, DEGRADED, "QUEUE WARNING - 5 wait"),
        (2, DOWN, "QUEUE WARNING - 5 wait"),
        (3, UNKNOWN, "QUEUE WARNING - 5 wait"),
        (127, UNKNOWN, "exit code 127, expected 0 to 3: QUEUE WARNING - 5 wait"),
    ],
)
def test_its_exit_code_is_what_it_found(code: int, status: str, reason: str) -> None:
    found = tried(shell(f"echo 'QUEUE WARNING - 5 wait | waiting=5'; exit {code}"))
    assert (found.status, found.reason) == (status, reason)
    assert found.phases["run_ms"] <= found.phases["total_ms"]


def test_what_it_measured_is_told_in_the_units_that_names_end_in() -> None:
    first = "OK - fine | time=12.5ms;100;200;0 'swap used'=3%;;"
    rest = "more words\nand more | size=2KB /var=4GB;5;6;0;8 users=U n=-1.5e2c"
    assert judged(0, f"{first}\n{rest}").metrics == {
        "time_seconds": 0.0125,
        "swap_used_percent": 3.0,
        "size_bytes": 2048.0,
        "var_bytes": 4.0 * 2**30,
        "n": -150.0,
    }


def test_a_number_is_read_in_any_language_and_what_is_none_is_not_half_read() -> None:
    told = "time=0,012s;0,5 load=.25 rest=+3 version=1.2.3 day=2026-12-01 at=12:30 range=5:9 size=1,5GB;2"
    assert measured(told) == {"time_seconds": 0.012, "load": 0.25, "rest": 3.0, "size_bytes": 1.5 * 2**30}


@pytest.mark.parametrize("sign", ["a", "'", "''", "1", "a=", "'a ", "a'", "' ", "''' ", "=", "a|", "1,", "a=1"])
def test_however_long_a_word_is_it_is_read_in_a_moment(sign: str) -> None:
    begun = time.process_time()
    judged(0, f"OK | {sign * (MOST_HEARD // len(sign))}")
    assert time.process_time() - begun < 2


def test_what_begins_with_an_empty_line_says_what_comes_behind() -> None:
    found = judged(2, "\n  \nDB CRITICAL - no connection | time=1s\n")
    assert (found.reason, found.metrics) == ("DB CRITICAL - no connection", {"time_seconds": 1.0})


def test_a_name_stands_once_and_there_is_an_end_to_them() -> None:
    assert measured("a=1 a=2 A=3 load_seconds=4s ''=5 '!'=6") == {"a": 1.0, "load_seconds": 4.0, "value": 6.0}
    assert len(measured(" ".join(f"n{one}=1" for one in range(500)))) == MOST_READINGS


@given(
    st.integers(-64, 255), st.text() | st.from_regex(r"OK\|( ?'?[a-zä |=']{0,80}'?=[0-9.e-]{1,12}[a-zA-Z%]{0,2};?)*")
)
def test_whatever_it_says_can_be_told_and_judged(code: int, said: str) -> None:
    found = judged(code, said)
    assert found.status == STATES.get(code, UNKNOWN)
    assert found.status in STATUSES
    assert bool(found.reason) == (found.status != UP)
    assert encode(told(shell(""), found, 1, Standing(), ""))
    for name in found.metrics:
        condition(f"check.{name} > 0")


def test_one_that_says_nothing_still_says_so() -> None:
    assert tried(shell("exit 2")).reason == "it says nothing"


def test_what_it_complains_of_is_heard_too() -> None:
    assert tried(shell("echo no such database >&2; exit 3")).reason == "no such database"


def test_one_that_broke_says_nothing_of_the_service() -> None:
    found = tried(shell("kill -SEGV $$"))
    assert (found.status, found.reason) == (UNKNOWN, f"ended by signal {int(signal.SIGSEGV)}: it says nothing")


def test_one_that_is_not_there_says_nothing_of_the_service(tmp_path: Path) -> None:
    found = tried(Command(name="queue", command=(str(tmp_path / "check_queue"),)))
    assert (found.status, found.reason) == (
        UNKNOWN,
        f"{tmp_path}/check_queue cannot be run: no such file or directory",
    )
    (tmp_path / "check_queue").write_text("")
    assert "permission denied" in tried(Command(name="queue", command=(str(tmp_path / "check_queue"),))).reason


def test_one_that_hangs_is_down_and_leaves_nothing_behind(tmp_path: Path) -> None:
    found = tried(shell(f"sleep 1000 & echo $! > {tmp_path}/child; wait"), 1.0)
    assert (found.status, found.reason) == (DOWN, "it was not done within 1 s")
    assert not alive(tmp_path / "child")


def test_a_flood_is_cut() -> None:
    found = tried(shell("printf 'CRITICAL\\n'; head -c 1000000 /dev/zero; exit 2"))
    assert (found.status, found.reason) == (DOWN, "CRITICAL")


def test_it_gets_what_it_needs_of_our_environment_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "not for it")
    found = tried(shell('echo "$GUARDIA_SERVICE $KEY ${SHOP_TOKEN-none} ${PATH:+path}"; exit 1', KEY=Secret("s3same")))
    assert found.reason == "queue s3same none path"


def test_while_our_own_side_is_cut_off_down_says_nothing() -> None:
    assert [judged(code, "x").reached for code in (0, 1, 2, 3)] == [True, True, False, False]


def test_it_goes_by_its_name() -> None:
    assert told(shell("exit 0"), Outcome(UP), 1, Standing(), "").url == "command:queue"


def test_what_cannot_be_run_is_told_when_the_configuration_is_read() -> None:
    assert wrong(Command(name="queue", command=("/usr/lib/nagios/plugins/check_load", "-w", "5"))) == []
    assert wrong(Command(name="queue")) == [("command", "nothing")]
    assert wrong(Command(name="queue", command=("check_load",))) == [("command", "no absolute path")]
    assert wrong(Command(name="queue", command=("/bin/sh",), environment={"A=": Secret("x")})) == [
        ("environment", '"A="')
    ]
