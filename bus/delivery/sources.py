"""The streams of each source, and how many epochs it may begin. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bus.control import Reject
from bus.delivery.identity import Boots
from bus.delivery.stream import Stream


@dataclass(frozen=True, slots=True)
class Limits:
    """What one source may occupy."""

    live_epochs: int = 64
    live_seconds: float = 60.0
    """An epoch that was heard of within this time is live."""
    new_epochs_per_second: float = 1.0
    streams: int = 4096
    holes: int = 1024
    """Spans beyond the watermark of one stream."""
    open_gaps: int = 64
    """Declared gaps of one stream in which late messages are still found."""
    announce_seconds: float = 600.0
    """Who was heard of within this time before a start is told of it."""
    forget_seconds: float = 30 * 86_400.0
    elsewhere_seconds: float = 86_400.0
    """What another boot told is not taken for gone sooner: another machine under the same name may have it still."""


@dataclass(slots=True)
class Source:
    """One producer's name: its streams, and what the next receipts must tell it."""

    name: str
    tokens: float
    filled: float = 0.0
    streams: dict[int, Stream] = field(default_factory=dict)
    boots: Boots = field(default_factory=Boots)
    listed: tuple[float, dict[int, int]] = (float("-inf"), {})
    """When it listed all its epochs last, and the highest number of each; it has no others of that time."""
    boot: str = ""
    """The boot that listed them."""
    told_by: dict[int, str] = field(default_factory=dict)
    """The boot that listed an epoch last, since this process started."""
    answer: int = 0
    """The nonce of the HELLO to be answered."""
    rejects: list[Reject] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)
    """Epochs that it may not begin now."""
    unknown: set[int] = field(default_factory=set)
    """Epochs it asked for that were never heard of."""

    def unmentioned(self, since: float) -> list[Stream]:
        """Its drained streams of which nothing was heard since then, not in a HELLO either.

        One that is forgotten and listed again would look lost. Whoever speaks and has listed nothing yet, since this
        process started, is going to.
        """
        listed = self.listed[1] if self.listed[0] >= since else {}
        if not listed and any(stream.seen >= since for stream in self.streams.values()):
            return []
        return [
            stream
            for stream in self.streams.values()
            if stream.seen < since and stream.epoch not in listed and not stream.beyond and not stream.touched
        ]

    @property
    def is_owed(self) -> bool:
        """Whether the next receipts have to tell it something."""
        return bool(self.answer or self.rejects or self.refused or self.unknown)

    def may_begin(self, limits: Limits, now: float) -> bool:
        """Whether it may begin an epoch now; if so, that is counted."""
        elapsed = max(0.0, now - self.filled)
        self.filled = now
        self.tokens = min(float(limits.live_epochs), self.tokens + elapsed * limits.new_epochs_per_second)
        # What was heard by a clock that was set back since then is not of now.
        live = sum(1 for stream in self.streams.values() if abs(now - stream.seen) < limits.live_seconds)
        if self.tokens < 1 or live >= limits.live_epochs:
            return False
        self.tokens -= 1
        return True


class Sources:
    """All sources by name."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._all: dict[str, Source] = {}
        self.deleted: list[bytes] = []
        """Keys of streams that were forgotten since the last commit."""
        self.following: dict[bytes, Stream] = {}
        """The stream that each source told of last, if nothing came beyond its watermark."""

    def __iter__(self) -> Iterator[Source]:
        return iter(self._all.values())

    def get(self, name: str) -> Source | None:
        """The source, None when nothing was ever heard of it."""
        return self._all.get(name)

    def of(self, name: str) -> Source:
        """The source, new if need be."""
        known = self._all.get(name)
        if known is None:
            known = self._all[name] = Source(name, float(self._limits.live_epochs))
        return known

    def begin(self, source: Source, epoch: int) -> Stream:
        """A new stream; the one unheard of for longest makes room where there are too many."""
        if len(source.streams) >= self._limits.streams:
            drained = [s for s in source.streams.values() if not s.beyond and not s.touched]
            if drained:
                self._forget(min(drained, key=lambda stream: stream.seen))
        stream = source.streams[epoch] = Stream(source.name, epoch)
        return stream

    def prune(self, now: float) -> int:
        """Forget drained streams that nobody mentioned for long, and who has none; returns how many streams."""
        since = now - self._limits.forget_seconds
        old = [stream for source in self for stream in source.unmentioned(since)]
        for stream in old:
            self._forget(stream)
        self._all = {name: source for name, source in self._all.items() if source.streams or source.is_owed}
        return len(old)

    def follow(self, stream: Stream) -> None:
        """The next numbers of the stream are told without a look at anything else, while nothing is beyond."""
        name = stream.source.encode()
        if not stream.beyond:
            self.following[name] = stream
        elif self.following.get(name) is stream:
            del self.following[name]

    def _forget(self, stream: Stream) -> None:
        del self._all[stream.source].streams[stream.epoch]
        name = stream.source.encode()
        if self.following.get(name) is stream:
            del self.following[name]
        self.deleted.append(stream.key)
