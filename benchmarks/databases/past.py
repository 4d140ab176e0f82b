"""History into a hub's store before it is asked: by the door to the writer, then sealed, as it would be by now."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import zmq

from benchmarks.databases import load
from benchmarks.databases.data import Readings
from benchmarks.hub import Hub
from bus.delivery.stream import Stream, read_key
from bus.sockets import Push
from bus.timing import MINUTE
from store.backends.lmdb import LmdbBackend
from store.sealer import Pace, Sealer

LOG = logging.getLogger("past")
PATIENCE = 120.0
AT_ONCE = 100


def stored(made: Hub, every: Sequence[Readings]) -> None:
    """Have it all written and sealed; no program runs afterwards."""
    store = made.folder / "var" / "store"
    made.start("collector", "bus.command", "collector")
    made.start("store-writer", "bus.command", "store", "writer")
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    push = Push(context)
    push.connect(made.door)
    seen = LmdbBackend(store, write=False)
    for data in every:
        wanted = len(data.times) * len(data.values)
        for one in load.layouts(data):
            push.raw.send(one)
        sent, end = 0, time.monotonic() + PATIENCE
        frames = load.frames(data, AT_ONCE if len(data.values) == 1 else 20)
        for frame in frames:
            push.raw.send(frame.body)
            sent += frame.values // len(data.names)
            while sent - _durable(seen, data) > 30_000:
                _patience(end, "history is not stored")
                time.sleep(0.01)
        while _durable(seen, data) < wanted:
            _patience(end, "history is not stored")
            time.sleep(0.01)
    seen.close()
    push.close()
    context.term()
    made.stop("store-writer")
    made.stop("collector")
    _seal(made)


def _durable(seen: LmdbBackend, data: Readings) -> int:
    found = 0
    for key, value in seen.streams():
        source, epoch = read_key(key)
        if source in data.values:
            stream = Stream(source, epoch)
            stream.load(value)
            found += max(0, stream.watermark - 1)
    return found


def _seal(made: Hub) -> None:
    """All that is due, and the rows of it removed."""
    store = made.folder / "var" / "store"
    backend = LmdbBackend(store, write=False)
    sealer = Sealer(store, backend.partitions, backend.layouts, Pace(quiet=-(2**62)), LOG)
    end = time.monotonic() + PATIENCE
    while sealer.turn(time.time_ns()):
        _patience(end, "history is not sealed")
    sealer.close()
    backend.close()
    # As the writer does a minute later, some at a time.
    writer = LmdbBackend(store, write=True)
    while writer._past.sealed.unlink(time.time_ns() + 2 * MINUTE, writer._note_sealed):
        pass
    writer.close()


def _patience(end: float, what: str) -> None:
    if time.monotonic() > end:
        raise SystemExit(what)
