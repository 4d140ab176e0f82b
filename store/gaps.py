"""What became of each producer's messages: sent, stored, lost and why, since any time. Pure.

Counts come from the streams, which are exact, less what an earlier tally says they were. The ledger of losses
gives the reasons: it is written with the same commits, and its entries come after the tally that they follow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bus.delivery.stream import Stream
from bus.messages import Loss, StreamTally, Tally
from bus.questions import Accounted, GapEntry
from store.account import MOST_STREAMS, tallied

MOST_ENTRIES = 100
"""So many entries of the ledger are given for each producer, the newest."""
MOST_TOLD = 2**63 - 1
"""A producer may claim any numbers; a count is told up to here, since an answer holds no larger ones."""
_NOTHING = (0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Mark:
    """A tally, and when it was written, ns."""

    at: int
    tally: Tally


def accounted(
    source: str, streams: Sequence[Stream], mark: Mark | None, ledger: Iterable[tuple[int, Loss]]
) -> Accounted:
    """The account of one producer since ``mark``, None: since it was first heard; ``ledger`` by time from there on."""
    before = {one.epoch: _counts(one) for one in mark.tally.streams} if mark else {}
    since = mark.at if mark else 0
    full = len(before) >= MOST_STREAMS
    totals = _NOTHING
    waiting = 0
    for stream in streams:
        now = tallied(stream)
        counts = _counts(now)
        waiting += now.last - now.stored - now.rejected - now.lost
        # A tally that names as many streams as it can leaves out those that were over long before it.
        earlier = before.get(stream.epoch, counts if full and stream.seen * 1e9 <= since else _NOTHING)
        totals = _sum(totals, _less(counts, earlier))
    reasons, entries = _reasons(ledger)
    sent, stored, duplicates, rejected, lost, waiting = (min(count, MOST_TOLD) for count in (*totals, waiting))
    seen = int(max((stream.seen for stream in streams), default=0.0) * 1e9)
    return Accounted(
        source, since, seen, sent, stored, duplicates, rejected, lost, waiting, reasons, entries[-MOST_ENTRIES:]
    )


def _reasons(ledger: Iterable[tuple[int, Loss]]) -> tuple[dict[str, int], tuple[GapEntry, ...]]:
    reasons: Counter[str] = Counter()
    entries = []
    for at, loss in ledger:
        reasons[loss.reason] += loss.last - loss.first + 1
        entries.append(GapEntry(at, loss.epoch, loss.first, loss.last, loss.reason))
    return {reason: min(count, MOST_TOLD) for reason, count in reasons.most_common()}, tuple(entries)


Counts = tuple[int, int, int, int, int]


def _counts(one: StreamTally) -> Counts:
    return one.last, one.stored, one.duplicates, one.rejected, one.lost


def _less(a: Counts, b: Counts) -> Counts:
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2], a[3] - b[3], a[4] - b[4])


def _sum(a: Counts, b: Counts) -> Counts:
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4])
