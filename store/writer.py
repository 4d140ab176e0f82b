"""From the stair to the disk: gather what comes, commit it, say how it went."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from bus.loop import Loop, Timer
from bus.sockets import Subscribe
from bus.vitals import Vitals
from bus.wire import Malformed, unstamped
from store.backends import Backend, StoreFull
from store.batch import Batch
from store.config import Store

DRAIN = 2000


class Writer:
    """Gathers bus frames and commits them; while the disk is full it waits, and forgets what is over its limit.

    Nothing but storing stops then: what is not committed is not acknowledged, and its producers keep it.
    """

    def __init__(
        self,
        backend: Backend,
        subscribe: Subscribe,
        loop: Loop,
        vitals: Vitals,
        log: logging.Logger,
        config: Store,
        path: Path,
        *,
        clock: Callable[[], int] = time.time_ns,
        free: Callable[[Path], int] | None = None,
    ) -> None:
        self.full = False
        self._backend = backend
        self._subscribe = subscribe
        self._loop = loop
        self._vitals = vitals
        self._log = log
        self._config = config
        self._path = path
        self._clock = clock
        self._free = free or _free_bytes
        self._batch = Batch()
        self._commit_timer: Timer | None = None
        self._counters: dict[str, tuple[int, int]] = {}

    def drain(self) -> None:
        """Take what has come up the stair; commit when it is enough or old enough."""
        for frame in self._subscribe.drain(DRAIN):
            self._take(frame)
            if self._batch.bytes >= self._config.batch_bytes and not self.full:
                self.commit()
        if self._batch and self._commit_timer is None:
            self._commit_timer = self._loop.after(self._config.commit_seconds, self.commit)

    def commit(self) -> None:
        """Write what was gathered; when there is no room, keep it and try again later."""
        if self._commit_timer is not None:
            self._commit_timer.cancel()
            self._commit_timer = None
        if not self._batch:
            return
        start = time.monotonic()
        try:
            self._look_for_room()
            self._backend.commit(self._batch, self._clock())
        except StoreFull as error:
            self._wait_for_room(error)
            return
        if self.full:
            self.full = False
            self._log.warning("there is room again, storing goes on")
        self._vitals.count("store.records", self._batch.records)
        self._vitals.count("store.bytes", self._batch.bytes)
        self._vitals.count("store.misdated", self._batch.misdated)
        self._vitals.count("store.commits")
        self._vitals.gauge("store.commit_seconds", time.monotonic() - start)
        self._batch = Batch()

    def retain(self) -> None:
        """Drop what is older than the settings allow."""
        young, long = int(self._config.keep_samples_seconds * 1e9), int(self._config.keep_records_seconds * 1e9)
        keep = {
            kind: young if kind in ("sample", "processes") else long
            for kind in ("sample", "processes", "facts", "check", "alert", "notice", "silence", "loss")
        }
        dropped = self._backend.retain(keep, self._clock())
        if dropped:
            self._log.info("dropped %d records past their time", dropped)

    def readings(self) -> dict[str, float | None]:
        """What the writer says of itself beside its counters."""
        return {
            "store.full": float(self.full),
            "store.pending_bytes": float(self._batch.bytes),
            "store.free_bytes": float(self._free(self._path)),
        }

    def _take(self, frame: bytes) -> None:
        try:
            stamp, start = unstamped(frame)
            self._watch_counter(stamp.kind, stamp.incarnation, stamp.counter)
            if self._batch.bytes >= self._config.pending_bytes:
                self._vitals.count("store.left_out")
                return
            self._batch.add(frame, start, stamp.received)
        except Malformed as fault:
            self._vitals.count("store.malformed")
            self._log.error("a bus frame that is none: %s", fault)

    def _watch_counter(self, kind: str, incarnation: int, counter: int) -> None:
        before, last = self._counters.get(kind, (incarnation, counter - 1))
        if before == incarnation and counter > last + 1:
            self._vitals.count("store.missed", counter - last - 1)
        self._counters[kind] = (incarnation, counter)

    def _look_for_room(self) -> None:
        free = self._free(self._path)
        if free < self._config.free_bytes:
            raise StoreFull(f"{free // 1_000_000} MB free, {self._config.free_bytes // 1_000_000} MB are kept free")

    def _wait_for_room(self, error: StoreFull) -> None:
        if not self.full:
            self.full = True
            self._log.error("cannot store: %s; trying again each %g s", error, self._config.retry_seconds)
        self._commit_timer = self._loop.after(self._config.retry_seconds, self.commit)


def _free_bytes(path: Path) -> int:
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize
