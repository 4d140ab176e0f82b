"""What the store has of every producer, and what it may therefore acknowledge (rules R1, R2, R5, R6). Pure.

The store admits records while it builds a batch, writes the batch and ``changes()`` in one durable transaction,
and sends ``receipts()`` after it returned:

    receiver.follow(source, epoch, first, last, now)                            the common case, fastest
    verdict = receiver.admit(source, epoch, number, base, generation, now)      any record
    receiver.greet(hello, now)                                                  a HELLO
    puts, deletes = receiver.changes(); receiver.facts                          into the same transaction
    receiver.commit()  or  receiver.rollback()                                  when it returned, or failed
    for receipt in receiver.receipts(hub_time): ...                             to the producers

``NEW`` records are to be written, ``DUPLICATE`` ones are on disk (or in this batch) already and are only
acknowledged again, refused ones (``EPOCHS``, ``HOLES``, ``NUMBER``) are neither. After a failed transaction
everything is as before the batch, and ``receipts(flags=DISK_FULL)`` repeats what is committed.

``now`` is the hub's clock in seconds since 1970; it decides only what is forgotten and who counts as live.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bus.control import MAX_MARKS, MAX_REJECTS, Flags, Hello, Mark, Receipt, Reject
from bus.delivery.facts import Declared, Fact, Found, Verdict
from bus.delivery.ranges import Span
from bus.delivery.sources import Limits, Source, Sources
from bus.delivery.stream import Gap, Reason, Stream, read_key

NEW = Verdict.NEW


class Receiver:
    """Watermarks, holes and gaps of all streams, with a batch that can be taken back."""

    def __init__(
        self,
        generation: int,
        incarnation: int,
        kept: Iterable[tuple[bytes, bytes]] = (),
        limits: Limits | None = None,
    ) -> None:
        """``kept`` are all pairs that ``changes`` gave and that were not deleted since."""
        self.generation = generation
        self.incarnation = incarnation
        self.limits = limits or Limits()
        self._sources = Sources(self.limits)
        self._touched: list[Stream] = []
        self._changed: list[Stream] = []
        self._several: set[str] = set()
        """Sources under whose name more than one boot spoke."""
        self._waiting: dict[str, None] = {}
        self._facts: list[Fact] = []
        self._rejects: list[tuple[Source, Reject]] = []
        """Of this batch, to be told once it is committed."""
        self.asked = False
        """Whether a HELLO waits for its answer."""
        for key, value in kept:
            source, epoch = read_key(key)
            stream = Stream(source, epoch)
            stream.load(value)
            stream.committed = stream.watermark
            self._sources.of(source).streams[epoch] = stream

    # -- records ---

    def follow(self, source: bytes, epoch: int, first: int, last: int, now: float) -> bool:
        """Take the next numbers of the stream that its source told of last; False when it is not that simple."""
        stream = self._sources.following.get(source)
        if stream is None or stream.epoch != epoch or first != stream.watermark + 1:
            return False
        if stream.before is None:
            self._change(stream, now)
        stream.watermark = last
        stream.stored += last - first + 1
        return True

    def admit(self, source: str, epoch: int, number: int, base: int, generation: int, now: float) -> Verdict:
        """Take one record into the batch, or tell why not."""
        if not 0 < number < 2**63:
            return Verdict.NUMBER
        known = self._sources.of(source)
        stream = known.streams.get(epoch)
        if stream is None:
            if not known.may_begin(self.limits, now):
                known.refused.add(epoch)
                self._waiting[source] = None
                return Verdict.EPOCHS
            stream = self._sources.begin(known, epoch)
        self._change(stream, now)
        base = min(base, number)
        if base > stream.watermark + 1 and generation == self.generation:
            self._declare(stream, base - 1, Reason.DROPPED, now)
        verdict = self._take(stream, number)
        self._sources.follow(stream)
        return verdict

    def reject(
        self, source: str, epoch: int, number: int, base: int, generation: int, now: float, code: str
    ) -> Verdict:
        """Count one record as passed though it is not stored; it was put into quarantine."""
        verdict = self.admit(source, epoch, number, base, generation, now)
        if verdict is NEW:
            known = self._sources.of(source)
            stream = known.streams[epoch]
            stream.stored -= 1
            stream.rejected += 1
            self._rejects.append((known, Reject(epoch, number, code)))
        return verdict

    def stood_in(self, source: str, epoch: int) -> None:
        """The record that was just admitted only stands in for one that its producer lost."""
        stream = self._sources.of(source).streams[epoch]
        stream.stored -= 1
        stream.lost += 1

    def _take(self, stream: Stream, number: int) -> Verdict:
        if number in stream.beyond or (number <= stream.watermark and not stream.uncover(number)):
            stream.duplicates += 1
            return Verdict.DUPLICATE
        if number <= stream.watermark:
            stream.lost -= 1
            self._facts.append(Found(stream.source, stream.epoch, number))
        elif number > stream.watermark + 1 and len(stream.beyond) >= self.limits.holes:
            return Verdict.HOLES
        else:
            stream.beyond.add(number, number)
            stream.watermark = stream.beyond.absorb(stream.watermark)
        stream.stored += 1
        return NEW

    # -- HELLO ---

    def greet(self, hello: Hello, now: float) -> None:
        """Honour the floors of a HELLO and answer it with the next receipts."""
        source = self._sources.of(hello.source)
        source.answer = hello.nonce
        self.asked = True
        self._waiting[hello.source] = None
        floors = hello.generation == self.generation
        for offer in hello.offers:
            stream = source.streams.get(offer.epoch)
            if stream is None and (offer.floor == 0 or not floors):
                source.unknown.add(offer.epoch)
                continue
            if stream is None:
                stream = self._sources.begin(source, offer.epoch)
            self._touch(stream)
            if offer.once > stream.once or offer.last > stream.last:
                self._change(stream, now)
                stream.once, stream.last = max(stream.once, offer.once), max(stream.last, offer.last)
            if floors and offer.floor > stream.watermark:
                self._change(stream, now)
                self._declare(stream, offer.floor, Reason.DROPPED, now)
        offered = {offer.epoch: offer.last for offer in hello.offers}
        known = {epoch: boot for epoch, boot in source.told_by.items() if epoch in source.streams}
        source.told_by = known | dict.fromkeys(offered, hello.boot)
        if not hello.more:
            source.listed, source.boot = (now, offered), hello.boot
            self._orphans(source, now)
        if hello.offers:
            source.boots.greeted(hello, now)
            if source.boots.several:
                self._several.add(source.name)

    def _orphans(self, source: Source, now: float) -> int:
        """Declare what lies above what the producer knows of an epoch, once nobody sends any more of it; how often.

        Those are holes and, but for the live epoch, which goes on, what it once said it had: it lost its spool with
        them, or has an older one. What came of an epoch since it listed them says that it knows more. The same boot is
        the same machine; of another one's epochs another machine under the same name may come back and tell them.
        """
        greeted, offered = source.listed
        live = next(reversed(offered), 0)
        count = 0
        for stream in source.streams.values():
            supplied = stream.watermark >= offered.get(stream.epoch, 0)
            last = max(stream.beyond.last, 0 if stream.epoch == live else stream.last)
            here = source.told_by.get(stream.epoch) == source.boot
            patience = self.limits.live_seconds if here else self.limits.elsewhere_seconds
            quiet = stream.seen <= greeted and now - stream.seen > patience
            if last > stream.watermark and supplied and quiet:
                self._change(stream, stream.seen)  # nothing was heard of it now
                self._declare(stream, last, Reason.ORPHANED, now)
                count += 1
        return count

    def announce(self, now: float) -> None:
        """Tell whoever was alive lately that this is another life of the store: they ask, and send again."""
        for source in self._sources:
            for stream in source.streams.values():
                if now - stream.seen < self.limits.announce_seconds:
                    self._touch(stream)

    # -- gaps ---

    def _declare(self, stream: Stream, upto: int, reason: Reason, now: float) -> None:
        """Numbers up to ``upto``, above the watermark, that have not come are gone; the watermark moves there."""
        for first, last in stream.beyond.missing(stream.watermark + 1, upto):
            had = min(last, stream.once)
            for gap in (
                Gap(first, had, Reason.RESTORED, now),
                Gap(max(first, had + 1), last, reason, now),
            ):
                if gap.first <= gap.last:
                    stream.gaps.append(gap)
                    stream.lost += gap.count
                    self._facts.append(Declared(stream.source, stream.epoch, gap))
        # Gaps beyond this number are in the ledger for good: what comes for them is taken for a duplicate.
        del stream.gaps[: -self.limits.open_gaps]
        stream.watermark = stream.beyond.absorb(upto)

    def prune(self, now: float) -> int:
        """Forget drained streams that nobody mentioned for long, and declare what is gone by now; returns how many.

        Call between batches.
        """
        return sum(self._orphans(source, now) for source in self._sources) + self._sources.prune(now)

    # -- the batch ---

    def _touch(self, stream: Stream) -> None:
        """See to it that the stream is told of in the next receipts."""
        if not stream.touched:
            stream.touched = True
            self._touched.append(stream)
            self._waiting[stream.source] = None

    def _change(self, stream: Stream, now: float) -> None:
        """Remember how the stream was before this batch."""
        if stream.before is None:
            self._touch(stream)
            stream.before = stream.as_it_is()
            stream.seen = now
            self._changed.append(stream)
            if stream.source in self._several:
                source = self._sources.of(stream.source)
                two_hosts = source.boots.judge(stream.source, source.streams, now)
                if two_hosts is not None:
                    self._facts.append(two_hosts)

    @property
    def changed(self) -> bool:
        """Whether there is anything that a transaction must hold before the receipts may go."""
        return bool(self._changed or self._sources.deleted)

    @property
    def runs(self) -> list[tuple[str, int, int, int]]:
        """(source, epoch, first, last) around the numbers that this batch brought."""
        return [
            (stream.source, stream.epoch, stream.committed + 1, highest)
            for stream in self._changed
            if (highest := stream.highest) > stream.committed
        ]

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What this batch brought to light, for the gap ledger: written with it, and void if it fails."""
        return tuple(self._facts)

    def changes(self) -> tuple[list[tuple[bytes, bytes]], list[bytes]]:
        """(pairs to put, keys to delete before) for the batch's own transaction."""
        return [(stream.key, stream.encode()) for stream in self._changed], list(self._sources.deleted)

    def commit(self) -> None:
        """The transaction returned: what it holds may be acknowledged."""
        for stream in self._changed:
            stream.committed = stream.watermark
            stream.before = None
        for source, reject in self._rejects:
            if len(source.rejects) < MAX_REJECTS:
                source.rejects.append(reject)
        self._rejects.clear()
        self._changed.clear()
        self._sources.deleted.clear()
        self._facts.clear()

    def rollback(self) -> None:
        """The transaction failed: everything is as before the batch, which will be sent again."""
        for stream in self._changed:
            stream.become(stream.before)
            stream.before = None
        self._changed.clear()
        self._sources.following.clear()
        self._facts.clear()
        self._rejects.clear()

    def receipts(self, hub_time: int, flags: Flags = Flags.NONE) -> list[Receipt]:
        """What to tell every producer that was heard since the last call; committed watermarks only."""
        marks: dict[str, list[Mark]] = {}
        for stream in self._touched:
            # What came in the batch under way is not acknowledged yet: nobody shall send that again.
            hole = stream.until if stream.before is None else 0
            marks.setdefault(stream.source, []).append(Mark(stream.epoch, stream.committed, hole))
            stream.touched = stream.before is not None
        self._touched = [stream for stream in self._touched if stream.touched]
        out = []
        for name in self._waiting:
            source = self._sources.of(name)
            told = marks.get(name, [])
            told += [Mark(epoch, 0) for epoch in source.unknown if epoch not in source.streams]
            told += [Mark(epoch, 0, refused=True) for epoch in source.refused if epoch not in source.streams]
            answer, source.answer = source.answer, 0
            rejects = tuple(source.rejects)
            source.rejects, source.unknown, source.refused = [], set(), set()
            out += [
                Receipt(
                    name,
                    self.generation,
                    self.incarnation,
                    hub_time,
                    tuple(told[at : at + MAX_MARKS]),
                    answer,
                    flags,
                    rejects=rejects if at == 0 else (),
                )
                for at in range(0, max(1, len(told)), MAX_MARKS)
            ]
        # Whoever is in the batch under way is told again when that is committed: nothing else may ever come from it.
        self._waiting = dict.fromkeys(stream.source for stream in self._touched)
        self.asked = False
        return out

    # -- questions ---

    def sources(self) -> list[str]:
        """All sources that were ever heard and not forgotten."""
        return sorted(source.name for source in self._sources if source.streams)

    def streams(self, source: str) -> Mapping[int, Stream]:
        """The streams of a source by epoch, to be read only."""
        known = self._sources.get(source)
        return known.streams if known is not None else {}

    def held(self, source: str, epoch: int, first: int, last: int) -> list[Span]:
        """Which of the numbers ``first`` to ``last`` are stored, rejected or declared gone."""
        stream = self.streams(source).get(epoch)
        if stream is None:
            return []
        below = [(first, min(last, stream.watermark))] if first <= stream.watermark else []
        return below + stream.beyond.shared(first, last)
