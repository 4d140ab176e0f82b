"""What a spool keeps and what has to go."""

from __future__ import annotations

import fcntl
import os
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bus.delivery.outflow import Kept
from bus.delivery.retention import Ages, Evicted, Extent, NoRoom, Victims, gone, outdated, victims
from bus.messages import Loss
from bus.spool.doubt import doubtful, move_aside, sound
from bus.spool.file import Damaged, SpoolFile, Totals, Writing, cost
from bus.wire import pack, record, verify

RECENT, RECENT_BYTES = 4096, 524_288
"""So many messages and bytes just appended are kept in memory until they are acknowledged: most are sent at once."""
READ_BYTES = 1_048_576
AT_IT = b"1"
"""The first byte of the lock's file while somebody reads or writes the spool's."""


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """How much a spool keeps, and for how long."""

    bytes: int = 512 * 1_048_576
    seconds: float = 7 * 86_400.0
    """Messages are dropped after so long, acknowledged or not."""
    acknowledged_seconds: float = 86_400.0
    """Acknowledged messages are kept for so long while there is room."""
    mark_seconds: float = 300.0
    """How exactly ages are known."""
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
    moved_aside: str


class _AtIt:
    """Who dies in here may have died of the file: it is looked into at the next start."""

    def __init__(self, lock: int) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        # A full disk must not keep anybody from writing less.
        with suppress(OSError):
            os.pwrite(self._lock, AT_IT, 0)

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            os.pwrite(self._lock, b"0", 0)


class Spool:
    """The spool of one producer; at most one process may have it open."""

    def __init__(self, path: Path, limits: SpoolLimits | None = None, *, source: str, now: float, wall: int) -> None:
        """``now``: monotonic, seconds; ``wall``: ns since 1970. Raises ``BlockingIOError`` when it is in use.

        A disk that cannot be written now is no error here: ``append`` tries again.
        """
        self.limits = limits or SpoolLimits()
        self.path = path
        self.moved_aside = ""
        """Where a damaged file is now that was found here."""
        self._source = source
        self._file: SpoolFile | None = None
        self._extents: dict[int, Extent] = {}
        self._unsaved: set[int] = set()
        self._recent: deque[tuple[int, int, Sequence[bytes]]] = deque()
        self._recent_count = self._recent_bytes = 0
        self._ages = Ages(self.limits.mark_seconds, [])
        self._totals = Totals()
        self._began = now
        self._uncertain = False
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(self._beside("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise
        self._at_it = _AtIt(self._lock)
        self._died = os.pread(self._lock, 1, 0) == AT_IT
        with suppress(NoRoom):
            self._open(now, wall)

    def _beside(self, what: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{what}")

    def _open(self, now: float, wall: int) -> SpoolFile:
        """The file, opened if it is not; one that is damaged is moved aside. Raises ``NoRoom``."""
        if self._file is not None and not self._file.closed:
            return self._file
        marker = self._beside("opening")
        try:
            doubt = doubtful(marker) or self._died
            whole = not (doubt and self.path.exists()) or sound(self.path)
            self._died = False
            try:
                if not whole or (self.path.exists() and not self.path.is_dir()):
                    raise Damaged("its last opening did not end, or it is no spool")
                file = self._load(now)
            except Damaged:
                self.moved_aside = str(move_aside(self.path, wall))
                file = self._load(now)
            finally:
                # This opening ended, well or not: a full disk is no reason to doubt the file.
                marker.unlink(missing_ok=True)
        except (OSError, Damaged) as error:
            raise NoRoom(str(error)) from None
        self._file = file
        return file

    def _load(self, now: float) -> SpoolFile:
        file = SpoolFile(self.path, 4 * self.limits.bytes + (1 << 30), is_whole=sound)
        extents, marks, self._totals = file.load()
        self._extents = {extent.epoch: extent for extent in extents}
        self._unsaved.clear()
        self._ages = Ages(self.limits.mark_seconds, marks)
        self._began = now - self._totals.running
        return file

    # -- messages ---

    @property
    def generation(self) -> int:
        """The generation of the store that was last heard of."""
        return self._totals.generation

    def kept(self) -> list[Kept]:
        """The epochs that are remembered, oldest first."""
        return [Kept(e.epoch, e.base, e.last, min(e.acked, e.last)) for e in self._extents.values()]

    def append(self, epoch: int, first: int, packed: Sequence[bytes], now: float, wall: int) -> list[Evicted]:
        """Make messages durable as the next ones of the newest ``epoch``; returns what had to go for them.

        Raises ``NoRoom`` when that is not possible now; then nothing has changed.
        """
        file = self._open(now, wall)
        extents = list(self._extents.values())
        extent = self._extents.get(epoch)
        if extent is None:
            extent = Extent(extents[-1].order + 1 if extents else 1, epoch, first, first - 1)
        known = extent.last - first + 1
        if self._uncertain and known > 0:
            # A commit that seemed to fail had reached the disk after all.
            packed, first = packed[known:], first + max(0, min(known, len(packed)))
        need = sum(cost(len(one)) for one in packed)
        if (packed and first != extent.last + 1) or (extents and extent.order < extents[-1].order):
            raise ValueError(f"number {first} where {extent.last + 1} of the newest epoch should be")
        last = extent.last + len(packed)

        def work(writing: Writing) -> list[Evicted]:
            evicted = self._make_room(writing, extents, need, wall)
            writing.append(extent.order, first, packed)
            self._totals.used += need
            self._save(writing, now, extent.copied(last))
            return evicted

        evicted = self._change(file, work)
        # After a change that failed the extents are others; this one did not fail.
        extent.last = last
        self._extents[epoch] = extent
        self._uncertain = False
        self._remember(epoch, first, packed)
        return evicted

    def _change(self, file: SpoolFile, work: Callable[[Writing], list[Evicted]]) -> list[Evicted]:
        """Do ``work`` in one transaction; when that fails, what is kept in memory is as before too."""
        extents, totals = [one.copied() for one in self._extents.values()], self._totals.copied()
        try:
            with self._at_it:
                evicted = file.write(work)
        except (NoRoom, Damaged) as error:
            self._extents, self._totals = {one.epoch: one for one in extents}, totals
            self._unsaved.update(self._extents)
            self._uncertain |= file.closed
            raise NoRoom(str(error)) from None
        self._unsaved.clear()
        return evicted

    def _make_room(self, writing: Writing, extents: list[Extent], need: int, wall: int) -> list[Evicted]:
        evicted = []
        for victim in victims(extents):
            excess = self._totals.used + need - self.limits.bytes
            if excess <= 0:
                break
            # A little more than needed of what is acknowledged, so that not every append has to delete.
            wanted = excess + self.limits.bytes // 256 if victim.acked else excess
            evicted.append(self._drop(writing, victim, wanted, wall))
        return evicted

    def _drop(self, writing: Writing, victim: Victims, wanted: int | None, wall: int) -> Evicted:
        extent, totals = victim.extent, self._totals
        last, freed = writing.drop(extent.order, extent.base, victim.upto, wanted)
        evicted = gone(extent, last)
        totals.used -= freed
        self._unsaved.add(extent.epoch)
        if evicted.dropped:
            totals.dropped += evicted.dropped
            totals.dropped_first = totals.dropped_first or wall
            totals.dropped_last = wall
        return evicted

    def _save(self, writing: Writing, now: float, *changed: Extent) -> None:
        self._totals.running = now - self._began
        rows = {epoch: self._extents[epoch] for epoch in self._unsaved if epoch in self._extents}
        rows |= {extent.epoch: extent for extent in changed}
        writing.save(list(rows.values()), self._totals)

    def _remember(self, epoch: int, first: int, packed: Sequence[bytes]) -> None:
        self._recent.append((epoch, first, packed))
        self._recent_count += len(packed)
        self._recent_bytes += sum(map(len, packed))
        while (self._recent_count > RECENT or self._recent_bytes > RECENT_BYTES) and len(self._recent) > 1:
            self._forget_recent()

    def _forget_recent(self) -> None:
        packed = self._recent.popleft()[2]
        self._recent_count -= len(packed)
        self._recent_bytes -= sum(map(len, packed))

    def read(self, epoch: int, first: int, last: int) -> list[bytes]:
        """The messages from ``first`` on, up to ``last`` or about a megabyte, at least one.

        Empty when ``first`` is not there any more, or cannot be read now.
        """
        for recent, start, packed in reversed(self._recent):
            if recent == epoch and start <= first and last < start + len(packed):
                return list(packed[first - start : last - start + 1])
        extent = self._extents.get(epoch)
        if extent is None or not extent.base <= first <= extent.last:
            return []
        if self._file is None or self._file.closed:
            return []
        found: list[bytes] = []
        size = 0
        with suppress(NoRoom, Damaged), self._at_it:
            for number, value in enumerate(self._file.read(extent.order, first, min(last, extent.last)), first):
                sound_value = value and verify(value, 0, len(value))
                found.append(value if sound_value else self._loss(epoch, number))
                size += len(found[-1])
                if size >= READ_BYTES:
                    break
        return found

    def _loss(self, epoch: int, number: int) -> bytes:
        """What stands in for a message that the disk damaged."""
        loss = Loss(self._source, 0, number, number, f"damaged on disk in epoch {epoch:016x}")
        return pack(record(loss, source=self._source, at=0, epoch=epoch, number=number))

    # -- receipts and age ---

    def acknowledged(self, epoch: int, watermark: int, generation: int) -> None:
        """The store has everything up to ``watermark``; lower than before after it was restored."""
        self._totals.generation = generation
        extent = self._extents.get(epoch)
        if extent is not None:
            extent.acked = watermark
            extent.once = max(extent.once, watermark)
            self._unsaved.add(epoch)
        recent = self._recent
        while recent and recent[0][0] == epoch and recent[0][1] + len(recent[0][2]) <= watermark + 1:
            self._forget_recent()

    def trim(self, epoch: int, upto: int, now: float, wall: int) -> None:
        """Delete an epoch's messages up to ``upto``, which stand elsewhere now. Raises ``NoRoom``."""
        file = self._open(now, wall)
        extent = self._extents.get(epoch)
        if extent is None or upto < extent.base:
            return
        self.acknowledged(epoch, max(extent.acked, upto), self.generation)
        victim = Victims(extent, min(upto, extent.last), True)

        def work(writing: Writing) -> list[Evicted]:
            evicted = [self._drop(writing, victim, None, wall)]
            self._save(writing, now)
            return evicted

        self._change(file, work)

    def sweep(self, now: float, wall: int) -> list[Evicted]:
        """Drop what is too old, note ages and watermarks, give back disk space. Raises ``NoRoom``."""
        file = self._open(now, wall)
        running, limits = now - self._began, self.limits
        extents = list(self._extents.values())
        marked = bool(extents) and self._ages.note(running, (extents[-1].order, extents[-1].last))
        acked = self._ages.older_than(running - limits.acknowledged_seconds)
        everything = self._ages.older_than(running - limits.seconds)
        old = list(outdated(extents, acked, everything))
        empty = [extent for extent in extents[:-1] if not extent.count]
        forgotten = empty[: max(0, len(empty) - limits.floors)]

        def work(writing: Writing) -> list[Evicted]:
            evicted = [self._drop(writing, victim, None, wall) for victim in old]
            for extent in forgotten:
                writing.forget(extent)
                del self._extents[extent.epoch]
            writing.mark(self._ages.marks[-1:], self._ages.forget(running - limits.seconds))
            self._save(writing, now)
            return evicted

        evicted = self._change(file, work) if marked or old or forgotten or self._unsaved else []
        if file.size() >= limits.compact_bytes and 4 * self._totals.used < file.size():
            with self._at_it:
                file.compact()
        return evicted

    def status(self) -> SpoolStatus:
        """What the spool holds and lost."""
        totals = self._totals
        return SpoolStatus(
            bytes=totals.used,
            limit=self.limits.bytes,
            file_bytes=self._file.size() if self._file is not None else 0,
            messages=sum(extent.count for extent in self._extents.values()),
            epochs=len(self._extents),
            dropped=totals.dropped,
            dropped_first=totals.dropped_first,
            dropped_last=totals.dropped_last,
            moved_aside=self.moved_aside,
        )

    def close(self, now: float, wall: int) -> None:
        """Write what is not yet written, and let go of the file."""
        if self._file is not None and not self._file.closed:
            # Without this only watermarks are lost: their messages are offered again and found to be there.
            with suppress(NoRoom):
                self.sweep(now, wall)
            self._file.close()
        os.close(self._lock)
