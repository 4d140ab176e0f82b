"""An export from another machine ends well however it ends: no half of a file, no connection left."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bus.questions import Range, Unanswered, pack_refusal, read_question
from store.answers import Answers
from store.backends.memory import MemoryBackend
from tests.api.house import full
from tests.api.served import Served, serving
from tests.bus.test_config import PROJECT
from tests.store.given import HOUR, NOON, batch, layout, sample

ENOUGH = 5
"""An export has begun when so many pieces were asked for."""


Instead = Callable[[bytes, Answers], Awaitable[bytes]]


@contextmanager
def hub(instead: Instead) -> Iterator[Served]:
    """A hub that knows 500 hours of a host, and whose store does ``instead`` when an export of them has begun."""
    backend = MemoryBackend(Path(), write=True)
    backend.commit(batch([layout(), *(sample(hour, at=NOON - (500 - hour) * HOUR) for hour in range(500))]), NOON)
    house, answers, pieces = full(), Answers(backend), []

    async def store(question: bytes) -> bytes:
        asked = read_question(question)
        if isinstance(asked, Range) and asked.limit > 1:
            pieces.append(asked)
        return await instead(question, answers) if len(pieces) > ENOUGH else answers.to(question)

    house.store = store
    with serving(house) as served:
        yield served


@contextmanager
def exporting(served: Served, folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """``guardia export`` into ``all.csv``."""
    run = subprocess.Popen(
        [sys.executable, "-m", "bus.command", "export", "--hub", f"http://127.0.0.1:{served.port}", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "HOME": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield run
    finally:
        run.kill()
        run.communicate()


@pytest.mark.parametrize("words", [("-o", "all.csv"), ("--parquet", "past")], ids=" ".join)
def test_whoever_interrupts_it_leaves_nothing(tmp_path: Path, words: tuple[str, str]) -> None:
    waiting, given_up = asyncio.Event(), asyncio.Event()

    async def hang(question: bytes, answers: Answers) -> bytes:
        waiting.set()
        try:
            await asyncio.sleep(3600)
        finally:
            given_up.set()
        return b""

    with hub(hang) as served, exporting(served, tmp_path, *words) as run:
        served.until(waiting.is_set)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
        assert (run.returncode, out, err) == (130, "", "")
        left = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert {path.name for path in left} == ({"part.parquet"} if "past" in words else set()), "days that were done"
        served.until(lambda: given_up.is_set() and not served.connections)


def test_a_store_that_fails_on_the_way_leaves_no_file_and_says_why(tmp_path: Path) -> None:
    async def fail(question: bytes, answers: Answers) -> bytes:
        return pack_refusal("the file of this hour is damaged")

    with hub(fail) as served, exporting(served, tmp_path, "-o", "all.csv") as run:
        out, err = run.communicate(timeout=60)
        assert (run.returncode, out) == (2, "")
        place = f"127.0.0.1:{served.port}"
        assert err == (
            f"guardia export: {place} answered 503: the store does not answer this: the file of this hour is damaged\n"
        )
        assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_away_for_a_while_is_waited_for(tmp_path: Path) -> None:
    away = [2]

    async def busy(question: bytes, answers: Answers) -> bytes:
        if away[0]:
            away[0] -= 1
            raise Unanswered("its reader is not there")
        return answers.to(question)

    with hub(busy) as served, exporting(served, tmp_path, "--format", "jsonl", "--quiet") as run:
        out, err = run.communicate(timeout=60)
        assert (run.returncode, len(out.splitlines()), err) == (0, 500, "")
        assert away == [0]
