"""The writer: it stores what comes up the stair, waits for room, refreshes, drops what is old, and is closed."""

from __future__ import annotations

import logging
from pathlib import Path

from bus.loop import Loop
from bus.messages import Sample
from bus.sockets import Settle
from bus.vitals import Vitals
from bus.wire import Record, pack, stamped
from store import opening
from store.__main__ import _refreshing
from store.backends.lmdb import LmdbBackend
from store.config import Store
from store.writer import Writer
from tests.faults.life import PATIENCE, calm, say
from tests.powercut.storing import COMMITS, HOSTS, checked, second
from tests.store.given import DAY, LAYOUT, NOON, SECOND, facts, layout, told
from tests.store.test_writer import Stair

__all__ = ["checked", "main"]
CONFIG = Store(
    free_bytes=0,
    commit_seconds=0.0,
    keep_samples_seconds=7200,
    keep_1m_seconds=0,
    keep_5m_seconds=0,
    keep_1h_seconds=0,
    keep_records_seconds=400 * DAY / SECOND,
)


def frames(number: int) -> list[bytes]:
    """What comes up the stair with message ``number`` of each producer."""
    at = NOON + second(number) * SECOND
    records = [told(Sample(LAYOUT.id, (float(number), 1.0)), number, host=host, at=at) for host in HOSTS]
    first: list[Record] = [layout("web-9"), facts(2, "6.1", host="web-9")] if number == 1 else []
    return [stamped(one.kind, 1, number, at, [pack(one)]) for one in (*first, *records)]


def main(folder: Path) -> None:
    """Live, as ``store.__main__`` has it."""
    store, now, stair = folder / "store", NOON, Stair()
    store.mkdir(parents=True, exist_ok=True)
    backend = opening.opened(lambda: LmdbBackend(store, write=True))
    say(f"generation {backend.generation}")
    log = logging.getLogger("guardia")
    writer = Writer(
        backend,
        stair,  # type: ignore[arg-type]
        Settle(()),
        Loop(lambda: 0.0),
        Vitals(0.0),
        log,
        CONFIG,
        store,
        clock=lambda: now,
    )
    refresh = _refreshing(backend)
    for number in range(1, COMMITS + 1):
        now = NOON + second(number) * SECOND
        stair.frames += frames(number)
        writer.drain()
        _committed(writer)
        say(f"acknowledged {number}")
        if number % 6 == 0:
            refresh()
    say("dropping")
    now += 100 * SECOND
    writer.retain()
    refresh()
    _committed(writer)
    writer.close()
    backend.close()


def _committed(writer: Writer) -> None:
    """Have it commit, as often as it takes."""
    for turn in range(PATIENCE):
        writer.commit()
        if not writer._waiting:
            return
        if turn == 1:
            calm()
    raise AssertionError("it does not go on")
