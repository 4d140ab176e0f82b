"""When the writer commits: soon after what is new came, at once where that waited already."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from bus.control import REFUSED, STAIR, Hello, Offer, Refusal, pack_hello, pack_refusals
from bus.delivery.fence import Fence
from bus.loop import Loop
from bus.messages import is_metric
from bus.program import TryAgain
from bus.sockets import Settle
from bus.vitals import Vitals
from bus.wire import pack, stamped
from store.backends import StoreBroken, StoreFull, Streams
from store.backends.memory import MemoryBackend
from store.batch import Batch
from store.config import Store
from store.writer import Writer
from tests.store.given import MINUTE, NOON, SECOND, check, sample

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


class Telling(MemoryBackend):
    """Says when it commits; ``full`` has no room."""

    def __init__(self, events: list[str]) -> None:
        super().__init__()
        self.events = events
        self.full = False

    def commit(self, batch: Batch, now: int, streams: Streams = ((), ())) -> None:
        if self.full:
            raise StoreFull("no room")
        super().commit(batch, now, streams)
        self.events.append("committed")


def test_of_which_hosts_there_is_something_new_is_told_after_the_commit_and_before_receipts(tmp_path: Path) -> None:
    events: list[str] = []

    class Receipts(Settle):
        def send(self, frame: bytes) -> bool:
            events.append("acknowledged")
            return True

    backend, stair, loop = Telling(events), Stair(), Loop()
    config = Store(free_bytes=0, commit_seconds=0.0, retry_seconds=0.001)
    writer = Writer(
        backend,
        stair,  # type: ignore[arg-type]
        Receipts(()),
        loop,
        Vitals(0.0),
        logging.getLogger("test"),
        config,
        tmp_path,
        clock=lambda: NOON,
        changed=lambda hosts: events.append(f"changed {sorted(hosts)}"),
    )
    backend.full = True
    stair.frames = [
        stamped("sample", 1, 1, NOON, [pack(sample(1)), pack(sample(2, at=NOON + MINUTE))]),
        stamped("sample", 1, 2, NOON, [pack(sample(1, host="web-2"))]),
        stamped("check", 1, 1, NOON, [pack(check(1))]),
    ]
    writer.drain()
    assert not [one for one in events if one != "acknowledged"]
    backend.full = False
    while "committed" not in events:
        loop.pass_once(1.0)
    writer.close()
    assert events[-3:] == ["committed", "changed [b'web-1', b'web-2']", "acknowledged"]


class Failing(MemoryBackend):
    """Drops nothing."""

    def __init__(self, fault: Exception) -> None:
        super().__init__()
        self.fault = fault

    def retain(self, keep: dict[str, int], now: int, *, short: bool = False) -> int:
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
        def retain(self, keep: dict[str, int], now_ns: int, *, short: bool = False) -> int:
            cleanings.append(now)
            return 0

    writer = writing(Counting(), Stair(), loop, Store(cleanup_seconds=3600), tmp_path)
    writer.clean()
    writer.use(Store(cleanup_seconds=60))
    for second in (59.0, 61.0, 121.0, 3601.0):
        now = second
        loop.pass_once(0.0)
    assert cleanings == [0.0, 0.0, 61.0, 121.0, 3601.0]


class Killed(BaseException):
    """The process died."""


class Poisoned(MemoryBackend):
    """Dies over the samples of these minutes, and has no room while ``full``."""

    def __init__(self, *minutes: int) -> None:
        super().__init__()
        self.poison = {NOON + minute * MINUTE for minute in minutes}
        self.full = False

    def commit(self, batch: Batch, now: int, streams: Streams = ((), ())) -> None:
        if self.full:
            raise StoreFull("no room")
        told = {group.first for groups in batch.groups.values() for group in groups.values()}
        if not told.isdisjoint(self.poison):
            raise Killed
        super().commit(batch, now, streams)


def tell(writer: Writer, stair: Stair, *numbers: int) -> None:
    """Hand it samples of these numbers, a minute apart, and have it commit."""
    stair.frames = [stamped("sample", 1, 1, NOON, [pack(sample(n, at=NOON + n * MINUTE)) for n in numbers])]
    writer.drain()
    writer.commit()


@pytest.mark.parametrize("more", [0, 2])
def test_a_message_that_kills_is_put_aside_after_two_deaths_over_it_alone_whatever_else_comes(
    tmp_path: Path, more: int
) -> None:
    backend, lives, last = Poisoned(5), 0, 7
    stored: set[int] = set()
    for lives in range(6):  # noqa: B007 - it is looked at behind the loop
        stair, last = Stair(), last + more
        writer = writing(backend, stair, Loop(), Store(free_bytes=0), tmp_path)
        try:
            tell(writer, stair, *sorted({*range(1, last + 1)} - stored))
            break
        except Killed:
            stored = {(row[0] - NOON) // MINUTE for row in backend.rows("sample", "web-1", 0, 2**62)}
    writer.close()

    assert lives == 3, "it died once over the batch, and twice over the message alone"
    rows = backend.rows("sample", "web-1", 0, 2**62)
    assert [(row[0] - NOON) // MINUTE for row in rows] == [n for n in range(1, last + 1) if n != 5]
    assert [path.name for path in (tmp_path / "quarantine").iterdir()] == [f"web-1-{7:016x}-5.record"]
    assert writing(backend, Stair(), Loop(), Store(), tmp_path)._fence.suspects == 0


def test_suspects_for_which_there_is_no_room_are_sent_again_and_stored(tmp_path: Path) -> None:
    backend, stair = Poisoned(), Stair()
    (tmp_path / "under-way").write_bytes(_marker(Fence().around([("web-1", 7, 1, 2)])))
    writer = writing(backend, stair, Loop(), Store(free_bytes=0), tmp_path)
    backend.full = True
    for _ in range(3):
        tell(writer, stair, 1, 2)
        assert writer.full
        assert writer._account.alone == [], "they are not heaped up until there is room"
    backend.full = False
    tell(writer, stair, 1, 2)
    assert len(backend.rows("sample", "web-1", 0, 2**62)) == 2
    assert not writer.full
    writer.close()


def _marker(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def test_a_full_disk_heaps_up_no_more_than_is_allowed_neither_samples_nor_refusals(tmp_path: Path) -> None:
    backend, stair = Poisoned(), Stair()
    backend.full = True
    writer = writing(backend, stair, Loop(), Store(free_bytes=0, pending_bytes=2000), tmp_path)
    for number in range(1, 200):
        stair.frames = [REFUSED + pack_refusals([Refusal("web-1", 7, number, 1, 0, "kind")])]
        writer.drain()
    assert 2000 <= writer._batch.memory < 3000
    writer.close()


def test_two_hosts_under_one_name_are_among_the_writers_readings(tmp_path: Path) -> None:
    stair = Stair()
    writer = writing(MemoryBackend(), stair, Loop(), Store(free_bytes=0, commit_seconds=0.0), tmp_path)
    for boot, epoch in (("boot-1", 7), ("boot-2", 8)):
        stair.frames.append(STAIR + pack_hello(Hello("web-1", boot, 0, 0, 1, 0, (Offer(epoch, 0, 0, 0),))))
    for second in (10, 11):
        for epoch in (7, 8):
            told = replace(sample(second), epoch=epoch, number=second)
            stair.frames.append(stamped("sample", 1, second, NOON + second * SECOND, [pack(told)]))
        writer.drain()

    found = {name: value for name, value in writer.readings().items() if name.endswith("two_hosts")}
    assert found == {"store[web-1].two_hosts": 1.0}
    assert all(map(is_metric, writer.readings()))
    writer.close()
