"""A producer's engine between its messages and its sockets: spools, then does what ``Sender`` decides.

It touches no socket and no clock; the spool, the roads and the times are handed in:

    courier = Courier(source, spool, sender, push=..., greet=..., connect=..., boot=..., started=...)
    courier.start(now, wall)                        connects
    courier.tell(kind, subject, at, body)           a message; cheap, nothing is written yet
    courier.flush(now, wall)                        spools all of them with one fsync and sends what may go
    courier.receipt(receipt, now, wall)             one came on the receipts' road
    courier.event(Event.CONNECTED, now, wall)       the receipts' road is up, or DISCONNECTED
    courier.refused(now, wall)                      the hub refused the key
    courier.tick(now, wall)                         time passed; call it again after ``due(now)`` seconds
    courier.close(now, wall)                        flushes and closes the spool

``push(frame)`` gives one frame to the door and says whether it was taken; ``greet(frame)`` sends one on the
receipts' road; ``connect()`` connects both, anew if they were. How long ``flush`` is put off after ``tell`` is
the group commit delay: none for a message a second, some milliseconds for thousands.

While the spool cannot be written, messages live in memory, the newest 1,000 of them, under an epoch of their
own, so that what is dropped there leaves no hole in the middle of an epoch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from bus.control import MAX_HELLO, Hello, Receipt, Reject, SpoolReport, pack_hello
from bus.delivery.actions import Action, Connect, Greet, Move, Send, Settled
from bus.delivery.retention import Evicted, NoRoom, seconds_left
from bus.delivery.ring import Ring
from bus.delivery.sender import Sender
from bus.delivery.states import Event, Flag
from bus.keeping import Keeping
from bus.wire import HEADER, RESEND, RESEND_AT, Malformed, Record, pack, read

FRAME_BYTES = 61_440
"""A frame of several records is closed at this size, well under what the door takes."""
SWEEP_SECONDS = 60.0
MEMORY_RETRY_SECONDS = 5.0
MEMORY_MESSAGES = 1000
CLOCK_STEP_NS = 2 * 10**9


class Letter(NamedTuple):
    """A message that has no number yet."""

    kind: str
    subject: str
    at: int
    body: bytes


class Courier:
    """Spools what a producer tells and brings it to the store; the module says how to use it."""

    def __init__(
        self,
        source: str,
        spool: Keeping,
        sender: Sender,
        *,
        push: Callable[[bytes], bool],
        greet: Callable[[bytes], object],
        connect: Callable[[], object],
        boot: str,
        started: int,
    ) -> None:
        self.source = source
        self.spool = spool
        self.sender = sender
        self.skew_ns: int | None = None
        """The hub's clock minus ours, as the last receipt tells; includes its way here."""
        self.rejects: list[Reject] = []
        """What the store will never take, newest last; at most 100."""
        self.rejected = self.blocked = self.sent = 0
        self.trouble = ""
        """Why messages went into memory the last time."""
        self._push, self._greet, self._connect = push, greet, connect
        self._boot, self._started = boot, started
        self._pending: list[Letter] = []
        self._ring: Ring | None = None
        self._dropped = 0
        """What memory let go of before, and what could not be read when it was to be moved."""
        self._went: tuple[int, int] | None = None
        """From when to when what was dropped lately was measured, ns."""
        self._retry_at = self._sweep_at = 0.0
        self._unmoved: list[tuple[int, int, int]] = []
        """(epoch, first, last) of what gets new numbers as soon as the disk has room for copies."""
        self._clock: int | None = None
        self._told, self._began = 0, 0.0

    # -- messages ---

    @property
    def pending(self) -> int:
        """Messages that wait for ``flush``."""
        return len(self._pending)

    @property
    def dropped(self) -> int:
        """Unacknowledged messages that were dropped, from the disk or from memory."""
        return self.spool.status().dropped + self._dropped + (self._ring.dropped if self._ring else 0)

    def seconds_left(self, now: float) -> float | None:
        """How long the store may be away until the oldest message has to go; None while that cannot be told."""
        status = self.spool.status()
        return seconds_left(
            most=status.limit,
            longest=status.seconds,
            size=status.bytes / status.messages if status.messages else 0.0,
            waiting=self.sender.unacknowledged,
            told=self._told,
            elapsed=now - self._began,
        )

    def tell(self, kind: str, subject: str, at: int, body: bytes) -> None:
        """Say something at the next ``flush``."""
        self._pending.append(Letter(kind, subject, at, body))

    def flush(self, now: float, wall: int) -> None:
        """Make what was told durable, with one commit, and send what may go."""
        self._watch_clock(now, wall)
        letters, self._pending = self._pending, []
        if letters:
            self._told += len(letters)
            self._store(letters, now, wall)

    def _watch_clock(self, now: float, wall: int) -> None:
        clock = wall - int(now * 1e9)
        stepped = self._clock is not None and abs(clock - self._clock) > CLOCK_STEP_NS
        self._clock = clock
        if stepped:
            self._do(self.sender.clock_stepped(now), now, wall)

    def _store(self, letters: Sequence[Letter], now: float, wall: int) -> None:
        if not self._spooled(letters, now, wall) and self._ring is not None:
            epoch, first, packed = self._number(letters)
            self._let_go(self._ring.append(epoch, first, packed), now)
            self._do(self.sender.spooled(sum(map(len, packed)), now), now, wall)

    def _spooled(self, letters: Sequence[Letter], now: float, wall: int) -> bool:
        """Whether they are on the disk; where they are not, what is told is kept in memory from now on."""
        if self._ring is not None:
            return False
        epoch, first, packed = self._number(letters)
        try:
            evicted = self.spool.append(epoch, first, packed, now, wall)
        except NoRoom as error:
            # Perhaps they are on the disk all the same: told under two numbers they are one row of the store.
            self.sender.begin_epoch()
            self.sender.flags.add(Flag.MEMORY)
            self._ring, self._retry_at, self.trouble = Ring(MEMORY_MESSAGES), now + MEMORY_RETRY_SECONDS, str(error)
            return False
        self._let_go(evicted, now)
        self._do(self.sender.spooled(sum(map(len, packed)), now), now, wall)
        return True

    def _number(self, letters: Sequence[Letter]) -> tuple[int, int, list[bytes]]:
        epoch, first = self.sender.claim(len(letters))
        source = self.source
        return (
            epoch,
            first,
            [
                pack(Record(kind, source, subject, at, epoch, number, body))
                for number, (kind, subject, at, body) in enumerate(letters, first)
            ],
        )

    def _let_go(self, evicted: Sequence[Evicted], now: float) -> None:
        for one in evicted:
            self.sender.evicted(one.epoch, one.base, one.dropped, now)
            if one.until:
                began, ended = self._went or (one.since, one.until)
                self._went = min(began, one.since), max(ended, one.until)

    def went(self) -> str:
        """From when to when what was dropped since the last call was measured, as a sentence goes on; else ""."""
        times, self._went = self._went, None
        if times is None:
            return ""
        began, ended = (time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(at // 10**9)) for at in times)
        return f"; what was measured from {began} to {ended} is lost"

    # -- what happens ---

    def start(self, now: float, wall: int) -> None:
        """Begin."""
        self._began = now
        self._sweep_at = now + SWEEP_SECONDS
        self._do(self.sender.on_event(Event.START, now), now, wall)

    def event(self, event: Event, now: float, wall: int) -> None:
        """The receipts' road is CONNECTED or DISCONNECTED."""
        self._do(self.sender.on_event(event, now), now, wall)

    def refused(self, now: float, wall: int) -> None:
        """The hub refused this producer's key."""
        self._do(self.sender.refused(now), now, wall)

    def receipt(self, receipt: Receipt, now: float, wall: int, *, late: bool = False) -> None:
        """The store, as is to be hoped, said something. ``late``: that was some time ago, nobody knows when."""
        if receipt.source != self.source:
            return
        if late:
            self.sender.pump.untimed()
        else:
            self.skew_ns = receipt.hub_time - wall
        self.rejected += len(receipt.rejects)
        self.rejects = [*self.rejects, *receipt.rejects][-100:]
        self._do(self.sender.on_receipt(receipt, now), now, wall)

    def due(self, now: float) -> float:
        """Seconds until ``tick`` has something to do."""
        # What is in memory is tried first: there is no sweep before it is on the disk.
        upkeep = self._sweep_at if self._ring is None else self._retry_at
        return min(self.sender.due(now), max(0.0, upkeep - now))

    def tick(self, now: float, wall: int) -> None:
        """Time passed."""
        self._watch_clock(now, wall)
        if self._ring is not None and now >= self._retry_at:
            self._leave_memory(self._ring, now, wall)
        if now >= self._sweep_at and self._ring is None:
            self._sweep_at = now + SWEEP_SECONDS
            with suppress(NoRoom):  # the next message that cannot be written says so
                self._let_go(self.spool.sweep(now, wall), now)
                self.sender.adopt(self.spool.kept(), now)
        self._do(self.sender.on_tick(now), now, wall)

    def close(self, now: float, wall: int) -> None:
        """Make durable what was told, and close the spool."""
        self.flush(now, wall)
        if self._ring is not None:
            self._leave_memory(self._ring, now, wall)
        self.spool.close(now, wall)

    def _leave_memory(self, ring: Ring, now: float, wall: int) -> None:
        try:
            for epoch, first, packed in ring.runs():
                if packed:
                    self._let_go(self.spool.append(epoch, first, packed, now, wall), now)
                ring.forget(epoch)
        except NoRoom:
            self._retry_at = now + MEMORY_RETRY_SECONDS
            return
        self._dropped += ring.dropped
        self._ring = None
        self.sender.flags.discard(Flag.MEMORY)
        unmoved, self._unmoved = self._unmoved, []
        for epoch, first, last in unmoved:
            self._move(epoch, first, last, now, wall)

    # -- actions ---

    def _do(self, actions: Sequence[Action], now: float, wall: int) -> None:
        for action in actions:
            match action:
                case Send(epoch, first, last):
                    self._send(epoch, first, last, now, wall)
                case Settled(epoch, watermark):
                    # Whoever comes after this process has to move what still waits for new numbers.
                    watermark = min([watermark, *(first - 1 for one, first, _ in self._unmoved if one == epoch)])
                    self.spool.acknowledged(epoch, watermark, self.sender.generation)
                    if self._ring is not None:
                        self._let_go(self._ring.settle(epoch, watermark), now)
                case Greet():
                    self._greet(self._hello(action, wall))
                case Move(epoch, first, last):
                    self._move(epoch, first, last, now, wall)
                case Connect():
                    self._connect()

    def _hello(self, greet: Greet, wall: int) -> bytes:
        status = self.spool.status()
        ring = self._ring.count if self._ring is not None else 0
        report = SpoolReport(status.bytes, status.messages + ring, self.dropped, self._ring is not None)
        generation = self.sender.generation
        told = self.source, self._boot, self._started, wall, greet.nonce, generation, greet.offers, report, greet.more
        frame = pack_hello(Hello(*told))
        assert len(frame) <= MAX_HELLO
        return frame

    def _read(self, epoch: int, first: int, last: int) -> list[bytes]:
        found = self._ring.read(epoch, first, last) if self._ring is not None else None
        return self.spool.read(epoch, first, last) if found is None else found

    def _send(self, epoch: int, first: int, last: int, now: float, wall: int) -> None:
        while first <= last:
            records = self._read(epoch, first, last)
            if not records:
                return  # they had to make room meanwhile; the base tells
            fresh = RESEND.pack(self.sender.base(epoch), self.sender.generation, wall)
            for frame, count in _frames(records, fresh):
                if not self._push(frame):
                    self.blocked += 1
                    self.sender.blocked(epoch, first, now)
                    return
                first += count
                self.sent += count

    def _move(self, epoch: int, first: int, last: int, now: float, wall: int) -> None:
        """Give messages new numbers; those that stand in both epochs for a moment fold in the store."""
        # What waited for room may have had to make some.
        at = max(first, self.sender.base(epoch))
        while at <= last:
            records = self._read(epoch, at, last)
            if not records:
                self._dropped += last - at + 1
                break
            letters = _letters(records)
            # In a full spool it is these that make room for their copies, and not what is nowhere else.
            self.spool.acknowledged(epoch, at + len(records) - 1, self.sender.generation)
            if self._ring is not None and self._ring.read(epoch, at, at) is not None:
                self._store(letters, now, wall)
            elif not self._spooled(letters, now, wall):
                # Memory holds fewer, and not for long: they stay on the disk meanwhile.
                self._unmoved.append((epoch, at, last))
                self.spool.acknowledged(epoch, at - 1, self.sender.generation)
                break
            self._dropped += len(records) - len(letters)
            at += len(records)
        with suppress(NoRoom):  # they stay until room is needed; the store knows them as acknowledged
            self.spool.trim(epoch, at - 1, now, wall)
            self.sender.evicted(epoch, at, 0, now)


def _letters(records: Sequence[bytes]) -> list[Letter]:
    """What records say, without those of kinds that only a later version knows."""
    letters = []
    for packed in records:
        with suppress(Malformed):
            one = read(packed)[0]
            letters.append(Letter(one.kind, one.subject, one.at, one.body))
    return letters


def _frames(records: Sequence[bytes], fresh: bytes) -> list[tuple[bytes, int]]:
    """Frames of records of one kind, in the order of ``records``, one at least, with the number of records in each."""
    frames: list[tuple[bytes, int]] = []
    parts: list[bytes] = []
    kind, size, count = -1, 0, 0
    for one in records:
        if parts and (one[2] != kind or size + len(one) > FRAME_BYTES):
            frames.append((b"".join(parts), count))
            parts, size, count = [], 0, 0
        kind = one[2]
        parts += (one[:RESEND_AT], fresh, one[HEADER.size :])
        size += len(one)
        count += 1
    frames.append((b"".join(parts), count))
    return frames
