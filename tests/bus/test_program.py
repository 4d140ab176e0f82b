"""What a program says of an address that it cannot listen at, and of a beat that it cannot write."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bus.program import Program, TryAgain
from bus.records import Settings
from bus.sockets import Pull
from bus.tables import Bus
from tests.ports import free_port

Make = Callable[[str], Program[Any]]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Program[Any]] = []

    def program(door: str) -> Program[Any]:
        settings = Settings(tmp_path / "guardia.toml", {"collector": object(), "bus": Bus(door=door)})
        made.append(Program("collector", "collector", settings, tmp_path, logging.getLogger("guardia")))
        return made[-1]

    yield program
    for one in made:
        one.loop.end()
        one.context.destroy(linger=0)


def test_an_address_that_is_taken_may_be_another_hubs(make: Make) -> None:
    first, second = (make(f"tcp://127.0.0.1:{port}") for port in [free_port()] * 2)
    first.bind(Pull(first.context), "door")
    with pytest.raises(TryAgain, match=r"address already in use; another hub\? \[bus\] door names another address$"):
        second.bind(Pull(second.context), "door")


def test_an_address_of_another_machine_is_told_from_one_that_is_taken(make: Make) -> None:
    program = make(f"tcp://192.0.2.7:{free_port()}")
    with pytest.raises(TryAgain, match=r"; \[bus\] door has to name an address of this machine, or all of them as tcp"):
        program.bind(Pull(program.context), "door")


def test_of_a_socket_of_the_hubs_own_no_setting_is_named(make: Make, tmp_path: Path) -> None:
    program = make("tcp://127.0.0.1:1")
    with pytest.raises(TryAgain, match=rf"^cannot bind ipc://{tmp_path}/run/door.ipc: no such file or directory$"):
        program.bind(Pull(program.context), "side_door")


def test_a_program_that_cannot_beat_says_so_once_and_goes_on(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program = make("tcp://127.0.0.1:1")
    program.bus = dataclasses.replace(program.bus, beat_seconds=0.0)
    (tmp_path / "run").write_text("no folder, as no disk that takes anything")
    program.beat()
    program.beat()
    assert [one.getMessage() for one in caplog.records] == [
        f"goes on without a beat: cannot write {tmp_path}/run/collector.beat: not a directory"
    ]
    (tmp_path / "run").unlink()
    (tmp_path / "run").mkdir()
    program.beat()
    assert program.beat_file.exists()


def test_a_program_whose_folder_is_gone_is_tried_again_and_the_next_one_makes_it(make: Make, tmp_path: Path) -> None:
    with pytest.raises(TryAgain, match=rf"^{tmp_path}/run is gone$"):
        make("tcp://127.0.0.1:1").beat()
