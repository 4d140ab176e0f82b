"""Whatever is done to a spool, and however it dies, it holds what a simple model of it holds."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bus import failpoints
from bus.delivery.retention import Evicted, NoRoom
from bus.spool import Spool, SpoolLimits, cost
from bus.spool.file import SpoolFile
from bus.wire import Record, pack
from tests.bus.spooling import dead

WALL = 1_700_000_000 * 10**9
LIMITS = SpoolLimits(
    bytes=40_000, seconds=4000.0, acknowledged_seconds=1000.0, mark_seconds=50.0, floors=3, journal_bytes=20_480
)
FAULTS = ("journal.write", "journal.written", "journal.make", "spool.commit", "spool.commit EIO", "landed")
"""Places that fail: ``EIO``, so that the file is opened anew; ``landed``, so that the commit was done nevertheless."""

LEAST_LIFE = 6
"""So many acts are done before it is closed or dies."""
WRITE = SpoolFile.write


class _Modelled:
    """One epoch: its messages by number, how far it is acknowledged, and how far that may be on the disk."""

    def __init__(self) -> None:
        self.messages: dict[int, bytes] = {}
        self.base, self.last = 1, 0
        self.acked = self.once = 0
        self.safe = {0}


class Spools(RuleBasedStateMachine):
    """A spool and its model; it is opened, lived in, closed and killed."""

    def __init__(self) -> None:
        super().__init__()
        # What is durable is not asked here: memory is faster.
        shm = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="guardia-", dir=shm if shm.is_dir() else None))
        self.now = 0.0
        self.epochs: dict[int, _Modelled] = {}
        self.tried: dict[int, dict[int, bytes]] = {}
        """What an append that failed may have left all the same."""
        self.failing: set[str] = set()
        self.acts = 0
        """So many more of them fail."""
        self.lived = 0
        """Acts since it was opened."""
        self.shaken = False
        """Whether something failed: then what was not on the disk yet, of watermarks, may be forgotten."""
        self.unsure = False
        """Whether something may have been done that nobody was told of."""
        self.patch = pytest.MonkeyPatch()

        def landed(file: SpoolFile, work):  # type: ignore[no-untyped-def]
            found = WRITE(file, work)
            if "landed" in self.failing:
                file.close()
                raise NoRoom("nobody knows whether it was done")
            return found

        self.patch.setattr(SpoolFile, "write", landed)
        self.patch.setattr(failpoints, "at", self._at)

    def _at(self, place: str) -> None:
        if place in self.failing:
            raise OSError(errno.ENOSPC, "no space left")
        if place + " EIO" in self.failing:
            raise OSError(errno.EIO, "input/output error")

    def teardown(self) -> None:
        self.patch.undo()
        if hasattr(self, "spool"):
            dead(self.spool)
        shutil.rmtree(self.folder)

    @initialize()
    def begin(self) -> None:
        self._open()
        self._new_epoch()

    def _open(self) -> None:
        self.lived = 0
        self.spool = Spool(self.folder / "spool", LIMITS, source="web-1", now=self.now, wall=WALL)

    def _new_epoch(self) -> None:
        self.epoch = 100 + len(self.epochs) + len(self.tried)
        while self.epoch in self.epochs or self.epoch in self.tried:
            self.epoch += 1

    # -- what may be done ---

    @rule(count=st.integers(1, 6), size=st.sampled_from([10, 300, 300, 1500, 6000]), retry=st.booleans())
    def append(self, count: int, size: int, retry: bool) -> None:
        modelled = self.epochs.get(self.epoch) or _Modelled()
        first = modelled.last + 1
        packed = {
            number: pack(Record("sample", "web-1", "web-1", WALL, self.epoch, number, b"%d" % size * (size // 4)))
            for number in range(first, first + count)
        }
        before = self.tried.get(self.epoch, {})
        for number in packed:
            # What may be there already is told again, as it was.
            packed[number] = before.get(number, packed[number])
        try:
            evicted = self.spool.append(self.epoch, first, list(packed.values()), self.now, WALL)
        except NoRoom:
            self._failed()
            self.tried.setdefault(self.epoch, {}).update(packed)
            if not retry:
                self._new_epoch()
            return
        self.epochs[self.epoch] = modelled
        modelled.messages |= packed
        modelled.last = first + count - 1
        self._let_go(evicted)
        self._saved()

    def _let_go(self, evicted: list[Evicted]) -> None:
        for one in evicted:
            if one.epoch not in self.epochs:
                # Its first append failed, and was done all the same.
                assert self.unsure
                self.epochs[one.epoch] = _Modelled()
                self.epochs[one.epoch].messages = dict(self.tried[one.epoch])
                self.epochs[one.epoch].last = max(self.tried[one.epoch])
            modelled = self.epochs[one.epoch]
            # One that is too old and acknowledged is told of for both reasons.
            assert modelled.base <= one.base <= modelled.last + 1 or self.unsure
            assert self.shaken or one.dropped == max(0, one.base - 1 - max(modelled.acked, modelled.base - 1))
            modelled.base = one.base

    def _saved(self) -> None:
        """What is acknowledged is on the disk; when the file was opened anew meanwhile, what was there before is."""
        for epoch, one in self.epochs.items():
            extent = self.spool._extents.get(epoch)
            if extent is not None:
                assert extent.acked in {one.acked} | one.safe
                assert extent.once == one.once or self.shaken
                one.acked, one.once, one.safe = extent.acked, extent.once, {extent.acked}

    def _failed(self) -> None:
        """Perhaps what is acknowledged is on the disk all the same."""
        self.shaken = True
        for one in self.epochs.values():
            one.safe.add(one.acked)

    @precondition(lambda self: self.epochs)
    @rule(back=st.integers(0, 8), which=st.integers(0, 2))
    def acknowledge(self, back: int, which: int) -> None:
        epoch = sorted(self.epochs)[-1 - min(which, len(self.epochs) - 1)]
        one = self.epochs[epoch]
        one.acked = max(0, one.last - back)
        one.once = max(one.once, one.acked)
        self.spool.acknowledged(epoch, one.acked, 7)

    @precondition(lambda self: self.epochs)
    @rule(part=st.floats(0, 1))
    def trim(self, part: float) -> None:
        epoch = min(self.epochs)
        one = self.epochs[epoch]
        upto = one.base + int(part * (one.last - one.base))
        if one.last < one.base:
            return
        acked = [max(known, upto) for known in (one.acked, *one.safe)]
        try:
            self.spool.trim(epoch, upto, self.now, WALL)
        except NoRoom:
            one.safe.update(acked)
            self._failed()
            self._acked(epoch, *acked, *one.safe)
            return
        one.base = upto + 1
        self._acked(epoch, *acked)
        self._saved()

    def _acked(self, epoch: int, *choice: int) -> None:
        """It is acknowledged up to the first of these, or to another when the file was opened anew since."""
        extent, one = self.spool._extents[epoch], self.epochs[epoch]
        assert extent.acked in (choice if self.shaken else choice[:1])
        assert self.shaken or extent.once == max(one.once, extent.acked)
        one.acked, one.once = extent.acked, extent.once

    @rule(seconds=st.sampled_from([1.0, 1.0, 1.0, 60.0, 60.0, 60.0, 600.0, 3000.0]))
    def sweep(self, seconds: float) -> None:
        self.now += seconds
        try:
            evicted = self.spool.sweep(self.now, WALL)
        except NoRoom:
            self._failed()
            return
        self._let_go(evicted)
        self._saved()
        self._forgotten()

    def _forgotten(self) -> None:
        there = {one.epoch for one in self.spool.kept()}
        for epoch in [epoch for epoch in self.epochs if epoch not in there]:
            assert self.epochs[epoch].last < self.epochs[epoch].base
            del self.epochs[epoch]

    @rule(epoch=st.integers(0, 3), first=st.floats(0, 1), count=st.integers(1, 30))
    def read(self, epoch: int, first: float, count: int) -> None:
        if self.spool._file is None or self.spool._file.closed or epoch >= len(self.epochs):
            return
        name = sorted(self.epochs)[epoch]
        one = self.epochs[name]
        if one.last < one.base:
            return
        number = one.base + int(first * (one.last - one.base))
        last = min(number + count - 1, one.last)
        found: list[bytes] = []
        while number + len(found) <= last:
            more = self.spool.read(name, number + len(found), last)
            assert more
            found += more
        assert found == [one.messages[n] for n in range(number, last + 1)]

    @rule(place=st.sampled_from(FAULTS), acts=st.sampled_from([1, 1, 1, 2, 3, 10]))
    def fail(self, place: str, acts: int) -> None:
        """The next acts fail; for ever it would be a spool that holds nothing."""
        self.failing.add(place)
        self.unsure |= place == "landed"
        self.acts = max(self.acts, acts + 1)

    @invariant()
    def it_lives_and_does_not_fail_for_ever(self) -> None:
        self.lived += 1
        self.acts = max(0, self.acts - 1)
        if not self.acts:
            self.failing = set()

    @precondition(lambda self: self.failing)
    @rule()
    def mend(self) -> None:
        self.failing = set()

    # -- how it ends ---

    @precondition(lambda self: self.lived >= LEAST_LIFE)
    @rule()
    def close(self) -> None:
        if self.failing:
            self._failed()
        self.spool.close(self.now, WALL)
        for epoch, one in self.epochs.items():
            extent = self.spool._extents.get(epoch)
            # Who closes it does not ask what went because it was too old.
            if extent is not None and extent.base > one.base:
                assert self.unsure or self.now >= LIMITS.acknowledged_seconds
                one.base = extent.base
        if not self.failing:
            self._saved()
        self._again(closed=not self.failing)

    @precondition(lambda self: self.lived >= LEAST_LIFE)
    @rule()
    def die(self) -> None:
        dead(self.spool)
        self._again()

    @precondition(lambda self: self.lived >= LEAST_LIFE)
    @rule(part=st.floats(0.01, 0.99), seed=st.randoms())
    def die_while_writing(self, part: float, seed) -> None:  # type: ignore[no-untyped-def]
        """An entry that was never promised is torn: some of its sectors are on the disk."""
        at, journal = self.spool._journal._at, self.spool._journal.path
        dead(self.spool)
        if at is not None and journal.exists():
            with journal.open("r+b") as file:
                for sector in range(at, min(at + 4096, LIMITS.journal_bytes), 512):
                    if seed.random() < part:
                        file.seek(sector)
                        file.write(seed.randbytes(512))
        self._again()

    def _again(self, *, closed: bool = False) -> None:
        self._open()
        if closed:
            assert not self.spool._pending
        self._adopt()
        self._new_epoch()

    def _adopt(self) -> None:
        """What an append that failed left after all counts from now on, and so does what went for it."""
        there = {one.epoch: one for one in self.spool._extents.values()}
        for epoch, packed in self.tried.items():
            known = self.epochs.get(epoch)
            if epoch in there and there[epoch].last > (known.last if known else 0):
                known = self.epochs.setdefault(epoch, known or _Modelled())
                known.messages |= {number: one for number, one in packed.items() if number > known.last}
                known.last = there[epoch].last
        for epoch, one in self.epochs.items():
            if epoch not in there:
                continue
            assert there[epoch].acked in {one.acked} | one.safe
            one.acked, one.once = there[epoch].acked, there[epoch].once
            if self.unsure:
                assert there[epoch].base >= one.base
                one.base = there[epoch].base
        self._forgotten()

    # -- what always holds ---

    @invariant()
    def it_holds_what_the_model_holds(self) -> None:
        if not hasattr(self, "spool") or self.spool._file is None:
            return
        assert not self.spool.moved_aside
        assert not self.spool.journal_fault
        if self.shaken:
            self._adopt()
        extents = self.spool._extents
        for epoch, one in self.epochs.items():
            assert (extents[epoch].base, extents[epoch].last) == (one.base, one.last)
            assert (extents[epoch].acked, extents[epoch].once) == (one.acked, one.once)
        assert set(extents) == set(self.epochs)
        held = [one.messages[n] for one in self.epochs.values() for n in range(one.base, one.last + 1)]
        assert self.spool.status().bytes == sum(cost(len(packed)) for packed in held)
        assert self.spool.status().messages == len(held)
        assert self.spool.generation in (0, 7)
        if len(held) > 6:
            assert self.spool.status().bytes <= LIMITS.bytes + 6 * cost(7000)


LONG = "GUARDIA_LONG" in os.environ
Spools.TestCase.settings = settings(
    max_examples=400 if LONG else 120, stateful_step_count=50, deadline=None, derandomize=not LONG
)
TestSpools = Spools.TestCase
