"""A writer that dies, has no room and meets poison: its producers send again, and all that can be stored is, once."""

from __future__ import annotations

import logging
import random
from dataclasses import replace
from pathlib import Path

import pytest

from bus.delivery.stream import Stream, read_key
from bus.loop import Loop
from bus.wire import pack, read, stamped
from store.backends import StoreFull, Streams
from store.backends.memory import MemoryBackend
from store.batch import Batch
from store.config import Store
from store.writer import Writer
from tests.store.given import MINUTE, NOON, sample
from tests.store.test_writer import Killed, Stair, writing

HOSTS = ("web-1", "db-1")
LAST = 40
"""Numbers that each host gives."""


class Deadly(MemoryBackend):
    """Kills over some messages, and now and then before a commit or after it."""

    def __init__(self, chance: random.Random, poison: set[tuple[str, int]], deaths: float) -> None:
        super().__init__()
        self.deaths = deaths
        self.full = False
        self._chance = chance
        self._poison = poison

    def commit(self, batch: Batch, now: int, streams: Streams = ((), ())) -> None:
        if self.full:
            raise StoreFull("no room")
        groups = [group for groups in batch.groups.values() for group in groups.values()]
        told = [read(record)[0] for group in groups for _, record in group.dated()]
        self._perhaps(any((one.source, one.number) in self._poison for one in told if one.kind == "sample"))
        super().commit(batch, now, streams)
        self._perhaps(False)

    def _perhaps(self, surely: bool) -> None:
        if surely or self._chance.random() < self.deaths:
            raise Killed

    def unstored(self, host: str, upto: int) -> list[int]:
        """What its producer still has to send."""
        stream = Stream(host, 7)
        for key, value in self.streams():
            if read_key(key)[0] == host:
                stream.load(value)
        return [n for n in range(stream.watermark + 1, upto + 1) if n not in stream.beyond]


@pytest.mark.parametrize("seed", range(24))
def test_all_is_stored_once_but_for_what_kills(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    poison = {(host, chance.randrange(1, LAST)) for host in HOSTS for _ in range(chance.randrange(3))}
    backend = Deadly(chance, poison, chance.choice((0.0, 0.0, 0.02)))
    deaths, stair, log = backend.deaths, Stair(), logging.getLogger("nobody")
    log.setLevel(logging.CRITICAL)
    writer: Writer | None = None
    for turn in range(300):
        if turn == 200:  # from now on all is well but the poison
            backend.deaths, backend.full = 0.0, False
        elif turn < 200 and chance.random() < 0.1:
            backend.full = not backend.full
        if writer is None:
            stair = Stair()
            writer = writing(backend, stair, Loop(), Store(free_bytes=0, commit_seconds=0.0), tmp_path, log)
        for host in HOSTS:
            wanted = backend.unstored(host, min(LAST, 1 + turn // 3))
            if chance.random() < 0.3:
                chance.shuffle(wanted)
            told = [
                pack(replace(sample(1, host=host, at=NOON + number * MINUTE), number=number))
                for number in (wanted[: chance.randrange(1, 9)] if turn < 200 else wanted)
            ]
            stair.frames += [stamped("sample", 1, turn + 1, NOON, told)] if told else []
        try:
            writer.drain()
            if turn >= 200 or chance.random() < 0.7:
                writer.commit()
        except Killed:
            writer = None

    put_aside = {path.name for path in tmp_path.glob("quarantine/*")}
    for host in HOSTS:
        stored = [(row[0] - NOON) // MINUTE for row in backend.rows("sample", host, 0, 2**62)]
        lacking = [number for number in range(1, LAST + 1) if number not in stored]
        assert len(stored) == len(set(stored))
        assert backend.unstored(host, LAST) == []
        assert {f"{host}-{7:016x}-{number}.record" for number in lacking} <= put_aside
        assert {number for name, number in poison if name == host} <= set(lacking)
    assert deaths or len(put_aside) == len(poison), "nobody else is suspected for good"
