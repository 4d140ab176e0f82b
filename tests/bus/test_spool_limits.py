"""What a spool says of itself: what was found wrong with it, once, whenever it was found."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from bus.spool import Spool, fault_teller
from tests.bus.spooling import message

NOON = 43_200.0
WALL = 1_700_000_000 * 10**9


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
