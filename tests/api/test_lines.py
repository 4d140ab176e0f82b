"""A line to a desk: answers find who asked, whoever does not answer costs no memory, and none waits for the dead."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.lines import MOST_UNSENT, DeskLine
from bus.desk import MOST_QUESTION, Inbox, told
from bus.questions import Unanswered
from tests.descriptors import no_more_files


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    made = socket.socket(socket.AF_UNIX)
    made.bind(str(tmp_path / "desk"))
    made.listen(4)
    made.settimeout(30.0)
    yield made
    made.close()


async def outcome(line: DeskLine, question: bytes) -> bytes | str:
    try:
        return await line.asked(question)
    except Unanswered as why:
        return str(why)


def test_answers_find_who_asked_in_any_order_and_late_ones_nobody(listener: socket.socket, tmp_path: Path) -> None:
    async def ask() -> list[bytes | str]:
        line = DeskLine(tmp_path / "desk", timeout=30.0)
        line.open()
        asking = [asyncio.ensure_future(outcome(line, word)) for word in (b"one", b"two", b"three")]
        await asyncio.sleep(0)
        road, _ = await asyncio.to_thread(listener.accept)
        inbox, found = Inbox(MOST_QUESTION), list[tuple[int, bytes]]()
        while len(found) < 3:
            found += inbox.feed(await asyncio.to_thread(road.recv, 4096))
        road.sendall(told(99, b"for nobody") + b"".join(told(n, word.upper()) for n, word in reversed(found)))
        answers = await asyncio.gather(*asking)
        road.close()
        line.close()
        return list(answers)

    assert asyncio.run(ask()) == [b"ONE", b"TWO", b"THREE"]


def test_a_reader_that_takes_no_questions_is_not_asked_for_ever(listener: socket.socket, tmp_path: Path) -> None:
    async def ask() -> list[bytes | str]:
        line = DeskLine(tmp_path / "desk", timeout=0.2)
        line.open()
        question = bytes(200_000)
        found = await asyncio.gather(*(outcome(line, question) for _ in range(40)))
        assert len(line._unsent) <= MOST_UNSENT + 2 * len(question)
        line.close()
        return list(found)

    said = asyncio.run(ask())
    assert set(said) == {"its reader did not answer within 0.2 s", "its reader takes no more questions"}


def test_who_waits_for_one_that_dies_is_told_so_and_the_next_asks_its_successor(
    listener: socket.socket, tmp_path: Path
) -> None:
    async def ask() -> tuple[bytes | str, bytes | str]:
        line = DeskLine(tmp_path / "desk", timeout=30.0)
        line.open()
        first = asyncio.ensure_future(outcome(line, b"one"))
        await asyncio.sleep(0)
        road, _ = await asyncio.to_thread(listener.accept)
        road.close()
        gone = await first
        second = asyncio.ensure_future(outcome(line, b"two"))
        await asyncio.sleep(0)
        road, _ = await asyncio.to_thread(listener.accept)
        ((number, _),) = Inbox(MOST_QUESTION).feed(await asyncio.to_thread(road.recv, 4096))
        road.sendall(told(number, b"TWO"))
        found = await second
        road.close()
        line.close()
        return gone, found

    assert asyncio.run(ask()) == ("its reader has gone", b"TWO")


def test_who_may_open_no_more_files_has_no_answer_and_is_none_the_worse(tmp_path: Path) -> None:
    async def ask() -> list[bytes | str]:
        line = DeskLine(tmp_path / "desk", timeout=30.0)
        line.open()
        with no_more_files():
            first = await outcome(line, b"one")
        return [first, await outcome(line, b"two")]

    assert asyncio.run(ask()) == ["its reader cannot be asked: too many open files", "its reader is not there"]
