"""What the sealer gives to a process beside it, and never waits for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from store.blocks.listing import Place
from store.blocks.parts import SAMPLES
from store.blocks.segments import Writing
from store.joining_apart import AHEAD, MOST, Beside, Task
from tests.descriptors import opened

IDLE = ("sleep", "600")
"""It reads nothing, and never ends."""
pytestmark = pytest.mark.timeout(60)


@contextmanager
def beside(folder: Path, *command: str) -> Iterator[Beside]:
    writing = Writing(folder / "20260131T00.1d")
    made = Beside(writing, {}, command)
    try:
        yield made
    finally:
        made.close()
        writing.close()


def of(numbers: int) -> Task:
    """A host of so many numbers, in parts of two rows and of one."""
    parts = [
        (Path("/file"), Place("web-1", b"", b"", 1, values, SAMPLES, 1, rows, 0, 1, 0, 0))
        for values, rows in ((numbers // 4, 2), (numbers - numbers // 4 * 2, 1))
    ]
    return Task("web-1", (), (), parts)


def test_a_host_of_more_numbers_is_the_sealers_own(tmp_path: Path) -> None:
    with beside(tmp_path, *IDLE) as made:
        assert not made.takes(of(MOST + 1))
        assert made.takes(of(MOST))


def test_all_that_it_may_have_fits_into_the_pipe(tmp_path: Path) -> None:
    with beside(tmp_path, *IDLE) as made:
        length = 2**20
        while not made.takes(Task("x" * length, (), (), [])):
            length -= 256

        taken = [made.takes(Task("x" * length, (), (), [])) for _ in range(AHEAD)]

        assert length > 100_000
        assert taken == [True] * (AHEAD - 1) + [False]


def test_nobody_waits_for_what_is_not_made(tmp_path: Path) -> None:
    with beside(tmp_path, *IDLE) as made:
        assert list(made.written(last=True)) == []
        assert made.takes(of(10))
        assert list(made.written()) == []
        assert made.takes(of(20))
        made._child.kill()
        made._child.wait()

        assert list(made.written()) == ["web-1", "web-1"]
        assert made.hosts == 0


def test_it_leaves_neither_process_nor_descriptors_behind(tmp_path: Path) -> None:
    with beside(tmp_path, *IDLE) as made:
        child = made._child.pid
        pipes = [os.readlink(f"/proc/{child}/fd/{number}") for number in (0, 1)]
        assert [len(opened(pipe)) for pipe in pipes] == [1, 1]

    assert [opened(place) for place in (*pipes, str(tmp_path))] == [[], [], []]
    assert not Path(f"/proc/{child}").exists()


def test_who_has_died_takes_nothing(tmp_path: Path) -> None:
    with beside(tmp_path, "true") as made:
        made._child.wait()

        assert not made.takes(of(10))
        assert list(made.written(last=True)) == []
