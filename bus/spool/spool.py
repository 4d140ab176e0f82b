"""What a spool keeps and what has to go."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from bus.delivery.outflow import Kept
from bus.delivery.retention import Ages, Evicted, Extent, NoRoom, Victims, gone, outdated, victims
from bus.spool.doubt import AtIt, Look, doubtful, locked, move_aside
from bus.spool.entry import MOST
from bus.spool.file import Damaged, SpoolFile, Totals, Writing, cost, is_sound
from bus.spool.journal import Journal
from bus.spool.limits import SpoolLimits, SpoolStatus, faults
from bus.spool.recent import Recent
from bus.spool.replay import Noted, carry_over, left, replayed, stand_in, went

READ_BYTES = 1_048_576
DAMAGES = 2
"""A file that can be opened, and turns out damaged so often when it is written to, is moved aside."""
NOTED_BYTES = 32_768
"""What takes less of the file goes into the journal first."""


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
        self.journal_fault = ""
        """What was wrong with the journal that was found here, as a sentence goes on: "was damaged and is now ..."."""
        self._source = source
        self._file: SpoolFile | None = None
        self._extents: dict[int, Extent] = {}
        self._unsaved: set[int] = set()
        """Epochs of which the file does not know all, and..."""
        self._unsaid: set[int] = set()
        """...those of which the journal does not know the watermark either."""
        self._journal = Journal(path / "journal", self.limits.journal_bytes)
        self._pending: list[Noted] = []
        """What stands in the journal and not in the file, all of the newest epoch."""
        self._unsettled = False
        """Whether the journal of an earlier opening is still to be taken in."""
        self._wrong = ""
        self._orphan = b""
        """What the journal of a file held that was moved aside, until it is in the new one."""
        self._recent, self._totals = Recent(), Totals()
        self._ages = Ages(self.limits.mark_seconds, [])
        self._began = now
        self._damages, self._uncertain = 0, False
        self._gone: list[Evicted] = []
        """What went while the file was opened anew, to be told."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock, self._died = locked(self._beside("lock"))
        self._at_it, self._look = AtIt(self._lock), Look()
        with suppress(NoRoom):
            self._settled(now, wall)

    def _beside(self, what: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{what}")

    def _open(self, now: float, wall: int) -> SpoolFile:
        """The file, opened if it is not; one that is damaged is moved aside. Raises ``NoRoom``."""
        if self._file is not None and not self._file.closed:
            return self._file
        marker, before = self._beside("opening"), self._extents
        try:
            doubt = doubtful(marker) or self._died
            whole = not (doubt and self.path.exists()) or self._look.sound(self.path)
            self._died = False
            try:
                if not whole or self._damages >= DAMAGES or (self.path.exists() and not self.path.is_dir()):
                    raise Damaged("its last opening did not end, it is damaged, or it is no spool")
                file = self._load(now)
            except Damaged:
                file = self._anew(now, wall)
            finally:
                # This opening ended, well or not: a full disk is no reason to doubt the file.
                marker.unlink(missing_ok=True)
        except (OSError, Damaged) as error:
            raise NoRoom(str(error)) from None
        # Moved aside, or by a commit that seemed to fail and was done all the same.
        self._gone += went(before, self._extents)
        carry_over(before, self._extents)
        self._unsaved.update(before)
        self._file = file
        return file

    def _anew(self, now: float, wall: int) -> SpoolFile:
        """Move a damaged file aside and begin a new one, with what the journal holds."""
        before = self._extents
        with suppress(OSError):
            self._orphan = self._journal.read()[0] or self._orphan
        self._journal.close()
        self.moved_aside, self._damages = str(move_aside(self.path, wall)), 0
        file = self._load(now)
        self._totals.count_dropped(sum(one.dropped for one in went(before, self._extents)), wall)
        return file

    def _load(self, now: float) -> SpoolFile:
        file = SpoolFile(self.path, 4 * self.limits.bytes + (1 << 30), is_whole=self._look.sound)
        try:
            known, marks, totals = file.load()
            content, wrong = self._journal.read()
        except (OSError, NoRoom, Damaged):
            file.close()
            raise
        extents = {extent.epoch: extent for extent in known}
        if self._orphan and not known:
            content, wrong = self._orphan, ""
            extents, totals = left(content, self._source)
        taken = replayed(content, wrong, extents, totals, cost)
        self._extents, self._totals = extents, totals
        self._pending, self._wrong = taken
        self._unsettled = bool(self._pending or self._wrong)
        self._journal.stop()
        # The journal may tell of the watermark of any of them.
        self._unsaved = set(extents) if self._pending else set()
        self._unsaid.clear()
        self._ages = Ages(self.limits.mark_seconds, marks)
        self._began = now - totals.running
        return file

    def _settled(self, now: float, wall: int) -> SpoolFile:
        """The file with all that an earlier opening left in the journal taken in. Raises ``NoRoom``."""
        file = self._open(now, wall)
        if self._unsettled:
            self._change(file, now, lambda writing: [], journal=False)
            self._journal.close()
            fault = self._wrong
            try:
                if fault and self._journal.path.exists():
                    fault += f" and is now {move_aside(self._journal.path, wall)}"
            except OSError as error:
                raise NoRoom(str(error)) from None
            self.journal_fault, self._unsettled, self._orphan = fault or self.journal_fault, False, b""
        return file

    # -- messages ---

    @property
    def generation(self) -> int:
        """The generation of the store that was last heard of."""
        return self._totals.generation

    def kept(self) -> list[Kept]:
        """The epochs that are remembered, oldest first."""
        return [extent.kept() for extent in self._extents.values()]

    def append(self, epoch: int, first: int, packed: Sequence[bytes], now: float, wall: int) -> list[Evicted]:
        """Make messages durable as the next ones of the newest ``epoch``; returns what had to go for them.

        Raises ``NoRoom`` when that is not possible now; then nothing has changed.
        """
        newest = next(reversed(self._extents.values()), None)
        if newest is not None and newest.epoch == epoch and self._note(newest, first, packed, now):
            self._recent.add(epoch, first, packed)
            return []
        file = self._settled(now, wall)
        newest = next(reversed(self._extents.values()), None)
        extent = self._extents.get(epoch)
        if extent is None:
            extent = Extent(newest.order + 1 if newest else 1, epoch, first, first - 1)
        # A commit that seemed to fail may have reached the disk after all. Whoever kept its messages in memory may have
        # let go of them since, and of later ones: then what it left is void.
        known = extent.last - first + 1 if self._uncertain else 0
        if known > 0:
            packed, first = packed[known:], first + min(known, len(packed))
        need = sum(cost(len(one)) for one in packed)
        if (packed and first != extent.last + 1 and known >= 0) or (newest and extent.order < newest.order):
            raise ValueError(f"number {first} where {extent.last + 1} of the newest epoch should be")

        def work(writing: Writing) -> list[Evicted]:
            evicted = self._make_room(writing, need, wall)
            if known < 0:
                self._totals.used -= writing.drop(extent.order, extent.base, extent.last, None)[1]
                extent.base, extent.last = first, first - 1
                evicted.append(Evicted(epoch, first, 0))
            writing.append(extent.order, first, packed)
            extent.last += len(packed)
            self._extents[epoch] = extent
            self._unsaved.add(epoch)
            self._totals.used += need
            return evicted

        evicted = self._change(file, now, work)
        self._uncertain = False
        self._recent.add(epoch, first, packed)
        return self._with_gone(evicted)

    def _note(self, newest: Extent, first: int, packed: Sequence[bytes], now: float) -> bool:
        """Whether the messages are durable in the journal now; if not, nothing has changed."""
        totals, known = self._totals, self._extents
        need = sum([cost(len(one)) for one in packed])
        has_room = totals.used + need <= self.limits.bytes and len(self._unsaid) <= MOST
        if first != newest.last + 1 or not 0 < need < NOTED_BYTES or not has_room:
            return False
        marks = [(one.epoch, one.acked, one.once) for one in map(known.get, self._unsaid) if one is not None]
        if not self._journal.write(newest.epoch, first, packed, now - self._began, totals.generation, marks):
            # A write that failed may be on the disk after all, and be found there.
            self._uncertain = self._uncertain or self._journal.failed
            return False
        self._pending.append((first, packed))
        self._unsaid.clear()
        newest.last += len(packed)
        self._unsaved.add(newest.epoch)
        totals.used += need
        return True

    def _change(
        self, file: SpoolFile, now: float, work: Callable[[Writing], list[Evicted]], *, journal: bool = True
    ) -> list[Evicted]:
        """Take the journal in and do ``work``, in one transaction; failing, what is kept in memory is as before too.

        ``journal``: whether messages may go into one after this.
        """
        extents, totals = [one.copied() for one in self._extents.values()], self._totals.copied()

        def whole(writing: Writing) -> list[Evicted]:
            for first, packed in self._pending:
                writing.append(next(reversed(extents)).order, first, packed)
            evicted = work(writing)
            self._save(writing, now, journal=journal)
            return evicted

        try:
            with self._at_it:
                evicted = file.write(whole)
        except (NoRoom, Damaged) as error:
            self._damages += isinstance(error, Damaged)
            self._extents, self._totals = {one.epoch: one for one in extents}, totals
            self._unsaved.update(self._extents)
            if file.closed:
                # Perhaps it was done, and the journal's life is over.
                self._uncertain = True
                self._journal.stop()
            raise NoRoom(str(error)) from None
        self._unsaved.clear()
        self._unsaid.clear()
        self._pending = []
        if not self._totals.life:
            self._journal.void()
        elif self._totals.life != totals.life:
            self._journal.begin(self._totals.life)
        return evicted

    def _make_room(self, writing: Writing, need: int, wall: int) -> list[Evicted]:
        evicted, aim = [], self.limits.aim(self._totals.used)
        for victim in victims(list(self._extents.values())):
            excess = self._totals.used + need - aim
            if excess <= 0:
                break
            # A little more than needed of what is acknowledged, so that not every append has to delete.
            wanted = excess + self.limits.bytes // 256 if victim.acked else excess
            evicted.append(self._drop(writing, victim, wanted, wall))
        return evicted

    def _drop(self, writing: Writing, victim: Victims, wanted: int | None, wall: int) -> Evicted:
        extent, totals = victim.extent, self._totals
        last, freed, times = writing.drop(extent.order, extent.base, victim.upto, wanted, extent.acked)
        evicted = gone(extent, last, times)
        totals.used -= freed
        self._unsaved.add(extent.epoch)
        totals.count_dropped(evicted.dropped, wall)
        return evicted

    def _save(self, writing: Writing, now: float, *, journal: bool) -> None:
        totals = self._totals
        totals.running = now - self._began
        if self._pending:
            totals.written = totals.life or totals.written
        elif self._journal.failed:
            # It begins with an entry that was never promised, or still with the one of a life before.
            totals.written = self._journal.first_life() or totals.life or totals.written
        if not (journal and self._journal.ready()):
            totals.life = 0
        elif self._pending or not self._journal.begun:
            totals.life, totals.journal_bytes = int.from_bytes(os.urandom(8)) or 1, self.limits.journal_bytes
        writing.save([self._extents[epoch] for epoch in self._unsaved if epoch in self._extents], totals)

    def read(self, epoch: int, first: int, last: int) -> list[bytes]:
        """The messages from ``first`` on, up to ``last`` or about a megabyte, at least one.

        Empty when ``first`` is not there any more, or cannot be read now.
        """
        if (recent := self._recent.read(epoch, first, last)) is not None:
            return recent
        extent = self._extents.get(epoch)
        if extent is None or not extent.base <= first <= extent.last:
            return []
        found, size = list[bytes](), 0
        with suppress(NoRoom, Damaged), self._at_it:
            for number, value in enumerate(self._values(extent, first, min(last, extent.last)), first):
                found.append(value if is_sound(value) else stand_in(self._source, epoch, number))
                size += len(found[-1])
                if size >= READ_BYTES:
                    break
        return found

    def _values(self, extent: Extent, first: int, last: int) -> Iterator[bytes]:
        """Messages from the file, and those that are only in the journal from memory."""
        pending = self._pending if extent is next(reversed(self._extents.values())) else []
        upto = min(last, pending[0][0] - 1) if pending else last
        if first <= upto:
            if self._file is None or self._file.closed:
                return
            yield from self._file.read(extent.order, first, upto)
        for start, packed in pending:
            yield from packed[max(0, first - start) : max(0, last + 1 - start)]

    # -- receipts and age ---

    def acknowledged(self, epoch: int, watermark: int, generation: int) -> None:
        """The store has everything up to ``watermark``; lower than before after it was restored."""
        self._totals.generation = generation
        extent = self._extents.get(epoch)
        if extent is not None:
            extent.acked = watermark
            extent.once = max(extent.once, watermark)
            self._unsaved.add(epoch)
            self._unsaid.add(epoch)
        self._recent.acknowledged(epoch, watermark)

    def trim(self, epoch: int, upto: int, now: float, wall: int) -> None:
        """Delete an epoch's messages up to ``upto``, which stand elsewhere now. Raises ``NoRoom``."""
        file = self._settled(now, wall)
        extent = self._extents.get(epoch)
        if extent is None:
            return
        self.acknowledged(epoch, max(extent.acked, upto), self.generation)
        victim = Victims(extent, min(upto, extent.last), True)
        # A commit that seemed to fail may have let go of them; that they are acknowledged is written all the same.
        still = upto >= extent.base
        self._change(file, now, lambda writing: [self._drop(writing, victim, None, wall)] if still else [])

    def sweep(self, now: float, wall: int) -> list[Evicted]:
        """Drop what is too old, take the journal in, note ages, give back room and memory. Raises ``NoRoom``."""
        self._journal.retry()
        return self._swept(now, wall, journal=True)

    def _swept(self, now: float, wall: int, *, journal: bool) -> list[Evicted]:
        file = self._settled(now, wall)
        running, limits, extents = now - self._began, self.limits, list(self._extents.values())
        marked = bool(extents) and self._ages.note(running, (extents[-1].order, extents[-1].last))
        acked = self._ages.older_than(running - limits.acknowledged_seconds)
        everything = self._ages.older_than(running - limits.seconds)
        old = list(outdated(extents, acked, everything))
        empty = [extent for extent in extents[:-1] if not extent.count]
        forgotten = empty[: max(0, len(empty) - limits.floors)]

        def work(writing: Writing) -> list[Evicted]:
            evicted = [self._drop(writing, victim, limits.step_bytes, wall) for victim in old]
            for extent in forgotten:
                writing.forget(extent)
                del self._extents[extent.epoch]
            writing.mark(self._ages.marks[-1:], self._ages.forget(running - limits.seconds))
            return evicted

        evicted: list[Evicted] = []
        if marked or old or forgotten or self._unsaved or (self._totals.life and not journal):
            evicted = self._change(file, now, work, journal=journal)
        file.let_go()
        if file.size() >= limits.compact_bytes and 4 * self._totals.used < file.size():
            with suppress(NoRoom, Damaged), self._at_it:  # else it is used as it is
                file.compact()
        return self._with_gone(evicted)

    def _with_gone(self, evicted: list[Evicted]) -> list[Evicted]:
        gone_with_it, self._gone = self._gone, []
        return gone_with_it + evicted

    def faults(self) -> list[str]:
        """What was found wrong on opening it, as sentences that go on after "the spool"."""
        return faults(self.moved_aside, self.journal_fault)

    def status(self) -> SpoolStatus:
        """What the spool holds and lost."""
        messages = sum(extent.count for extent in self._extents.values())
        return SpoolStatus(self._totals.used, self.limits.bytes, self.limits.seconds, messages, self._totals.dropped)

    def close(self, now: float, wall: int) -> None:
        """Write what is not yet written, and let go of the file."""
        if self._file is not None:
            # Without this only watermarks are lost: their messages are offered again and found to be there.
            with suppress(NoRoom):
                self._swept(now, wall, journal=False)
            self._file.close()
        self._journal.close()
        self._look.close()
        os.close(self._lock)
