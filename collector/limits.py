"""What one sender may take of the collector, in token buckets. Pure.

A sender is a name whose key was shown or, where there are no keys, the name that a frame claims. Whoever is over its
allowance has frames dropped and counted: its protocol sends them again, slower each time, and loses nothing.
``now`` is monotonic, in seconds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from bus.bucket import Bucket
from bus.fields import Unfit
from bus.messages import KINDS, is_name
from bus.wire import Malformed
from collector.novelty import Novelty

LIVE_SECONDS = 60.0
"""An epoch that was heard of within this time takes one of its sender's places."""
LAYOUT_SECONDS = 600.0
"""A layout that was announced anew within this time costs nothing."""
LAYOUT_PARTS = 100
"""A new layout counts as a new metric, and as one more for each so many names."""
HELLO_PATIENCE = 0.002
"""What a refused HELLO takes of that."""
_LAYOUT = KINDS["layout"]
MOST_SENDERS = 100_000
MOST_LAYOUTS = 256
PATIENCE_SECONDS = 10.0
"""Whoever has so many seconds' allowance refused, beyond twice what it may send, is hung up on."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What each sender may take: messages, bytes, HELLOs and bytes of new layouts a second; live epochs.

    Of metrics and subjects as many as may be new within a day; see ``collector.novelty``.
    """

    messages: float = 20_000.0
    bytes: float = 16_777_216.0
    hellos: float = 2.0
    layout_bytes: float = 65_536.0
    epochs: int = 128
    metrics: int = 10_000
    subjects: int = 10_000


class Places:
    """A bounded set of what was heard of lately; something new waits until an old one has left."""

    __slots__ = ("_most", "_seconds", "_seen")

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        # Most senders that there may be never take a place: what is empty shall cost nothing.
        self._seen: OrderedDict[int, float] | None = None

    def take(self, one: int, now: float) -> bool:
        """Whether ``one`` has a place, or gets one."""
        seen = self._seen
        if seen is None:
            seen = self._seen = OrderedDict()
        if one not in seen and len(seen) >= self._most:
            oldest = next(iter(seen))
            if now - seen[oldest] < self._seconds:
                return False
            del seen[oldest]
        seen[one] = now
        seen.move_to_end(one)
        return True


@dataclass(slots=True)
class Quota:
    """What one sender may take now, in token buckets; raises ``Malformed``, whose reason a refusal is counted by."""

    allowed: Allowance
    messages: Bucket
    volume: Bucket
    hellos: Bucket
    layout_bytes: Bucket
    epochs: Places
    patience: Bucket
    """Seconds' allowances that may be refused until refusing costs more than hanging up."""
    layouts: OrderedDict[int, float] | None = None
    """Hashes of layouts, and when each was announced; made for the first."""
    metrics: Novelty | None = None
    subjects: Novelty | None = None
    """The names of metrics and subjects that it told; made for the first."""
    now: float = -1.0
    paid: int = -1
    """The last epoch that was paid for since ``at``."""

    def at(self, now: float) -> None:
        """It is ``now``; called once for all frames that are taken together."""
        self.now, self.paid = now, -1
        self.messages.open(now)
        self.volume.open(now)

    def frame(self, size: int) -> None:
        """A frame of ``size`` bytes came."""
        messages, volume = self.messages, self.volume
        if messages.tokens > 0 and volume.tokens > 0:
            messages.tokens -= 1
            volume.tokens -= size
            return
        allowed = self.allowed
        self.patience.spend(1 / allowed.messages + size / allowed.bytes)
        raise Malformed("rate", f"more than {allowed.messages:,.0f} messages or {allowed.bytes:,.0f} bytes a second")

    def spent(self, count: int) -> None:
        """The frame held ``count`` messages."""
        self.messages.tokens -= count - 1

    def hello(self) -> None:
        """A HELLO came."""
        if not self.hellos.open(self.now):
            self.patience.spend(HELLO_PATIENCE)
            raise Malformed("rate", f"asks more than {self.allowed.hellos:g} times a second")
        self.hellos.spend(1)

    def epoch(self, epoch: int) -> None:
        """A message of ``epoch`` came."""
        if epoch == self.paid:
            return
        if not self.epochs.take(epoch, self.now):
            raise Malformed("epochs", f"more than {self.allowed.epochs} epochs at a time")
        self.paid = epoch

    def subject(self, subject: bytes) -> None:
        """A message about ``subject`` came."""
        most = self.allowed.subjects
        if self.subjects is None:
            self.subjects = Novelty(most, self.now)
        if not self.subjects.take((subject,), self.now):
            raise Malformed("subjects", f"speaks of more than {most:,} new subjects a day")

    def layout(self, body: bytes) -> None:
        """A layout came; a new one may be thousands of new series to the store."""
        layouts = self.layouts
        if layouts is None:
            layouts = self.layouts = OrderedDict()
        known = layouts.get(key := hash(body))
        if known is None or self.now - known > LAYOUT_SECONDS:
            if not self.layout_bytes.open(self.now):
                raise Malformed("layouts", f"more than {self.allowed.layout_bytes:,.0f} bytes of new layouts a second")
            self.layout_bytes.spend(len(body))
            self._name(body)
        layouts[key] = self.now
        layouts.move_to_end(key)
        if len(layouts) > MOST_LAYOUTS:
            layouts.popitem(last=False)

    def _name(self, body: bytes) -> None:
        """Pay for the metrics of a layout; the store refuses what is none."""
        try:
            names = _LAYOUT.decode(body).names
        except Unfit:
            return
        most = self.allowed.metrics
        if self.metrics is None:
            self.metrics = Novelty(most, self.now)
        # Of known names layouts without end can be made too: each costs the hub as much memory again.
        parts = ((body, part) for part in range(1 + len(names) // LAYOUT_PARTS))
        if not self.metrics.take((*names, *parts), self.now):
            raise Malformed("metrics", f"names more than {most:,} new metrics a day")

    def is_paid(self, now: float) -> bool:
        """Whether it may be forgotten: known anew, it has no more to spend than now."""
        return all(told is None or told.is_paid(now) for told in (self.metrics, self.subjects))

    @property
    def hopeless(self) -> bool:
        """Whether it goes on far above its allowance, so that refusing costs more than hanging up."""
        return not self.patience.open(self.now)


Quotas = Mapping[str | bytes, Quota]
"""By name, in bytes where it is only claimed."""


class Limits:
    """All senders by name. Whoever was silent for ``LIVE_SECONDS``, and owes nothing, is forgotten when others come.

    Where there are too many at a time, the one that was known first has to begin anew.
    """

    def __init__(self, allowed: Allowance) -> None:
        self._allowed = allowed
        self._all: OrderedDict[str | bytes, Quota] = OrderedDict()

    def __len__(self) -> int:
        return len(self._all)

    @property
    def quotas(self) -> Quotas:
        """Those of all senders that are known, as of when ``of`` or ``Quota.at`` was called last."""
        return self._all

    def of(self, name: str | bytes, now: float) -> Quota:
        """The sender's quota, full at first; ``name`` in bytes where it is only claimed."""
        sender = self._all.get(name)
        if sender is None:
            self._forget(now)
            sender = self._all[name] = _quota(self._allowed, now)
        if sender.now != now:
            sender.at(now)
        return sender

    def of_claimed(self, name: bytes, now: float) -> Quota:
        """The same of a claim that nothing stands behind: all that are no names are one sender.

        Otherwise rubbish would leave a quota for each frame.
        """
        known = name in self._all or is_name(name.decode("ascii", "replace"))
        return self.of(name if known else b"", now)

    def _forget(self, now: float) -> None:
        """Look at the two that were looked at longest ago: a newcomer pays for more than itself."""
        senders = self._all
        for name in list(islice(senders, 2)):
            if now - senders[name].now >= LIVE_SECONDS and senders[name].is_paid(now):
                del senders[name]
            else:
                senders.move_to_end(name)
        if len(senders) >= MOST_SENDERS:
            senders.popitem(last=False)


def _quota(allowed: Allowance, now: float) -> Quota:
    return Quota(
        allowed,
        Bucket(allowed.messages, now),
        Bucket(allowed.bytes, now),
        Bucket(allowed.hellos, now, seconds=5.0),
        Bucket(allowed.layout_bytes, now, seconds=16.0),
        Places(allowed.epochs, LIVE_SECONDS),
        Bucket(2.0, now, seconds=PATIENCE_SECONDS / 2),
    )
