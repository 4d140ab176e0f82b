"""What a spool says of itself and of what was wrong with it, what memory it takes, and how much goes at once."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from bus.spool import Spool, SpoolLimits, cost, fault_teller
from tests.bus.spooling import message

NOON = 43_200.0
WALL = 1_700_000_000 * 10**9
WEEK = 7 * 86_400.0
ONE = cost(len(message(1)))


def test_a_spool_that_is_found_damaged_while_it_is_used_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(tmp_path / "spool", source="web-1", now=NOON, wall=WALL)
    tell = fault_teller(spool.faults, logging.getLogger("test"))
    spool.append(7, 1, [message(1)], NOON, WALL)
    tell()
    assert caplog.messages == []
    for turn in (1, 2):
        assert spool._file is not None
        spool._file.close()
        (tmp_path / "spool" / "data.mdb").write_bytes(bytes(8192))
        spool.sweep(NOON, WALL + turn * 10**9)
        tell()
        tell()

    assert [line.split(";")[0] for line in caplog.messages] == [
        f"the spool was damaged and is now {tmp_path}/spool.bad-170000000{turn}" for turn in (1, 2)
    ]


def in_memory(file: Path) -> int:
    """Bytes of the file that count as this process's memory."""
    maps = Path("/proc/self/smaps").read_text().split(f" {file}\n")[1:]
    return sum(int(one.split("Rss:")[1].split()[0]) for one in maps) * 1024


def test_what_was_spooled_is_no_memory_for_good(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", source="web-1", now=NOON, wall=WALL)
    for number in range(1, 2001):
        spool.append(7, number, [message(number, size=2000)], NOON, WALL)
    spool.sweep(NOON + 1, WALL)
    for number in range(2001, 4001):
        spool.append(7, number, [message(number, size=2000)], NOON + 2, WALL)
    spool.acknowledged(7, 4000, 1)

    spool.sweep(NOON + 61, WALL)

    assert (tmp_path / "spool" / "data.mdb").stat().st_size > 4000 * 2000
    assert in_memory(tmp_path / "spool" / "data.mdb") < 2**19
    assert spool.read(7, 4000, 4000) == [message(4000, size=2000)], "it is read all the same"
    spool.close(NOON + 62, WALL)


def test_a_limit_that_became_much_smaller_is_reached_in_steps(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", source="web-1", now=NOON, wall=WALL)
    spool.append(7, 1, [message(number) for number in range(1, 201)], NOON, WALL)
    spool.close(NOON, WALL)

    fewer = SpoolLimits(bytes=50 * ONE, step_bytes=50 * ONE)
    spool = Spool(tmp_path / "spool", fewer, source="web-1", now=NOON, wall=WALL)
    left, dropped = [], 0
    for number in range(201, 206):
        dropped += sum(one.dropped for one in spool.append(7, number, [message(number)], NOON, WALL))
        left.append(spool.status().messages)
    assert left == [150, 100, 50, 50, 50]
    assert dropped == spool.status().dropped == 155
    spool.close(NOON, WALL)


def test_what_is_too_old_goes_in_steps(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", SpoolLimits(step_bytes=10 * ONE), source="web-1", now=NOON, wall=WALL)
    spool.append(7, 1, [message(number) for number in range(1, 26)], NOON, WALL)
    spool.sweep(NOON, WALL)
    left = []
    for minute in range(4):
        spool.sweep(NOON + WEEK + 600 + 60 * minute, WALL)
        left.append((spool.status().messages, spool.status().dropped))
    assert left == [(15, 10), (5, 20), (0, 25), (0, 25)]
    spool.close(NOON + WEEK + 900, WALL)
