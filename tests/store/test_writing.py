"""A file of blocks gets its name when it was read again, and is what was written."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import numpy as np
import pytest

from bus.timing import HOUR
from store.blocks.gather import Origin, Told
from store.blocks.listing import Index
from store.blocks.pressing import Damaged
from store.blocks.segments import NEW, Segment, Writing
from store.sealing import sheets_of
from tests.store.given import NOON, SECOND

INDEX = Index("sample", "raw", NOON, NOON + HOUR, (), {}, frozenset())


def written(path: Path) -> Writing:
    times = NOON + np.arange(30) * SECOND
    made = Writing(path)
    for host in ("web-1", "web-2"):
        told = Told(times, times, np.ones_like(times), np.arange(30), np.arange(60.0).reshape(2, 30))
        made.add(sheets_of([(host, Origin(host.encode(), b"", 7, 2), told)])[0])
    return made


def test_what_is_read_again_as_it_was_written_gets_its_name(tmp_path: Path) -> None:
    path = tmp_path / "raw" / "20260131T12.1h"
    written(path).finish(INDEX)
    segment = Segment(path)
    assert segment.subjects() == ["web-1", "web-2"]
    assert segment.verify() == []
    segment.close()


@pytest.mark.parametrize("from_end", [False, True])
def test_a_byte_that_the_disk_changed_costs_the_file_and_not_what_was_there_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, from_end: bool
) -> None:
    path = tmp_path / "raw" / "20260131T12.1h"
    written(path).finish(INDEX)
    before, sync = path.read_bytes(), os.fsync

    def changing(file: int) -> None:
        sync(file)
        size = os.fstat(file).st_size
        place = size - 30 if from_end else size // 4
        with open(f"/proc/self/fd/{file}", "r+b") as again:
            again.seek(place)
            byte = again.read(1)[0]
            again.seek(place)
            again.write(bytes((byte ^ 1,)))

    made = written(path)
    monkeypatch.setattr(os, "fsync", changing)
    with pytest.raises(Damaged):
        made.finish(INDEX)
    made.close()
    assert path.read_bytes() == before
    assert not list(path.parent.glob(f"*{NEW}"))


def test_a_file_for_which_there_is_no_room_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "raw" / "20260131T12.1h"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    made = written(path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            made.finish(INDEX)
        made.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(path.parent.iterdir()) == []
