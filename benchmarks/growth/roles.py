"""The store's writer, sealer and reader, each in a process of its own, with a hand on its clock."""

from __future__ import annotations

import contextlib
import itertools
import logging
import multiprocessing
import os
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.databases.data import generated
from bus.desk import MOST_ANSWER, Desk, Inbox, told
from bus.loop import Loop
from bus.messages import KINDS, Layout, layout_id
from bus.process import collect_seldom, keep_heap, large_pages, trim_heap
from bus.timing import DAY, MINUTE, SECOND
from bus.vitals import Vitals
from bus.wire import pack, record, stamped
from store.__main__ import REFRESH_SECONDS
from store.backends.lmdb import LmdbBackend
from store.blocks.gather import Origin, Told, records
from store.blocks.listing import Index
from store.blocks.segments import Writing
from store.config import Store
from store.joining_apart import HEAP_BYTES, LARGE_BYTES
from store.pruning import Pruner, Room
from store.reader import answering
from store.sealer import Sealer
from store.sealing import part_of
from store.sealing_program import _pace
from store.spans import RAW, Span, name_of
from store.writer import Writer

METRICS = 60
ROWS = DAY // MINUTE
SORTS = 20
"""So many hosts are made up; the others say the same at another time of the day."""
COMMIT = 2000
"""Samples a commit: what the writer takes from the stair in one go."""
FRAME = 100
AHEAD = 4_000
"""Samples that are made before they are given to the writer, whose clock does not run meanwhile."""
LOG = logging.getLogger("growth")


class Role:
    """A process that does what it is asked; ``peak`` is the most memory of its own that it was seen with, bytes."""

    def __init__(self, work: type[Any], *given: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(work, given, there), daemon=True)
        self._process.start()
        there.close()
        self.peak = 0

    def ask(self, what: str, *given: Any) -> Any:
        """The answer of the method ``what``; raises EOFError when the process died."""
        self._here.send((what, given))
        while not self._here.poll(0.02):
            self.peak = max(self.peak, self.memory())
        answer = self._here.recv()
        self.peak = max(self.peak, self.memory())
        return answer

    def memory(self) -> int:
        """Bytes of its own memory: without those of files that it looks at, which the kernel takes back at will."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024
        return 0

    def files(self) -> int:
        """How many it has open."""
        return len(os.listdir(f"/proc/{self._process.pid}/fd"))

    def close(self) -> None:
        """Let it end."""
        self._here.close()
        self._process.join()


def _serve(work: type[Any], given: Sequence[Any], there: Connection) -> None:
    with contextlib.closing(work(*given)) as worker:
        while worker.waited(there):
            try:
                what, more = there.recv()
            except EOFError:
                return
            there.send(getattr(worker, what)(*more))


class _Worker:
    """What works in a role."""

    def ready(self) -> None:
        """Asked when it has been made."""

    def waited(self, there: Connection) -> bool:
        """True as soon as something is asked, or nobody will any more."""
        return there.poll(None)


class _Stair:
    """In place of the socket: frames that lie ready."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def drain(self, limit: int) -> list[bytes]:
        """All of them."""
        frames, self.frames = self.frames, []
        return frames


class _Settle:
    """In place of the way back to the collector."""

    def send(self, frame: bytes) -> bool:
        """Taken."""
        return bool(frame)


class WriterRole(_Worker):
    """The writer as it is, between a stand-in for the stair and the disk."""

    def __init__(self, path: Path, hosts: int) -> None:
        self._hosts = hosts
        self._loop, self._stair, self._counter = Loop(), _Stair(), itertools.count(1)
        path.mkdir(parents=True, exist_ok=True)
        self._backend = LmdbBackend(path, write=True)
        self._writer = Writer(
            self._backend,
            self._stair,  # type: ignore[arg-type]
            _Settle(),  # type: ignore[arg-type]
            self._loop,
            Vitals(time.monotonic()),
            LOG,
            Store(),
            path,
        )
        data = generated(min(hosts, SORTS), METRICS, ROWS, 60_000, 0)
        self._values = [np.ascontiguousarray(block.T) for block in data.values.values()]
        self._layout, self._number = layout_id(data.names), 2
        message = Layout(data.names)
        for host in range(hosts):
            one = pack(record(message, source=f"host-{host}", at=SECOND, epoch=host + 1, number=1, sent=SECOND))
            self._stair.frames.append(stamped("layout", 1, next(self._counter), time.time_ns(), [one]))
        self._writer.drain()
        self._writer.commit()

    def write(self, start: int, step: int, rows: int) -> tuple[int, float, float]:
        """So many samples of each host; returns (samples, seconds, CPU seconds) of the writer alone."""
        seconds = cpu = 0.0
        told: list[bytes] = []
        for samples in self._samples(start, step, rows):
            told += samples
            while len(told) >= COMMIT:
                took = self._commit(told[:COMMIT], start)
                told = told[COMMIT:]
                seconds, cpu = seconds + took[0], cpu + took[1]
        if told:
            took = self._commit(told, start)
            seconds, cpu = seconds + took[0], cpu + took[1]
        return rows * self._hosts, seconds, cpu + self._rest()

    def _rest(self) -> float:
        """What the writer does when nothing comes for a while: regroup what is fresh still; CPU seconds."""
        spent, rows = time.process_time(), self._backend.partitions
        rows.regroup()
        while any(rows._regrouping._held.values()):
            rows.regroup()
        return time.process_time() - spent

    def remove_sealed(self) -> int:
        """Remove the rows that are in blocks, without the minute that readers are given."""
        removed = 0
        while found := self._backend._past.sealed.unlink(time.time_ns() + 2 * MINUTE, self._backend._note_sealed):
            removed += found
        return removed

    def close(self) -> None:
        """End as it ends."""
        self._writer.close()
        self._backend.close()

    def _commit(self, told: list[bytes], received: int) -> tuple[float, float]:
        frames = [
            stamped("sample", 1, next(self._counter), received, told[first : first + FRAME])
            for first in range(0, len(told), FRAME)
        ]
        began, spent = time.perf_counter(), time.process_time()
        self._stair.frames = frames
        self._writer.drain()
        self._writer.commit()
        self._loop.pass_once(0.0)
        return time.perf_counter() - began, time.process_time() - spent

    def _samples(self, start: int, step: int, rows: int) -> Iterator[list[bytes]]:
        """Packed, by time."""
        at_once = max(1, min(AHEAD // self._hosts, ROWS))
        code = KINDS["sample"].code
        for first in range(0, rows, at_once):
            count = min(at_once, rows - first)
            places = np.arange(first, first + count)
            number, of = self._number + places, []
            for host in range(self._hosts):
                at = start + places * step + host * 1000
                values = self._values[host % SORTS][:, (places + host * 7) % ROWS]
                origin = Origin(f"host-{host}".encode(), b"", self._layout, METRICS)
                told = Told(at, at, np.full(count, host + 1, np.int64), number, values)
                of.append([one for _, _, one in records(origin, told, code)])
            yield [one[place] for place in range(count) for one in of]
        self._number += rows


class SealerRole(_Worker):
    """The sealer and what drops the old, as often as it is told that time went on."""

    def __init__(self, path: Path, config: Store | None = None) -> None:
        keep_heap(HEAP_BYTES)
        large_pages(LARGE_BYTES)
        collect_seldom()
        self._backend = LmdbBackend(path, write=False)
        config = config or Store()
        retention = config.retention()
        # Whoever made the past wrote it just now: nothing has to be quiet for a while.
        pace = replace(_pace(config, ()), quiet=-(2**62))
        self._sealer = Sealer(path, self._backend.partitions, self._backend.layouts, pace, LOG)
        self._pruner = Pruner(self._sealer.blocks, retention, Room(), LOG)
        self._pruner.spared, self._pruner.covered = self._sealer.spares, self._sealer.rollups.covers

    def past(self, day: int, hosts: int, rows: int) -> None:
        """A day as it is when its hours are joined: so many samples of each host, from midnight on.

        A single row is of one metric alone. The day's rollups are left to ``seal``.
        """
        data = generated(min(hosts, SORTS), METRICS if rows > 1 else 1, rows, 60_000, day // 1_000_000)
        layout, span = layout_id(data.names), Span(day, day + DAY, name_of(day, "1d"))
        matrices, places = [block.T for block in data.values.values()], np.arange(rows)
        with contextlib.closing(Writing(self._sealer.blocks.path("sample", RAW, span))) as writing:
            for host in range(hosts):
                at = day + places * MINUTE + host * 1000
                origin = Origin(f"host-{host}".encode(), b"", layout, len(data.names))
                values = np.ascontiguousarray(np.roll(matrices[host % SORTS], host * 7, axis=1))
                told = Told(at, at, np.full(rows, host + 1, np.int64), places + 2, values)
                writing.add(part_of(f"host-{host}", origin, told))
            known, sources = {layout: data.names}, frozenset({(day, 1, 1)})
            writing.finish(Index("sample", RAW, span.start, span.end, (), known, sources))

    def seal(self, now: int) -> tuple[int, float]:
        """All that is due at ``now``; returns (values, CPU seconds)."""
        values, began = self._sealer.done.values, time.process_time()
        self._backend.refresh()
        while self._sealer.turn(now):
            pass
        self._pruner.turn(now)
        trim_heap()
        large_pages(LARGE_BYTES)
        return self._sealer.done.values - values, time.process_time() - began

    def close(self) -> None:
        """Close every file."""
        self._sealer.close()
        self._backend.close()


class ReaderRole(_Worker):
    """The reader at its desk."""

    def __init__(self, path: Path, desk: Path) -> None:
        self._backend = LmdbBackend(path, write=False)
        self._loop = Loop()
        self._desk = Desk(self._loop, desk, answering(self._backend, Vitals(time.monotonic())))
        self._loop.every(REFRESH_SECONDS, self._backend.refresh)

    def waited(self, there: Connection) -> bool:
        """Answer at the desk meanwhile."""
        self._loop.on_readable(there.fileno(), lambda: None)
        while not there.poll():
            self._loop.pass_once()
        return True

    def close(self) -> None:
        """Close every file."""
        self._desk.close()
        self._backend.close()


class Guest:
    """Asks at a desk, one question after the other, as a worker of the api does."""

    def __init__(self, desk: Path) -> None:
        self._road = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._road.connect(str(desk))
        self._inbox = Inbox(MOST_ANSWER)

    def ask(self, question: bytes) -> tuple[float, bytes]:
        """(seconds, answer)."""
        began = time.perf_counter()
        self._road.sendall(told(1, question))
        while not (found := self._inbox.feed(data := self._road.recv(2**18))):
            if not data:
                raise SystemExit("the reader has gone")
        return time.perf_counter() - began, found[0][1]

    def close(self) -> None:
        """Leave."""
        self._road.close()
