"""What of a bus frame is to be stored: new records, each once; the others are counted, or told why not. Pure.

Records of epoch 0 are told once: whoever says so keeps nothing, so they are neither numbered nor acknowledged.
All others go by the receiver (``bus/delivery/receiver.py``), which knows what is stored already. What it finds lost
is written down as records of the kind ``loss``, in the batch that makes it so; and now and then, as a ``tally``, what
has become of each producer's messages until then, so that the account of an hour can be given later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bus.control import Refusal
from bus.delivery.facts import Declared, Found, Verdict
from bus.delivery.fence import Fence, Handling, Run
from bus.delivery.receiver import Receiver
from bus.delivery.stream import Stream
from bus.messages import HUB, Loss, StreamTally, Tally
from bus.timing import MINUTE, SECOND
from bus.wire import Field, Malformed, names_in, pack, read, record, walk
from store.backends.values import names_of
from store.batch import Batch
from store.dates import Dates

LEDGER = HUB + "store-writer"
"""Who writes the ledger of losses."""
MANY_NAMES = "more names of metrics than are kept of one source"
FOUND = "found"
"""The reason of an entry that takes back an earlier one: the messages came after all."""
TALLY_EVERY = 10 * MINUTE
"""ns between two tallies of a producer: as finely can the account of a stretch of time be given."""
TALLY_LOOK = SECOND
"""ns between two looks for producers whose tally is due."""
MOST_TALLIED = 10_000
"""Of so many sources it is remembered when they were tallied, and of more while it matters."""
MOST_STREAMS = 1000
"""A tally names so many streams, the newest."""
NEWS = 15 * MINUTE
"""ns for which it is said that two hosts speak under one name; while they do it is found more often."""
MOST_NAMES = 100
"""It is said of so many names, those of which it was found last."""
MOST_LIVE = 100
"""So many losses of one batch are published; all are in the ledger."""
_LOOKED_INTO = ("layout", "loss")
"""Kinds whose bodies the store itself needs."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A record that is to be committed apart from all else."""

    kind: str
    run: Run
    record: bytes
    received: int


class Account:
    """Stands between the stair and a batch, with the receiver's memory and the fence's caution."""

    def __init__(
        self,
        receiver: Receiver,
        fence: Fence,
        quarantine: Callable[[str, int, int, bytes], None] = lambda source, epoch, number, record: None,
        may_learn: Callable[[str, tuple[str, ...], int], bool] = lambda source, names, now: True,
    ) -> None:
        """``quarantine`` (source, epoch, number, record) keeps what will never be stored.

        ``may_learn`` (source, names, now in ns) says whether a layout is kept.
        """
        self.receiver = receiver
        self.alone: list[Suspect] = []
        """What the fence wants committed apart from all else."""
        self.counts: Counter[str] = Counter()
        """Records by what became of them, where they were not simply stored; since the start."""
        self._fence = fence
        self._dates = Dates()
        self._quarantine = quarantine
        self._may_learn = may_learn
        self._told = 0
        self._news: Counter[tuple[str, str]] = Counter()
        self._entered: list[tuple[int, Loss]] = []
        self._two_hosts: dict[str, int] = {}
        """When it was found last that two hosts speak under a name, ns."""
        self._tallied: dict[str, int] = {}
        self._tally_at = 0

    def take(self, batch: Batch, kind: str, frame: bytes, start: int, received: int) -> None:
        """Put what is new of a bus frame into the batch; raises ``Malformed``. ``received`` in ns."""
        if kind in _LOOKED_INTO or self._fence.suspects > 0:
            others = walk(frame, start)
        else:
            others = batch.gather(frame, start, received, self.receiver.follow)
        for begin, end, fields in others:
            self._look(batch, kind, fields, frame[begin:end], received)

    def take_alone(self, batch: Batch, suspect: Suspect) -> None:
        """Put one suspect into a batch of its own."""
        for begin, end, fields in walk(suspect.record):
            self._admit(batch, suspect.kind, fields, suspect.record[begin:end], suspect.received)

    def refused(self, batch: Batch, refusal: Refusal, received: int) -> None:
        """Pass a record that the collector will never let in."""
        place = (refusal.source, refusal.epoch, refusal.number, refusal.base, refusal.generation)
        if self.receiver.reject(*place, received / 1e9, "unknown") is Verdict.NEW:
            self._rejected(batch, *place[:3], f"refused, {refusal.why}", received)

    def write_down(self, batch: Batch, now: int) -> None:
        """Add to the batch what it makes known: gaps, what was found of them, tallies that are due. ``now`` in ns."""
        facts = self.receiver.facts
        for fact in facts[self._told :]:
            match fact:
                case Declared(source, epoch, gap):
                    self.counts["lost"] += gap.count
                    self._news[source, f"lost, {gap.reason.value}"] += gap.count
                    loss = Loss(source, epoch, gap.first, gap.last, gap.reason.value)
                    self._enter(batch, loss, now)
                case Found(source, epoch, number):
                    self.counts["found"] += 1
                    self._news[source, "found that were thought lost"] += 1
                    self._enter(batch, Loss(source, epoch, number, number, FOUND), now)
                case _:
                    self.counts["two_hosts"] += 1
                    self._two_hosts.pop(fact.source, None)
                    self._two_hosts[fact.source] = now
                    if len(self._two_hosts) > MOST_NAMES:
                        del self._two_hosts[next(iter(self._two_hosts))]
                    boots = " and ".join(fact.boots)
                    self._news[fact.source, f"under way from two hosts at once (boots {boots})"] += 1
        self._told = len(facts)
        self._tally(batch, now)

    def committed(self) -> list[tuple[int, Loss]]:
        """The batch is on the disk: these entries of the ledger, each with its time in ns, may be published."""
        self.receiver.commit()
        self._told = 0
        entered, self._entered = self._entered, []
        return entered[:MOST_LIVE]

    def rolled_back(self) -> None:
        """The batch was not stored and is not kept: all that it made known comes again with its messages."""
        self.receiver.rollback()
        self._told = 0
        self._entered = []

    def report_to(self, tell: Callable[[str], None]) -> None:
        """Tell a sentence for each producer and reason since the last report."""
        for (source, what), count in self._news.most_common(20):
            tell(f"{source}: {count} messages {what}")
        if len(self._news) > 20:
            tell(f"and {len(self._news) - 20} more such lines")
        self._news.clear()

    def two_hosts(self, now: int) -> dict[str, float]:
        """1 for each name under which two hosts speak, and 0 for a while when they do no longer; ``now`` in ns."""
        self._two_hosts = {name: at for name, at in self._two_hosts.items() if abs(now - at) < 2 * NEWS}
        return {name: float(abs(now - at) < NEWS) for name, at in self._two_hosts.items()}

    def _look(self, batch: Batch, kind: str, fields: tuple[Any, ...], record: bytes, received: int) -> None:
        """Take a record that is not the next one of its stream, or of a kind that the store looks into."""
        epoch, number = fields[Field.EPOCH], fields[Field.NUMBER]
        if epoch and self._fence.suspects:
            source = _source(fields, record)
            handling = self._fence.verdict(source, epoch, number)
            if handling is Handling.ALONE:
                self.alone.append(Suspect(kind, (source, epoch, number, number), record, received))
                return
            if handling is Handling.QUARANTINE:
                self._reject(batch, fields, record, received, "poison")
                return
        self._admit(batch, kind, fields, record, received)

    def _admit(self, batch: Batch, kind: str, fields: tuple[Any, ...], record: bytes, received: int) -> None:
        loss: Loss | None = None
        names: tuple[str, ...] = ()
        try:
            if kind == "layout" and not (names := names_of(record)):
                raise Malformed("body", "a layout without names")
            if kind == "loss":
                loss = read(record)[0].message()
                if loss.first > loss.last:
                    raise Malformed("body", f"a loss from {loss.first} to {loss.last}")
        except Malformed:
            self._reject(batch, fields, record, received, "malformed")
            return
        epoch, source = fields[Field.EPOCH], _source(fields, record)
        if names and not self._may_learn(source, names, received):
            self._reject(batch, fields, record, received, "limit", MANY_NAMES)
            return
        untimed = kind in _LOOKED_INTO or source.startswith(HUB)
        if not untimed and not self._dates.may_tell(source, fields[Field.KIND], fields[Field.AT], received):
            self._reject(batch, fields, record, received, "limit", "misdated")
            return
        if epoch:
            number, base, generation = fields[Field.NUMBER], fields[Field.BASE], fields[Field.GENERATION]
            verdict = self.receiver.admit(source, epoch, number, base, generation, received / 1e9)
            if verdict is not Verdict.NEW:
                self.counts[verdict.name.lower()] += 1
                return
        if loss is None or source.startswith(HUB):
            batch.add_record(fields, record, received)
            return
        # A producer's own entry: what its disk damaged. It has no time, and is nobody's but its own.
        if epoch:
            self.receiver.stood_in(source, epoch)
        self._enter(batch, Loss(source, epoch, loss.first, loss.last, loss.reason), received)
        self.counts["lost"] += loss.last - loss.first + 1
        self._news[source, f"lost, {loss.reason}"] += loss.last - loss.first + 1

    def _reject(
        self, batch: Batch, fields: tuple[Any, ...], record: bytes, received: int, code: str, why: str = ""
    ) -> None:
        """Let the watermark pass a record that will never be stored; ``why`` for people, where not the code says it."""
        source, epoch, number = _source(fields, record), fields[Field.EPOCH], fields[Field.NUMBER]
        verdict = Verdict.NEW
        if epoch:
            base, generation = fields[Field.BASE], fields[Field.GENERATION]
            verdict = self.receiver.reject(source, epoch, number, base, generation, received / 1e9, code)
        if verdict is Verdict.NEW:
            self._rejected(batch, source, epoch, number, f"rejected, {why or code}", received)
            self._quarantine(source, epoch, number, record)

    def _rejected(self, batch: Batch, source: str, epoch: int, number: int, why: str, at: int) -> None:
        self.counts["rejected"] += 1
        self._news[source, why] += 1
        self._enter(batch, Loss(source, epoch, number, number, why), at)

    def _enter(self, batch: Batch, loss: Loss, at: int) -> None:
        at = max(at, self._tally_at + 1)  # what came before a tally and was taken after it is not in the tally
        self._entered.append((at, loss))
        _write(batch, loss, loss.stream, at)

    def _tally(self, batch: Batch, now: int) -> None:
        if 0 <= now - self._tally_at < TALLY_LOOK:
            return
        self._tally_at = now
        if len(self._tallied) > MOST_TALLIED:
            # Those are due that are not remembered.
            self._tallied = {source: at for source, at in self._tallied.items() if 0 <= now - at < TALLY_EVERY}
        for source in {run[0] for run in self.receiver.runs}:
            if 0 <= now - self._tallied.get(source, 0) < TALLY_EVERY:
                continue
            self._tallied[source] = now
            streams = sorted(self.receiver.streams(source).values(), key=lambda stream: stream.seen)
            _write(batch, Tally(tuple(tallied(stream) for stream in streams[-MOST_STREAMS:])), source, now)


def tallied(stream: Stream) -> StreamTally:
    """The stream's counts; for what was not committed yet they hold with the commit."""
    last = max(stream.last, stream.watermark, stream.beyond.last)
    return StreamTally(stream.epoch, last, stream.stored, stream.duplicates, stream.rejected, stream.lost)


def _source(fields: tuple[Any, ...], record: bytes) -> str:
    return names_in(record, 0, fields)[0].decode("ascii", "replace")


def _write(batch: Batch, message: Loss | Tally, subject: str, at: int) -> None:
    """Write a record of the store's own; the same one at the same time is the same row."""
    packed = pack(record(message, source=LEDGER, subject=subject, at=at, epoch=0, number=1))
    _, _, fields = next(walk(packed))
    batch.add_record(fields, packed, at)
