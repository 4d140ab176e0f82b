"""A producer's unacknowledged messages on disk, bounded by bytes and age.

``append`` returns when its messages are on the disk: numbers and messages are written in one LMDB transaction
with sync on, so that a message is either there with its number or not there. One transaction may hold any
number of messages; the caller decides how long it gathers them (group commit).

    spool = Spool(path, limits, source="web-1", now=now, wall=wall)
    sender = Sender(spool.kept(), generation=spool.generation, ...)
    evicted = spool.append(epoch, first, packed, now, wall)     raises NoRoom: keep them in memory, try again
    records = spool.read(epoch, first, last)                    from memory when they were appended just now
    spool.acknowledged(epoch, watermark, generation)            written with the next transaction
    evicted = spool.sweep(now, wall)                            once a minute: age, and giving back disk space
    spool.close(now)

In LMDB, keys in big-endian so that messages are appended at the end and dropped at the front:

    records   order u32, number u64 -> the packed record (``bus.wire``), base, generation and sent all zero
    epochs    order u32             -> epoch, base, last, acked, once (u64 each)
    marks     running time f64      -> order u32, number u64: the newest message at that time of use
    meta      "state"               -> running time f64, generation, bytes used, dropped, its first and last time

The file grows to the bytes allowed and its pages are used again. It shrinks when it was large and little is
left in it: the rest is copied into a new file that takes its place. A damaged file is moved aside to
``<name>.bad-<time>`` and a new one begun; a record whose checksum does not hold is replaced by a ``loss``
message of the same number, so that the loss is told and the others are not held up by it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lmdb

from bus import failpoints
from bus.delivery.outflow import Kept
from bus.delivery.retention import Ages, Evicted, Extent, NoRoom, Victims, gone, outdated, victims
from bus.messages import Loss
from bus.spool_file import BAD, DAMAGED, clear_old, doubtful, open_file, sound
from bus.wire import pack, record, verify

_KEY = struct.Struct(">IQ")
_ORDER = struct.Struct(">I")
_EPOCH = struct.Struct(">QQQQQ")
_RUNNING = struct.Struct(">d")
_STATE = struct.Struct(">dQQQqq")
_RECENT = 4096
"""Messages just appended that are kept in memory: most are sent at once."""


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """How much a spool keeps, and for how long."""

    bytes: int = 512 * 1_048_576
    seconds: float = 7 * 86_400.0
    """Messages are dropped after so long, acknowledged or not."""
    acknowledged_seconds: float = 86_400.0
    """Acknowledged messages are kept for so long while there is room."""
    mark_seconds: float = 300.0
    compact_bytes: int = 64 * 1_048_576
    """A larger file of which less than a quarter is in use is written anew."""
    floors: int = 448
    """Epochs without messages that are remembered."""


@dataclass(frozen=True, slots=True)
class SpoolStatus:
    """What a spool holds and lost; times in ns since 1970, 0 for never."""

    bytes: int
    limit: int
    file_bytes: int
    messages: int
    epochs: int
    dropped: int
    dropped_first: int
    dropped_last: int
    moved_aside: str = ""


def cost(size: int) -> int:
    """Bytes of the file that a record of ``size`` bytes takes when appended, page waste included."""
    if size > 2000:
        return 32 + 4096 * ((size + 16 + 4095) // 4096)
    return 4096 // (4080 // (size + 22 + size % 2))


class Spool:
    """The spool of one producer; at most one process may have it open."""

    def __init__(
        self, path: Path, limits: SpoolLimits | None = None, *, source: str, now: float, wall: int
    ) -> None:
        """``now``: monotonic, seconds; ``wall``: ns since 1970. Raises ``BlockingIOError`` when it is in use."""
        self.limits = limits or SpoolLimits()
        self.path = path
        self.generation = 0
        self.moved_aside = ""
        self._source = source
        self._env: Any = None
        self._opened = now
        self._clear()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise
        try:
            self._open(now, wall)
        except NoRoom:
            self._env = None

    def _clear(self) -> None:
        self._running = 0.0
        self._used = self._dropped = self._dropped_first = self._dropped_last = 0
        self._extents: dict[int, Extent] = {}
        self._unsaved: set[int] = set()
        self._recent: deque[tuple[int, int, Sequence[bytes]]] = deque()
        self._recent_count = 0
        self._ages = Ages(self.limits.mark_seconds, [])

    # -- opening ---

    def _open(self, now: float, wall: int) -> None:
        """Open the file; one that is damaged is moved aside. Raises ``NoRoom`` when the disk does not let us."""
        opening = self.path.with_name(self.path.name + ".opening")
        try:
            doubt = doubtful(opening)
            for attempt in (1, 2):
                try:
                    if attempt == 1 and doubt and not sound(self.path):
                        raise lmdb.CorruptedError("the last opening did not end")
                    self._env, self._dbs = open_file(self.path, 4 * self.limits.bytes + (1 << 30))
                    self._load()
                    break
                except DAMAGED:
                    self._close_env()
                    if attempt == 2:
                        raise
                    aside = self.path.with_name(f"{self.path.name}{BAD}{wall // 10**9}")
                    os.rename(self.path, aside)
                    self.moved_aside = str(aside)
                    clear_old(self.path)
            opening.unlink()
        except (lmdb.Error, OSError) as error:
            self._close_env()
            raise NoRoom(str(error)) from None
        self._opened = now - self._running

    def _load(self) -> None:
        self._clear()
        records, epochs, marks, meta = self._dbs
        with self._env.begin() as txn:
            state = txn.get(b"state", db=meta)
            if state is not None:
                (
                    self._running,
                    self.generation,
                    self._used,
                    self._dropped,
                    self._dropped_first,
                    self._dropped_last,
                ) = _STATE.unpack(state)
            for key, value in txn.cursor(db=epochs):
                epoch, base, last, acked, once = _EPOCH.unpack(value)
                order: int = _ORDER.unpack(key)[0]
                self._extents[epoch] = Extent(order, epoch, base, last, acked, once)
            self._ages.marks = [
                (_RUNNING.unpack(key)[0], _KEY.unpack(value)) for key, value in txn.cursor(db=marks)
            ]
            held = [extent for extent in self._extents.values() if extent.count]
            with txn.cursor(db=records) as cursor:
                ends = (cursor.key() if cursor.first() else b"", cursor.key() if cursor.last() else b"")
        expected = (
            (_KEY.pack(held[0].order, held[0].base), _KEY.pack(held[-1].order, held[-1].last))
            if held
            else (b"", b"")
        )
        if ends != expected:
            raise lmdb.CorruptedError("the messages are not those that the epochs tell of")

    def _close_env(self) -> None:
        if self._env is not None:
            self._env.close()
            self._env = None

    # -- messages ---

    def kept(self) -> list[Kept]:
        """The epochs that are remembered, oldest first."""
        return [Kept(e.epoch, e.base, e.last, min(e.acked, e.last)) for e in self._extents.values()]

    def append(self, epoch: int, first: int, packed: Sequence[bytes], now: float, wall: int) -> list[Evicted]:
        """Make messages durable as the next ones of the newest ``epoch``; returns what had to go for them.

        Raises ``NoRoom`` when that is not possible now; then nothing has changed.
        """
        if self._env is None:
            self._open(now, wall)
        need = sum(cost(len(one)) for one in packed)
        extents = list(self._extents.values())
        extent = self._extents.get(epoch)
        if extent is None:
            extent = Extent(extents[-1].order + 1 if extents else 1, epoch, first, first - 1)
        if first != extent.last + 1 or (extents and extent.order < extents[-1].order):
            raise ValueError(f"number {first} where {extent.last + 1} of the newest epoch should be")
        before = [replace(one) for one in extents], self._used, self._dropped_state(), self._running
        self._running = now - self._opened
        last = extent.last + len(packed)
        try:
            with self._env.begin(write=True) as txn:
                evicted = self._make_room(txn, extents, need, wall)
                keys = (_KEY.pack(extent.order, number) for number in range(first, last + 1))
                with txn.cursor(db=self._dbs[0]) as cursor:
                    cursor.putmulti(list(zip(keys, packed, strict=True)), append=True)
                self._used += need
                self._save(txn, [replace(extent, last=last)])
                failpoints.at("spool.commit")
        except (lmdb.Error, OSError) as error:
            self._restore(before)
            self._after_failure(error)
            raise NoRoom(str(error)) from None
        extent.last = last
        self._extents[epoch] = extent
        self._unsaved.clear()
        self._remember(epoch, first, packed)
        return evicted

    def _make_room(self, txn: Any, extents: list[Extent], need: int, wall: int) -> list[Evicted]:
        evicted = []
        for victim in victims(extents):
            excess = self._used + need - self.limits.bytes
            if excess <= 0:
                break
            # A little more than needed of what is acknowledged, so that not every append has to delete.
            wanted = excess + self.limits.bytes // 256 if victim.acked else excess
            evicted.append(self._delete(txn, victim, wanted, wall))
        return evicted

    def _delete(self, txn: Any, victim: Victims, wanted: int | None, wall: int) -> Evicted:
        """Delete from the front of an extent until ``wanted`` bytes are free (None: all of the victims)."""
        failpoints.at("trim")
        extent, freed, number = victim.extent, 0, victim.extent.base
        with txn.cursor(db=self._dbs[0]) as cursor:
            more = cursor.set_range(_KEY.pack(extent.order, number))
            while number <= victim.upto and (wanted is None or freed < wanted):
                if more and cursor.key() == _KEY.pack(extent.order, number):
                    freed += cost(len(cursor.value()))
                    more = cursor.delete()
                number += 1
        evicted = gone(extent, number - 1)
        self._used -= freed
        self._unsaved.add(extent.epoch)
        if evicted.dropped:
            self._dropped += evicted.dropped
            self._dropped_first = self._dropped_first or wall
            self._dropped_last = wall
        return evicted

    def read(self, epoch: int, first: int, last: int, most: int = 1_048_576) -> list[bytes]:
        """The messages from ``first`` on, up to ``last`` or until ``most`` bytes are reached, at least one.

        Empty when ``first`` is not there any more.
        """
        for recent, start, packed in reversed(self._recent):
            if recent == epoch and start <= first and last < start + len(packed):
                return list(packed[first - start : last - start + 1])
        extent = self._extents.get(epoch)
        if extent is None or not extent.base <= first <= extent.last:
            return []
        found: list[bytes] = []
        size, last = 0, min(last, extent.last)
        with self._env.begin() as txn, txn.cursor(db=self._dbs[0]) as cursor:
            number, more = first, cursor.set_key(_KEY.pack(extent.order, first))
            while number <= last and size < most:
                value = cursor.value() if more and cursor.key() == _KEY.pack(extent.order, number) else b""
                found.append(value if value and verify(value, 0, len(value)) else self._loss(epoch, number))
                size += len(found[-1])
                number, more = number + 1, cursor.next()
        return found

    def _loss(self, epoch: int, number: int) -> bytes:
        """What stands in for a message that the disk damaged."""
        loss = Loss(self._source, 0, number, number, f"damaged on disk in epoch {epoch:016x}")
        return pack(record(loss, source=self._source, at=0, epoch=epoch, number=number))

    def _remember(self, epoch: int, first: int, packed: Sequence[bytes]) -> None:
        self._recent.append((epoch, first, packed))
        self._recent_count += len(packed)
        while self._recent_count > _RECENT and len(self._recent) > 1:
            self._recent_count -= len(self._recent.popleft()[2])

    # -- receipts ---

    def acknowledged(self, epoch: int, watermark: int, generation: int) -> None:
        """The store has everything up to ``watermark``; lower than before after it was restored."""
        self.generation = generation
        extent = self._extents.get(epoch)
        if extent is not None:
            extent.acked = watermark
            extent.once = max(extent.once, watermark)
            self._unsaved.add(epoch)

    def trim(self, epoch: int, upto: int, now: float, wall: int) -> None:
        """Delete an epoch's messages up to ``upto``, which stand elsewhere now. Raises ``NoRoom``."""
        extent = self._extents.get(epoch)
        if extent is None or upto < extent.base:
            return
        self.acknowledged(epoch, max(extent.acked, upto), self.generation)
        self._evict([Victims(extent, min(upto, extent.last), True)], [], now, wall)

    def sweep(self, now: float, wall: int) -> list[Evicted]:
        """Drop what is too old, note ages and watermarks, give back disk space. Raises ``NoRoom``."""
        if self._env is None:
            self._open(now, wall)
        running, limits = now - self._opened, self.limits
        extents = list(self._extents.values())
        marked = bool(extents) and self._ages.note(running, (extents[-1].order, extents[-1].last))
        acked = self._ages.older_than(running - limits.acknowledged_seconds)
        everything = self._ages.older_than(running - limits.seconds)
        old = list(outdated(extents, acked, everything))
        empty = [extent for extent in extents[:-1] if not extent.count]
        forgotten = empty[: max(0, len(empty) - limits.floors)]
        evicted: list[Evicted] = []
        if marked or old or forgotten or self._unsaved:
            evicted = self._evict(old, forgotten, now, wall)
        self._compact()
        return evicted

    def _evict(self, old: list[Victims], forgotten: list[Extent], now: float, wall: int) -> list[Evicted]:
        if self._env is None:
            self._open(now, wall)
        extents = list(self._extents.values())
        before = [replace(one) for one in extents], self._used, self._dropped_state(), self._running
        self._running = now - self._opened
        try:
            with self._env.begin(write=True) as txn:
                evicted = [self._delete(txn, victim, None, wall) for victim in old]
                for extent in forgotten:
                    txn.delete(_ORDER.pack(extent.order), db=self._dbs[1])
                    self._unsaved.discard(extent.epoch)
                self._save_marks(txn)
                self._save(txn, [])
        except (lmdb.Error, OSError) as error:
            self._restore(before)
            self._after_failure(error)
            raise NoRoom(str(error)) from None
        for extent in forgotten:
            del self._extents[extent.epoch]
        self._unsaved.clear()
        return evicted

    def _save_marks(self, txn: Any) -> None:
        marks = self._dbs[2]
        for at in self._ages.forget(self._running - self.limits.seconds):
            txn.delete(_RUNNING.pack(at), db=marks)
        for at, place in self._ages.marks[-1:]:
            txn.put(_RUNNING.pack(at), _KEY.pack(*place), db=marks)

    def _save(self, txn: Any, changed: list[Extent]) -> None:
        _, epochs, _, meta = self._dbs
        rows = {epoch: self._extents[epoch] for epoch in self._unsaved} | {e.epoch: e for e in changed}
        for e in rows.values():
            txn.put(_ORDER.pack(e.order), _EPOCH.pack(e.epoch, e.base, e.last, e.acked, e.once), db=epochs)
        state = _STATE.pack(self._running, self.generation, self._used, *self._dropped_state())
        txn.put(b"state", state, db=meta)

    def _dropped_state(self) -> tuple[int, int, int]:
        return self._dropped, self._dropped_first, self._dropped_last

    def _restore(self, before: tuple[list[Extent], int, tuple[int, int, int], float]) -> None:
        extents, self._used, dropped, self._running = before
        self._dropped, self._dropped_first, self._dropped_last = dropped
        self._extents = {extent.epoch: extent for extent in extents}
        self._unsaved.update(self._extents)

    def _after_failure(self, error: Exception) -> None:
        """A full disk leaves LMDB usable; after anything else the file is opened anew before the next use."""
        if not isinstance(error, lmdb.DiskError | lmdb.MapFullError | OSError):
            self._close_env()

    # -- the file ---

    def _compact(self) -> None:
        """Write the file anew when it is large and nearly empty; a failure leaves it as it is."""
        size = self.file_bytes()
        if size < self.limits.compact_bytes or self._used * 4 > size:
            return
        fresh = self.path.with_name(self.path.name + ".new")
        try:
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(mode=0o700)
            self._env.copy(str(fresh), compact=True)
            copied = os.open(fresh / "data.mdb", os.O_RDONLY)
            os.fsync(copied)
            os.close(copied)
            self._close_env()
            os.rename(fresh / "data.mdb", self.path / "data.mdb")
            self._env, self._dbs = open_file(self.path, 4 * self.limits.bytes + (1 << 30))
        except (lmdb.Error, OSError):
            self._close_env()
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def file_bytes(self) -> int:
        """The size of the file on disk."""
        try:
            return (self.path / "data.mdb").stat().st_blocks * 512
        except OSError:
            return 0

    def status(self) -> SpoolStatus:
        """What the spool holds and lost."""
        return SpoolStatus(
            bytes=self._used,
            limit=self.limits.bytes,
            file_bytes=self.file_bytes(),
            messages=sum(extent.count for extent in self._extents.values()),
            epochs=len(self._extents),
            dropped=self._dropped,
            dropped_first=self._dropped_first,
            dropped_last=self._dropped_last,
            moved_aside=self.moved_aside,
        )

    def close(self, now: float, wall: int) -> None:
        """Write what is not yet written, and let go of the file."""
        try:
            if self._env is not None and self._unsaved:
                self._evict([], [], now, wall)
        except NoRoom:
            pass  # only watermarks are lost: their messages are offered again and found to be there
        finally:
            self._close_env()
            os.close(self._lock)
