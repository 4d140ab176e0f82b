"""A back-test for a client."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from api.bodies import Trial
from api.errors import Problem
from api.trying import command_of, run, tried

TRIAL = Trial("cpu-busy", "--help", "", "web-*", 3600.0)


def test_what_a_client_wrote_is_never_an_option() -> None:
    command = command_of(TRIAL)
    assert command[2:5] == ["bus.command", "backtest", "--rule=cpu-busy"]
    assert "--when=--help" in command


def test_it_judges_by_the_configuration_of_this_hub() -> None:
    commands: list[Sequence[str]] = []

    async def runs(command: Sequence[str], patience: float) -> tuple[int, str, str]:
        commands.append(command)
        return 0, "", ""

    asyncio.run(tried(TRIAL, runs, file=Path("/srv/hub.toml")))
    asyncio.run(tried(TRIAL, runs))
    assert ["--config=/srv/hub.toml" in command for command in commands] == [True, False]


@pytest.mark.parametrize(
    ("answer", "status"), [((0, "a\nb\n", ""), 0), ((100, "", "guardia backtest: no"), 400), ((2, "", "away"), 503)]
)
def test_its_end_becomes_an_answer(answer: tuple[int, str, str], status: int) -> None:
    async def runs(command: Sequence[str], patience: float) -> tuple[int, str, str]:
        return answer

    if not status:
        assert asyncio.run(tried(TRIAL, runs)) == ["a", "b"]
        return
    with pytest.raises(Problem) as caught:
        asyncio.run(tried(TRIAL, runs))
    assert caught.value.status == status


def test_one_that_takes_too_long_is_ended_and_told() -> None:
    with pytest.raises(TimeoutError):
        asyncio.run(run([sys.executable, "-c", "import time; time.sleep(600)"], 0.3))

    async def never(command: Sequence[str], patience: float) -> tuple[int, str, str]:
        raise TimeoutError

    with pytest.raises(Problem, match="not judged within 80 s"):
        asyncio.run(tried(TRIAL, never))


def test_only_one_is_under_way() -> None:
    async def both() -> None:
        begun = asyncio.Event()

        async def slow(command: Sequence[str], patience: float) -> tuple[int, str, str]:
            begun.set()
            await asyncio.sleep(0.2)
            return 0, "", ""

        first = asyncio.create_task(tried(TRIAL, slow))
        await begun.wait()
        with pytest.raises(Problem, match="another back-test"):
            await tried(TRIAL, slow)
        await first

    asyncio.run(both())


def test_too_long_a_past_is_refused() -> None:
    with pytest.raises(Problem, match="31 days"):
        asyncio.run(tried(Trial("cpu-busy", seconds=1e9)))
