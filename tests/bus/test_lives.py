"""How often a program ended unasked: what counts, for how long, and what a disk that fails makes of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bus.lives import CRASHES, MOST, WITHIN, Life, Past, read

BOOT = "0f1e2d3c"


class Program:
    """A program of that name, whose lives begin and end as the test says."""

    def __init__(self, run: Path, name: str = "collector") -> None:
        self.run, self.name, self.now = run, name, 1000.0
        self.alive: set[int] = set()

    def begins(self, seconds: float = 1.0, **given: Life) -> Life:
        """Another life, so many seconds later."""
        self.now += seconds
        return Life(self.run, self.name, is_alive=self.alive.__contains__, now=lambda: self.now, **given)

    def crashes(self) -> float:
        """A life that is up and ends unasked; how many the next one counts."""
        self.begins().is_up()
        return self.begins(0.0).crashes()


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_an_end_that_nobody_asked_for_counts_and_one_that_was_asked_for_does_not(program: Program) -> None:
    for _ in range(5):
        life = program.begins()
        life.is_up()
        life.ends()
    assert program.begins().crashes() == 0.0
    assert [program.crashes() for _ in range(3)] == [1.0, 2.0, 3.0]
    assert program.begins().readings() == {CRASHES: 3.0}


def test_who_was_asked_to_end_and_is_killed_since_that_takes_too_long_is_no_crash_but_a_fault_is_one(
    program: Program,
) -> None:
    for _ in range(3):
        life = program.begins()
        life.is_up()
        life.ends()
        life.is_up()  # it hangs, and tells its vitals all the while
    assert program.begins().crashes() == 0.0
    life = program.begins()
    life.is_up()
    life.ends()
    life.fails()
    assert program.begins().crashes() == 1.0


def test_who_never_was_up_or_has_a_successor_leaves_nothing_by_its_fault(program: Program) -> None:
    program.begins().fails()
    assert program.begins().crashes() == 0.0
    old = program.begins()
    old.is_up()
    file = program.run / "collector.lives"
    other = file.read_text().replace(f" {os.getpid()}", " 12345")
    file.write_text(other)
    old.fails()
    assert file.read_text() == other


def test_who_was_never_up_is_counted_by_nobody(program: Program) -> None:
    for _ in range(5):
        program.begins()
    assert program.begins().crashes() == 0.0


def test_an_end_counts_for_ten_minutes_also_while_the_program_lives_on(program: Program) -> None:
    program.crashes()
    program.now += 100
    program.crashes()
    life = program.begins(0.0)
    program.now += WITHIN - 102
    assert life.crashes() == 2.0
    program.now += 1
    assert life.crashes() == 1.0
    assert program.begins(0.0).crashes() == 1.0
    program.now += 101
    assert life.crashes() == 0.0
    life.is_up()
    assert program.begins(0.0).crashes() == 1.0, "its own end"


def test_what_the_machine_ended_is_nobodys_fault(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    boot = program.run / "boot"
    monkeypatch.setattr("bus.process.BOOT_ID", boot)
    for number in range(5):
        boot.write_text(f"boot-{number}\n")
        life = program.begins()
        assert life.crashes() == 0.0
        life.is_up()
    assert program.crashes() == 2.0


def test_one_that_another_takes_the_place_of_while_it_still_ends_is_no_crash(program: Program) -> None:
    old = program.begins()
    old.is_up()
    program.alive.add(os.getpid())
    new = program.begins()
    assert new.crashes() == 0.0
    old.ends()
    program.alive.clear()
    assert program.begins().crashes() == 0.0


def test_who_ends_late_does_not_take_from_the_next_one_that_it_is_up(program: Program) -> None:
    file = program.run / "collector.lives"
    life = program.begins()
    life.is_up()
    other = file.read_text().replace(f" {os.getpid()}", " 12345")
    file.write_text(other)
    life.ends()
    assert file.read_text() == other


def test_a_part_tells_the_ends_of_the_whole_with_its_own(program: Program, tmp_path: Path) -> None:
    program.crashes()
    whole = program.begins(0.0)
    worker = Program(tmp_path, "api-1")
    worker.crashes()
    assert worker.begins(within=whole).crashes() == 2.0


@pytest.mark.parametrize("text", ["", "\x00\x01", f"{BOOT}", f"{BOOT} one two", "another 7 1.0", f"{BOOT} 1 \xe9"])
def test_what_is_not_ours_is_as_if_nothing_was_kept(text: str, program: Program) -> None:
    assert read(text, BOOT) == Past()
    (program.run / "collector.lives").write_text(text, encoding="latin-1")
    assert program.begins().crashes() == 0.0


def test_what_was_kept_is_read_back_and_bounded() -> None:
    past = Past(7, (1.5, 2.25))
    assert read(past.text(BOOT), BOOT) == past
    for number in range(300):
        past = Past(7, past.ends).begun(3.0 + number / 10, lambda _: False)
    assert len(past.ends) == MOST


def test_a_disk_that_takes_nothing_ends_nobody(tmp_path: Path) -> None:
    life = Life(tmp_path / "nowhere", "collector")
    life.is_up()
    life.ends()
    assert life.crashes() == 0.0
