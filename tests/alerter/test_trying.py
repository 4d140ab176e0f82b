"""``guardia backtest --hub``: another hub tries it, and whatever keeps it from that is told in a sentence."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from alerter import backtest
from alerter.trying import TURN, tried_at
from api.bodies import Trial
from api.errors import Problem
from bus.hubs import Hub
from bus.judging import Objected
from bus.questions import Unanswered
from tests.api.house import full
from tests.api.served import serving
from tests.bus.test_config import PROJECT
from tests.viewer.strange import answer, strange

ASKED = {"rule": "cpu-busy", "rules": "", "when": "", "lasts": "", "subject": "*", "seconds": 3600.0, "json": False}
RULES = '[[rules]]\nname = "cpu-busy"\nwhen = "cpu.percent > 50"\n'


@contextmanager
def trying(answers: list[list[str] | Problem]) -> Iterator[tuple[Hub, list[Trial]]]:
    """A hub that answers so, one after the other, and what it was asked to try."""
    house, asked = full(), list[Trial]()

    async def tries(trial: Trial) -> list[str]:
        asked.append(trial)
        found = answers.pop(0)
        if isinstance(found, Problem):
            raise found
        return found

    house.hub.tries = tries
    with serving(house) as served:
        yield Hub(f"http://127.0.0.1:{served.port}", None), asked


def test_what_was_asked_for_here_is_tried_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "tried.toml").write_text(RULES)
    with trying([["3 incidents", "\x1b[31mred"], ['{"a":', "1}"]]) as (hub, asked):
        words = ["--rule", "cpu-busy", "--when", "cpu.percent > 80", "--for", "5m", "--since", "-2d", "--host", "web-*"]
        assert backtest.main([*words, "--hub", hub.url]) == 0
        assert capsys.readouterr().out.splitlines()[0] == "3 incidents"
        assert backtest.main([str(tmp_path / "tried.toml"), "--json", "--hub", hub.url]) == 0
        out = capsys.readouterr().out
    assert json.loads(out) == {"a": 1}
    first, second = asked
    assert first == Trial("cpu-busy", "cpu.percent > 80", "300.000s", "web-*", 2 * 86_400.0)
    assert (second.rule, second.rules, second.json) == ("", RULES, True)


def test_a_mistake_in_a_file_of_rules_is_told_with_its_place_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tried.toml").write_text('[[rules]]\nname = "busy"\nwhen = "cpu.percent >"\n')
    assert backtest.main([str(tmp_path / "tried.toml"), "--hub", "http://127.0.0.1:1"]) == 100
    assert f"guardia backtest: {tmp_path}/tried.toml:3: " in capsys.readouterr().err


def test_while_others_try_it_waits_for_its_turn_and_not_for_ever() -> None:
    busy = Problem(503, "overloaded", "another back-test is under way", headers={"Retry-After": "10"})
    now = [0.0]

    def pause(seconds: float) -> None:
        now[0] += seconds

    with trying([busy, busy, ["done"], *[busy] * 20]) as (hub, _):
        assert tried_at(hub, ASKED, clock=lambda: now[0], pause=pause) == "done"
        assert now[0] == 20
        with pytest.raises(Unanswered, match="another back-test is under way"):
            tried_at(hub, ASKED, clock=lambda: now[0], pause=pause)
        assert now[0] <= 20 + TURN


def test_whatever_keeps_it_from_that_is_told() -> None:
    with trying([Problem(400, "bad_body", "rule: found no rule cpu", parameter="rule"), ["no JSON"]]) as (hub, _):
        with pytest.raises(Objected, match="rule: found no rule cpu"):
            tried_at(hub, ASKED)
        with pytest.raises(Unanswered, match="have the same version of Guardia there and here"):
            tried_at(hub, {**ASKED, "json": True})
    with pytest.raises(Unanswered, match="connection refused; no hub runs there"):
        tried_at(Hub("http://127.0.0.1:1", None), ASKED)
    for said, why in (
        (answer(b"{}"), "does not answer as a hub does"),
        (answer(b'{"error": "there is nothing at this path"}', "404 Not Found"), "have the same version"),
    ):
        with strange(said) as url, pytest.raises(Unanswered, match=why):
            tried_at(Hub(url, None), ASKED)


def test_whoever_interrupts_it_ends_it_there_too(tmp_path: Path) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def hang(trial: Trial) -> list[str]:
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()
        return []

    house = full()
    house.hub.tries = hang
    with serving(house) as served:
        run = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "bus.command",
                "backtest",
                "--rule",
                "x",
                "--hub",
                f"http://127.0.0.1:{served.port}",
            ],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(PROJECT), "HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            served.until(begun.is_set)
            run.send_signal(signal.SIGINT)
            out, err = run.communicate(timeout=30)
            assert (run.returncode, out, err) == (130, "", "")
            served.until(ended.is_set)
        finally:
            run.kill()
            run.communicate()
