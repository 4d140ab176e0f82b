"""When the writer commits: soon after what is new came, at once where that waited already."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from bus.loop import Loop
from bus.sockets import Settle
from bus.vitals import Vitals
from bus.wire import pack, stamped
from store.backends.memory import MemoryBackend
from store.config import Store
from store.writer import Writer
from tests.store.given import NOON, sample

MS = 1_000_000


class Stair:
    """Frames that have come."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def drain(self, limit: int) -> list[bytes]:
        found, self.frames = self.frames[:limit], self.frames[limit:]
        return found


@pytest.mark.parametrize(
    ("waited_ms", "at_once"), [(0, False), (9, False), (10, True), (5000, True), (-3600_000, False)]
)
def test_a_commit_waits_for_more_no_longer_than_the_oldest_sample_has_to(
    tmp_path: Path, waited_ms: int, at_once: bool
) -> None:
    backend, stair, loop = MemoryBackend(), Stair(), Loop()
    config = Store(free_bytes=0, commit_seconds=0.01)
    writer = Writer(
        backend,
        stair,  # type: ignore[arg-type]
        Settle(()),
        loop,
        Vitals(0.0),
        logging.getLogger("test"),
        config,
        tmp_path,
        clock=lambda: NOON,
    )
    stair.frames = [
        stamped("sample", 1, 1, NOON - waited_ms * MS, [pack(sample(1))]),
        stamped("sample", 1, 2, NOON, [pack(sample(2))]),
    ]

    writer.drain()

    assert len(backend.rows("sample", "web-1", 0, 2**62)) == (2 if at_once else 0)
    while not backend.rows("sample", "web-1", 0, 2**62):
        loop.pass_once(1.0)
    assert len(backend.rows("sample", "web-1", 0, 2**62)) == 2
    writer.close()
