"""The process table of this machine and of an invented one."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent.processes import ProcessTable
from bus.messages import encode
from tests.agent.test_ranking import STAT

NOON = 43_200.0


def test_processes_of_an_invented_machine_are_told_with_user_and_memory(tmp_path: Path) -> None:
    # given a machine with one process, which uses 2 s of CPU time in 10 s
    (tmp_path / "812").mkdir()
    (tmp_path / "812" / "stat").write_bytes(STAT)
    (tmp_path / "meminfo").write_text("")
    clock = iter([NOON, NOON + 10])
    table = ProcessTable(5, proc=str(tmp_path), clock=lambda: next(clock))
    # when it is read twice
    first = table.read()
    ticks = os.sysconf("SC_CLK_TCK")
    (tmp_path / "812" / "stat").write_bytes(STAT.replace(b" 150 50 ", b" %d 50 " % (150 + 2 * ticks)))
    second = table.read()
    # then
    assert first.rows == ()
    (row,) = second.rows
    assert (row.pid, row.name, row.cpu_percent) == (812, "postgres", 20.0)
    assert row.memory_bytes == 3500 * os.sysconf("SC_PAGE_SIZE")
    assert row.user


def test_a_user_whose_name_is_no_text_can_be_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def account(uid: int) -> SimpleNamespace:
        return SimpleNamespace(pw_name=os.fsdecode(b"m\xfcller\x1b"))

    monkeypatch.setattr(pwd, "getpwuid", account)
    (tmp_path / "812").mkdir()
    (tmp_path / "812" / "stat").write_bytes(STAT)
    table = ProcessTable(5, proc=str(tmp_path))
    table.read()
    found = table.read()
    assert found.rows[0].user == "m\ufffdller?"
    assert encode(found)


def test_where_nothing_could_be_read_once_all_is_compared_with_what_was_before(tmp_path: Path) -> None:
    (tmp_path / "812").mkdir()
    stat = tmp_path / "812" / "stat"
    stat.write_bytes(STAT)
    clock = iter([NOON, NOON + 10, NOON + 20])
    table = ProcessTable(5, proc=str(tmp_path), clock=lambda: next(clock))
    table.read()
    stat.unlink()
    assert table.read().rows == ()
    stat.write_bytes(STAT.replace(b" 150 50 ", b" %d 50 " % (150 + 2 * os.sysconf("SC_CLK_TCK"))))
    assert [row.cpu_percent for row in table.read().rows] == [10.0]


def test_a_process_that_ended_meanwhile_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "812").mkdir()
    table = ProcessTable(5, proc=str(tmp_path))
    table.read()
    assert table.read().rows == ()


def test_this_process_is_found_on_this_machine() -> None:
    table = ProcessTable(100_000)
    table.read()
    busy = sum(n * n for n in range(2_000_000))
    rows = {row.pid: row for row in table.read().rows}
    assert busy
    assert rows[os.getpid()].memory_bytes > 1_000_000
    assert rows[os.getpid()].cpu_percent > 0
