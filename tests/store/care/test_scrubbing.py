"""The state is read again by a process apart: what is damaged is told, and who is killed by it is not the sealer."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from store.care.scrubbing import MOST_TURNS, State
from store.scrubbing import ROUND_SECONDS, Scrubber
from tests.store.care.caring import filled, flip

STANDS_IN = "import os, signal, sys, time; sys.stdin.readline(); "


def through(state: State) -> None:
    """Turns until it is at its end."""
    assert state.on(1) == (0, False)
    assert state._child is None, "whoever begins now goes first"
    while not state.on(1)[1]:
        assert state._child is not None
        state._child.wait(60)


def played(store: Path, told: list[str], code: str) -> State:
    """One whose process does something else."""
    return State(store, told.append, (sys.executable, "-c", STANDS_IN + code))


def test_of_a_sound_state_nothing_is_told_while_a_writer_is_at_work(tmp_path: Path) -> None:
    backend = filled(tmp_path / "store")
    told = list[str]()
    state = State(tmp_path / "store", told.append)
    through(state)
    through(state)
    backend.close()
    assert told == []


def test_nobody_waits_for_it_and_its_end_is_that_of_the_round(tmp_path: Path) -> None:
    told = list[str]()
    state = played(tmp_path, told, f"open({str(tmp_path / 'go')!r}).read()")
    os.mkfifo(tmp_path / "go")
    scrubber = Scrubber([state])
    for minute in range(5):
        scrubber.turn(minute * 60.0)
    assert scrubber.rounds == 0
    (tmp_path / "go").write_text("go")
    assert state._child is not None
    state._child.wait(60)
    scrubber.turn(300.0)
    assert scrubber.rounds == 1
    assert told == []
    scrubber.turn(ROUND_SECONDS - 1)
    assert state._child is None


def test_a_bit_that_changed_is_told_with_what_it_is_of(tmp_path: Path) -> None:
    filled(tmp_path / "store").close()
    file = tmp_path / "store" / "state" / "data.mdb"
    flip(file, b"cpu.percent", 0)
    told = list[str]()
    through(State(tmp_path / "store", told.append))
    assert any(one.startswith(f"{file}: layouts, key ") for one in told), told


def test_a_state_that_cannot_be_opened_or_kills_its_reader_is_told(tmp_path: Path) -> None:
    filled(tmp_path / "store").close()
    file = tmp_path / "store" / "state" / "data.mdb"
    with file.open("r+b") as opened:
        opened.write(b"\xff" * 8192)
    told = list[str]()
    through(State(tmp_path / "store", told.append))
    assert len(told) == 1
    assert told[0].startswith(f"{file}: ")
    through(played(tmp_path / "store", told, "os.kill(os.getpid(), signal.SIGBUS)"))
    assert told[1:] == [f"{file}: kills who reads it (SIGBUS)"]


@pytest.mark.parametrize(
    "code",
    [
        "os.kill(os.getpid(), signal.SIGKILL)",
        "sys.exit(1)",
        'print(\'{"later": "too many open files"}\')',
        "print('{\"gone\": true}')",
        'print(\'{"error": "cannot be read: permission denied"}\')',
        "sys.stdout.write('{\"faults')",
    ],
)
def test_what_says_nothing_of_the_file_is_no_damage(tmp_path: Path, code: str) -> None:
    told = list[str]()
    through(played(tmp_path, told, code))
    assert told == []


def test_where_there_is_no_state_or_no_process_it_is_at_its_end(tmp_path: Path) -> None:
    told = list[str]()
    through(State(tmp_path, told.append))
    through(State(tmp_path, told.append, (str(tmp_path / "nothing"),)))
    assert told == []


def test_one_that_waits_for_a_disk_is_given_up_and_nobody_is_left_behind(tmp_path: Path) -> None:
    state = played(tmp_path, [], "time.sleep(600)")
    assert [state.on(1), state.on(1)] == [(0, False)] * 2
    child = state._child
    assert child is not None
    assert [state.on(1)[1] for _ in range(MOST_TURNS)] == [*[False] * (MOST_TURNS - 1), True]
    assert child.returncode == -9
    assert [state.on(1)[1], state.on(1)[1]] == [False, False]
    assert state._child is not None
    state.close()
    state.close()
    assert state._child is None
