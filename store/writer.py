"""From the stair to the disk: gather what comes, commit it, acknowledge it."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bus import failpoints
from bus.control import REFUSED, STAIR, Flags, read_hello, read_refusals
from bus.delivery.fence import Fence, Run
from bus.delivery.receiver import Receiver
from bus.loop import Loop, Timer
from bus.messages import Loss
from bus.missed import Passed
from bus.program import TryAgain
from bus.sockets import Settle, Subscribe
from bus.vitals import Vitals
from bus.wire import Malformed, unstamped
from store.account import Account, Suspect
from store.backends import Backend, StoreBroken, StoreFull
from store.batch import Batch
from store.config import Keep, Store
from store.leaps import Leaps
from store.marker import Marker, Quarantine
from store.opening import free_bytes
from store.settling import Settling

DRAIN = 64
"""Bus frames taken at once; each is 150 kB and more when there is much to do."""


class Writer:
    """Gathers bus frames and commits them; while the disk is full it waits, and forgets what is over its limit.

    Nothing but storing stops then: what is not committed is not acknowledged, and its producers keep it.
    """

    def __init__(
        self,
        backend: Backend,
        subscribe: Subscribe,
        settle: Settle,
        loop: Loop,
        vitals: Vitals,
        log: logging.Logger,
        config: Store,
        path: Path,
        *,
        clock: Callable[[], int] = time.time_ns,
        free: Callable[[Path], int] = free_bytes,
        publish: Callable[[Loss, int], None] = lambda loss, at: None,
        rules: Callable[[], Sequence[Keep]] = lambda: (),
        changed: Callable[[Iterable[bytes]], None] = lambda hosts: None,
    ) -> None:
        """``publish`` tells everybody of a loss that was entered into the ledger, and its time in ns.

        ``rules`` gives the entries of ``[[retention]]`` as they are now. ``changed`` is told the names of the hosts of
        which there are new samples on the disk, before these are acknowledged.
        """
        self.full = False
        self._backend = backend
        self._subscribe = subscribe
        self._loop = loop
        self._vitals = vitals
        self._log = log
        self._config = config
        self._path = path
        self._clock = clock
        self._free = free
        self._publish = publish
        self._rules = rules
        self._changed = changed
        self._batch = Batch()
        self._commit_timer: Timer | None = None
        self._cleaning: Timer | None = None
        self._oldest = 0
        self._passed = Passed()
        self._leaps = Leaps(backend.statistics())
        incarnation = int.from_bytes(os.urandom(8), "big")
        self._receiver = Receiver(backend.generation, incarnation, backend.streams())
        self._marker = Marker(path / "under-way")
        self._fence = Fence(self._marker.found)
        self._fence.settled(self._receiver.held)
        if self._fence.suspects:
            log.warning("the last run died over %d messages: they are stored a few at a time", self._fence.suspects)
        self._account = Account(self._receiver, self._fence, Quarantine(path / "quarantine").keep, self._may_learn)
        self._settling = Settling(self._receiver, settle, loop, config.receipt_seconds, clock=clock)
        self._receiver.announce(clock() / 1e9)
        self._settling.soon()

    def drain(self) -> None:
        """Take what has come up the stair; commit when it is enough or old enough."""
        for frame in self._subscribe.drain(DRAIN):
            self._take(frame)
            if self._batch.memory >= self._config.batch_bytes and not self.full:
                self.commit()
        if self._waiting and self._commit_timer is None:
            # What waited at the door of a writer that was busy has waited already.
            wait = self._config.commit_seconds
            if self._batch:
                wait -= min(max(self._clock() - self._oldest, 0) / 1e9, wait)
            if wait > 0:
                self._commit_timer = self._loop.after(wait, self.commit)
            else:
                self.commit()
        elif not self._waiting or self.full:
            # Nothing new: what was stored before is acknowledged again, and who asked is answered.
            self._settling.soon()

    def commit(self) -> None:
        """Write what was gathered; when there is no room, keep it and try again later."""
        if self._commit_timer is not None:
            self._commit_timer.cancel()
            self._commit_timer = None
        if not self._waiting:
            return
        # Suspects for which there is no room are not kept: they are sent again.
        suspects, self._account.alone = self._account.alone, []
        if not self._gathered or self._commit(self._batch, self._receiver.runs):
            self._batch = Batch()
            self._commit_suspects(suspects)
        self._settling.soon()

    def retain(self) -> None:
        """Drop what is older than the settings allow, and forget streams that nobody mentions any more.

        Samples of which rollups are to be made wait for the sealer for a while, unless there is no room; what is dated
        far ahead makes some first. Nothing goes by a clock that has just leapt ahead.
        """
        if self._leaps.waits(self._clock(), time.monotonic()):
            if self._leaps.is_new:
                self._log.warning("%s", self._leaps)
            self.commit()
            return
        waiting = self._config.backend == "lmdb" and not self.full
        keep = self._config.retention(self._rules()).of_rows(waiting=waiting)
        try:
            dropped = self._backend.retain(keep, self._clock(), short=self._is_short())
        except StoreFull as error:
            self._log.error("cannot drop what is old: %s", error)
        except StoreBroken as error:
            raise TryAgain(f"cannot drop what is old: {error}") from None
        else:
            if dropped:
                self._log.info("dropped %d records past their time", dropped)
        self.commit()
        if not self._receiver.changed and self._receiver.prune(self._clock() / 1e9):
            self.commit()

    def use(self, config: Store) -> None:
        """Go on with other settings, all but where and in what records are kept; what is now too old goes at once."""
        self._config = config
        self._settling.seconds = config.receipt_seconds
        self.clean()

    def clean(self) -> None:
        """``retain`` now, and from then on as often as the settings say."""
        if self._cleaning is not None:
            self._cleaning.cancel()
        self._cleaning = self._loop.after(self._config.cleanup_seconds, self.clean)
        self.retain()

    def report(self) -> None:
        """Tell the log what was lost or refused since the last time."""
        self._account.report_to(self._log.warning)

    def close(self) -> None:
        """Commit what is left, and say so; then nothing is under way any more."""
        self.commit()
        self._settling.now()
        if not self._waiting:
            self._marker.close()

    def idle(self) -> bool:
        """Whether nobody waits for it."""
        return not (self._waiting or self._settling.waits or self._subscribe.raw.poll(0))

    def readings(self) -> dict[str, float | None]:
        """What the writer says of itself beside its counters."""
        counts = {f"store.{what}_total": float(n) for what, n in self._account.counts.items()}
        return {
            "store.full": float(self.full),
            "store.pending_bytes": float(self._batch.memory),
            "store.free_bytes": float(self._free(self._path)),
            "store.receipts_total": float(self._settling.sent),
            "store.receipts_dropped_total": float(self._settling.dropped),
            **{f"store.{what}": n for what, n in self._backend.damage().items()},
            **{f"store[{name}].two_hosts": n for name, n in self._account.two_hosts(self._clock()).items()},
            **counts,
        }

    @property
    def _gathered(self) -> bool:
        return bool(self._batch) or self._receiver.changed

    @property
    def _waiting(self) -> bool:
        return self._gathered or bool(self._account.alone)

    def _commit(self, batch: Batch, runs: Sequence[Run]) -> bool:
        """Make one batch of these runs durable, with how far it brings the streams; False when there is no room."""
        start = time.monotonic()
        self._account.write_down(batch, self._clock())
        self._marker.write(self._fence.around(runs))
        try:
            self._look_for_room()
            self._backend.commit(batch, self._clock(), self._receiver.changes())
        except StoreFull as error:
            self._marker.write(self._fence.cleared(()))
            self._wait_for_room(error)
            return False
        except StoreBroken as error:
            # No message did this: what is under way was not acknowledged, and comes again to another process.
            self._marker.write(self._fence.cleared(()))
            raise TryAgain(f"cannot store: {error}") from None
        failpoints.at("store.after_commit")
        self._changed(batch.hosts())
        for at, loss in self._account.committed():
            self._publish(loss, at)
        if self._fence.suspects:
            # Not the runs: between a stream's watermark and what came beyond it suspects may still be missing.
            self._fence.settled(self._receiver.held)
            self._marker.write(self._fence.cleared(()))
        if self.full:
            self.full = False
            self._settling.flags &= ~Flags.DISK_FULL
            self._log.warning("there is room again, storing goes on")
        self._vitals.count("store.records", batch.records)
        self._vitals.count("store.bytes", batch.bytes)
        self._vitals.count("store.misdated", batch.misdated)
        self._vitals.count("store.commits")
        self._vitals.gauge("store.commit_seconds", time.monotonic() - start)
        return True

    def _may_learn(self, source: str, names: tuple[str, ...], now: int) -> bool:
        return self._backend.may_learn(source, names, now, self._config.layouts_bytes)

    def _commit_suspects(self, suspects: Sequence[Suspect]) -> None:
        """Commit what the last run died over, as many together as the fence lets, until there is no room."""
        for part in self._fence.parts([suspect.run for suspect in suspects]):
            batch = Batch()
            for suspect in suspects[part]:
                self._account.take_alone(batch, suspect)
            if self._receiver.changed and not self._commit(batch, [suspect.run for suspect in suspects[part]]):
                self._account.rolled_back()
                return

    def _take(self, frame: bytes) -> None:
        try:
            if frame.startswith(STAIR):
                self._receiver.greet(read_hello(frame[len(STAIR) :]), self._clock() / 1e9)
                return
            if frame.startswith(REFUSED):
                if not self._leaves_out():
                    for refusal in read_refusals(frame, len(REFUSED)):
                        self._account.refused(self._batch, refusal, self._clock())
                return
            stamp, start = unstamped(frame)
            self._vitals.count("store.missed", self._passed.missing(stamp))
            self._passed.note(stamp)
            if self._leaves_out():
                return
            if not self._batch:
                self._oldest = stamp.received
            self._account.take(self._batch, stamp.kind, frame, start, stamp.received)
        except Malformed as fault:
            self._vitals.count("store.malformed")
            self._log.error("a bus frame that is none: %s", fault)

    def _leaves_out(self) -> bool:
        """Whether a frame is left out and counted, because so much is pending already; it is sent again."""
        if self._batch.memory < self._config.pending_bytes:
            return False
        self._vitals.count("store.left_out")
        return True

    def _look_for_room(self) -> None:
        free = self._free(self._path)
        if free < self._config.free_bytes:
            raise StoreFull(f"{free // 1_000_000} MB free, {self._config.free_bytes // 1_000_000} MB are kept free")

    def _is_short(self) -> bool:
        """Whether the store is to make room, as the sealer sees it."""
        if self._config.backend != "lmdb":
            return False
        if self._free(self._path) < self._config.room_bytes:
            return True
        return 0 < self._config.max_bytes < int(str(self._backend.statistics()["bytes"]))

    def _wait_for_room(self, error: StoreFull) -> None:
        if not self.full:
            self._loop.after(0.0, self.clean)
            self.full = True
            self._settling.flags |= Flags.DISK_FULL
            self._log.error("cannot store: %s; trying again each %g s", error, self._config.retry_seconds)
        self._commit_timer = self._loop.after(self._config.retry_seconds, self.commit)
