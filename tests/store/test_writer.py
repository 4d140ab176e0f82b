"""When the writer commits: soon after what is new came, at once where that waited already."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from bus.loop import Loop
from bus.program import TryAgain
from bus.sockets import Settle
from bus.vitals import Vitals
from bus.wire import pack, stamped
from store.backends import StoreBroken, StoreFull
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


def writing(
    backend: MemoryBackend, stair: Stair, loop: Loop, config: Store, path: Path, log: logging.Logger | None = None
) -> Writer:
    """A writer over them, at noon."""
    return Writer(
        backend,
        stair,  # type: ignore[arg-type]
        Settle(()),
        loop,
        Vitals(0.0),
        log or logging.getLogger("test"),
        config,
        path,
        clock=lambda: NOON,
    )


@pytest.mark.parametrize(
    ("waited_ms", "at_once"), [(0, False), (9, False), (10, True), (5000, True), (-3600_000, False)]
)
def test_a_commit_waits_for_more_no_longer_than_the_oldest_sample_has_to(
    tmp_path: Path, waited_ms: int, at_once: bool
) -> None:
    backend, stair, loop = MemoryBackend(), Stair(), Loop()
    config = Store(free_bytes=0, commit_seconds=0.01)
    writer = writing(backend, stair, loop, config, tmp_path)
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


class Failing(MemoryBackend):
    """Drops nothing."""

    def __init__(self, fault: Exception) -> None:
        super().__init__()
        self.fault = fault

    def retain(self, keep: dict[str, int], now: int) -> int:
        raise self.fault


def test_what_cannot_be_dropped_for_want_of_room_stays_and_a_broken_store_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writing(Failing(StoreFull("no room")), Stair(), Loop(), Store(), tmp_path).retain()
    assert "cannot drop what is old: no room" in caplog.text
    with pytest.raises(TryAgain, match="cannot drop what is old: the server is away"):
        writing(Failing(StoreBroken("the server is away")), Stair(), Loop(), Store(), tmp_path).retain()


def test_other_settings_hold_from_then_on(tmp_path: Path) -> None:
    now = 0.0
    loop = Loop(lambda: now)
    cleanings: list[float] = []

    class Counting(MemoryBackend):
        def retain(self, keep: dict[str, int], now_ns: int) -> int:
            cleanings.append(now)
            return 0

    writer = writing(Counting(), Stair(), loop, Store(cleanup_seconds=3600), tmp_path)
    writer.clean()
    writer.use(Store(cleanup_seconds=60))
    for second in (59.0, 61.0, 121.0, 3601.0):
        now = second
        loop.pass_once(0.0)
    assert cleanings == [0.0, 0.0, 61.0, 121.0, 3601.0]
