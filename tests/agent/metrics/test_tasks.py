"""Processes and sessions, counted from folders and files of a made-up host."""

from __future__ import annotations

from pathlib import Path

from agent.metrics.tasks import USER_PROCESS, UTMP, WIDE_UTMP, Tasks, record_of, sessions
from agent.readings import Ground

BOOT = 2


def record(kind: int, user: bytes = b"anna") -> bytes:
    """One line of the account of who is logged in."""
    return UTMP.pack(kind, 4711, b"pts/0", b"ts/0", user, b"10.0.0.9", 0, 0, 0, 0, 0, b"", b"")


def test_a_record_is_as_long_as_the_systems() -> None:
    assert UTMP.size == 384


def test_a_record_is_longer_where_its_times_have_64_bits() -> None:
    assert WIDE_UTMP.size == 400
    assert [record_of(machine, 64).size for machine in ("x86_64", "riscv64", "aarch64", "s390x")] == [
        384,
        384,
        400,
        400,
    ]
    assert record_of("aarch64", 32) is UTMP
    login = (b"10.0.0.9", 0, 0, 4711, 1_769_860_800, 734_919, bytes(16), bytes(20))
    file = b"".join(
        WIDE_UTMP.pack(kind, 4711, b"pts/0", b"ts/0", b"anna", *login) for kind in (BOOT, *[USER_PROCESS] * 3, 8)
    )
    assert sessions(file, record_of("aarch64", 64)) == 3


def test_only_people_who_are_logged_in_are_sessions() -> None:
    assert sessions(record(BOOT) + record(USER_PROCESS) + record(8) + record(USER_PROCESS)) == 2


def test_a_torn_record_does_not_count() -> None:
    assert sessions(record(USER_PROCESS) + record(USER_PROCESS)[:200]) == 1
    assert sessions(b"") == 0


def test_folders_with_a_number_are_processes(tmp_path: Path) -> None:
    for name in ("1", "42", "4711", "net", "self"):
        (tmp_path / name).mkdir()
    utmp = tmp_path / "utmp"
    utmp.write_bytes(record(USER_PROCESS))

    assert Tasks(Ground(proc=str(tmp_path)), utmp=str(utmp)).read() == {"system.processes": 3.0, "system.users": 1.0}


def test_a_host_that_keeps_no_account_of_sessions_tells_none(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    assert Tasks(Ground(proc=str(tmp_path)), utmp=str(tmp_path / "none")).read() == {"system.processes": 1.0}


def test_where_processes_of_others_are_hidden_a_part_is_not_told_for_all(tmp_path: Path) -> None:
    said: list[str] = []
    tasks = Tasks(Ground(proc=str(tmp_path), say=said.append), utmp=str(tmp_path / "none"))
    for name in ("42", "4711"):
        (tmp_path / name).mkdir()
    for _ in range(2):
        assert tasks.read() == {"system.processes": None}
    assert said == ["processes of others are hidden from the agent (/proc is mounted with hidepid): none is counted"]
