"""Who gets which event, and what becomes of clients that do not read.

An event is encoded once and framed once for everybody. Clients with the same wish form a group that shares the
very bytes, so 500 clients of one kind cost one encoding and 500 writes. Nothing is decoded that no group wants.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from api.filters import matcher
from api.live import Live
from api.received import AHEAD, Told, told
from api.views.events import TYPES, Place, event_text, gap_text, place_of
from bus.missed import Passed
from bus.wire import Malformed, Stamp

SLOW, SLOW_REASON = 4408, "too slow: {} bytes unread"
TOO_BUSY = "the hub was too busy to pass everything on"
TOO_OLD = "older events are no longer held: read the history"
BEGUN_LATE = "this worker of the hub may have begun too late to hear everything: read the history"
UNKNOWN = -1
"""Of how many frames nobody knows that they were missed, if any were."""
SELDOM = frozenset({"facts", "check"})
"""Kinds whose newest may be as it was for hours: what was missed of them nobody tells again soon."""
OF_HOSTS = frozenset({"sample", "facts", "processes"})
UNREAD_BYTES = 268_435_456
"""So much may be left unread of what is not the same for several clients: with very many wishes each may leave less."""
MAX_WAITING = 1000
"""Samples held back because their layout is not known yet."""


class Sink(Protocol):
    """A client's connection."""

    def write(self, frames: bytes) -> None:
        """Send these frames after what is still unread; does nothing once closed."""
        ...

    def unread(self) -> int:
        """Bytes that the client has not taken yet."""
        ...

    def drop(self, code: int, reason: str) -> None:
        """Say why, then close."""
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client wants to hear."""

    kinds: frozenset[str]
    subjects: tuple[str, ...] = ()
    values: bool = False


@dataclass(slots=True)
class _Group:
    wish: Wish
    fits: Callable[[str], bool]
    sinks: set[Sink] = field(default_factory=set)
    frames: list[bytes] = field(default_factory=list)

    def wants(self, told: Told) -> bool:
        return TYPES.get(told.kind) in self.wish.kinds and self.fits(told.subject)


class Fanout:
    """The clients of one worker, and the last bus frames, from which a returning client is brought up to date."""

    def __init__(
        self,
        live: Live,
        display: Callable[[str], str],
        *,
        now: int,
        gone: Callable[[str], bool] = lambda name: False,
        unread_bytes: int = 1_048_576,
        all_unread_bytes: int = UNREAD_BYTES,
        replay_bytes: int = 8_388_608,
    ) -> None:
        """``gone`` tells of a host whether it is listed no more: its events go to nobody, or it would come back."""
        self.sent = 0
        self.dropped = 0
        self.lost = 0
        """Bus frames that passed this worker by."""
        self._gone = gone
        self._live = live
        self._display = display
        self._unread_bytes = unread_bytes
        self._all_unread_bytes = all_unread_bytes
        self._replay_bytes = replay_bytes
        self._groups: dict[Wish, _Group] = {}
        self._sinks: set[Sink] = set()
        """Those of all groups, and whoever is still told what was missed."""
        self._behind: set[Sink] = set()
        """The latter."""
        self._ring: deque[tuple[int, bytes, int]] = deque()
        """Moment and frame, and how many of its kind were missed before it, or ``UNKNOWN`` of all kinds."""
        self._ring_bytes = 0
        self._forgotten = 0
        """Frames that were in the ring and are not any more."""
        self._ring_since = now
        self._waiting: deque[Told] = deque(maxlen=MAX_WAITING)
        self._passed = Passed(from_one=True)
        self.lacking: set[str] = set()
        """Kinds of which something was missed, or may have been, that only the store tells."""

    @property
    def clients(self) -> int:
        """How many there are: who listens, and who is still told what was missed."""
        return len(self._sinks)

    @property
    def room(self) -> int:
        """Bytes that a client may leave unread: those of one group leave the very same ones."""
        return min(self._unread_bytes, self._all_unread_bytes // max(1, len(self._groups) + len(self._behind)))

    def expect(self, sink: Sink) -> None:
        """Count ``sink`` as a client, which joins once it was told what it missed."""
        self._sinks.add(sink)
        self._behind.add(sink)

    def join(self, wish: Wish, sink: Sink) -> None:
        """Let ``sink`` hear what ``wish`` names from now on."""
        group = self._groups.get(wish)
        if group is None:
            group = self._groups[wish] = _Group(wish, matcher(wish.subjects))
        else:
            self.flush()  # what waits for the group is older than this client
        group.sinks.add(sink)
        self._sinks.add(sink)
        self._behind.discard(sink)

    def missed(self, wish: Wish, after: Place, now: int) -> Iterator[bytes | None]:
        """The frames of what ``wish`` names that came after this place; b"" for a step that found none.

        A place that is still to come, by the hub's clock, is of a clock that was set back since: nobody can tell what
        came after it.
        None: there is no more now, and who joins at once has missed nothing. It goes on with what comes meanwhile. All
        that is held may take seconds: it is for whoever reads it in pieces.
        """
        group = _Group(wish, matcher(wish.subjects))
        # Frames of the very instant from which the ring reaches back may have been forgotten: hence <=.
        too_old = after.moment <= self._ring_since or after.moment > now + AHEAD
        if too_old:
            yield text_frame(gap_text(None, TOO_OLD).encode())
        number = self._forgotten
        while True:
            if number == self._forgotten + len(self._ring):
                yield None
                continue
            if number < self._forgotten:
                number = self._forgotten
                yield text_frame(gap_text(None, TOO_OLD).encode())
                continue
            moment, frame, lost = self._ring[number - self._forgotten]
            number += 1
            if moment < after.moment:
                yield b""
                continue
            stamp, records = told(frame)
            if lost and moment > after.moment and _tells_gap(wish, stamp.kind, lost) and not (too_old and lost < 0):
                yield _gap_frame(lost)
            for record in records:
                wanted = place_of(record) > after and self._is_told(record) and group.wants(record)
                yield (self._framed(record, wish.values) if wanted else None) or b""
            yield b""

    def leave(self, sink: Sink) -> None:
        """Forget ``sink``."""
        self._sinks.discard(sink)
        self._behind.discard(sink)
        for wish, group in list(self._groups.items()):
            group.sinks.discard(sink)
            if not group.sinks:
                del self._groups[wish]

    def take(self, frame: bytes) -> list[Told]:
        """Take in a bus frame; returns its records. Raises ``Malformed``. Call ``flush`` when no more has come."""
        stamp, records = told(frame)
        missed = self._missed_frames(stamp)
        self._remember(stamp.moment, frame, missed)
        if missed:
            self.lost += max(0, missed)
            self._gap(stamp.kind, missed)
        for record in records:
            self._live.hear(record)
            if record.kind == "layout" and self._waiting:
                self.retry()
            if self._groups:
                self.publish(record)
        return records

    def publish(self, record: Told) -> None:
        """Frame the record's event for every group that wants it."""
        if not self._is_told(record):
            return
        groups = [group for group in self._groups.values() if group.wants(record)]
        if groups and record.kind == "sample" and self._unannounced(record):
            self._waiting.append(record)
            return
        framed: dict[bool, bytes | None] = {}
        for group in groups:
            values = group.wish.values
            if values not in framed:
                framed[values] = self._framed(record, values)
            frame = framed[values]
            if frame is not None:
                group.frames.append(frame)

    def retry(self) -> None:
        """Publish the samples that waited for their layout; those whose layout is still unknown wait on."""
        waiting, self._waiting = self._waiting, deque(maxlen=MAX_WAITING)
        for record in waiting:
            self.publish(record)

    def unknown_layouts(self) -> set[int]:
        """The layouts that samples wait for."""
        return {record.message().layout for record in self._waiting}

    @property
    def waiting(self) -> bool:
        """Whether samples wait for a layout."""
        return bool(self._waiting)

    @property
    def wanting(self) -> bool:
        """Whether a layout has to be asked for: samples wait for it, or somebody's newest numbers have no names."""
        return bool(self._waiting) or self._live.unnamed

    def flush(self) -> None:
        """Write what has gathered, each group's frames in one piece."""
        slow: list[Sink] = []
        room = self.room
        for group in self._groups.values():
            if not group.frames:
                continue
            piece = b"".join(group.frames)
            self.sent += len(group.frames) * len(group.sinks)
            group.frames.clear()
            for sink in group.sinks:
                if sink.unread() > room:
                    slow.append(sink)
                else:
                    sink.write(piece)
        for sink in slow:
            self.dropped += 1
            self.leave(sink)
            sink.drop(SLOW, SLOW_REASON.format(sink.unread()))

    def _is_told(self, record: Told) -> bool:
        return not record.hub and not (record.kind in OF_HOSTS and self._gone(record.subject))

    def _framed(self, record: Told, values: bool) -> bytes | None:
        text = event_text(record, self._live, self._display, values=values)
        return None if text is None else text_frame(text.encode())

    def _unannounced(self, record: Told) -> bool:
        try:
            return self._live.layout_of(record) is None
        except Malformed:
            return False

    def _gap(self, kind: str, missed: int) -> None:
        frame = _gap_frame(missed)
        for group in self._groups.values():
            if _tells_gap(group.wish, kind, missed):
                group.frames.append(frame)

    def _missed_frames(self, stamp: Stamp) -> int:
        missed = UNKNOWN if self._passed.is_amid(stamp) else self._passed.missing(stamp)
        if self._passed.is_new(stamp):
            # It told others before this worker listened to it.
            self.lacking |= SELDOM
        elif missed:
            self.lacking |= SELDOM & {stamp.kind}
        self._passed.note(stamp)
        return missed

    def _remember(self, moment: int, frame: bytes, missed: int) -> None:
        self._ring.append((moment, frame, missed))
        self._ring_bytes += len(frame)
        while self._ring_bytes > self._replay_bytes and self._ring:
            self._ring_since, old, _ = self._ring.popleft()
            self._ring_bytes -= len(old)
            self._forgotten += 1


def _tells_gap(wish: Wish, kind: str, missed: int) -> bool:
    """Whether a client that wishes this is told that records of a kind, or of any, are missing."""
    return "gap" in wish.kinds and (missed < 0 or TYPES.get(kind) in wish.kinds)


def _gap_frame(missed: int) -> bytes:
    return text_frame((gap_text(None, BEGUN_LATE) if missed < 0 else gap_text(missed, TOO_BUSY)).encode())


def text_frame(text: bytes) -> bytes:
    """One unfragmented WebSocket text frame from the server (RFC 6455, 5.2: no mask, no extension)."""
    size = len(text)
    if size < 126:
        return b"\x81" + bytes((size,)) + text
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + text
    return b"\x81\x7f" + size.to_bytes(8, "big") + text
