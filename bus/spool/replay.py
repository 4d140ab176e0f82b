"""What a journal adds to what stands in the spool's file. Pure.

The file names the life of the journal whose entries go on where it ends; it takes them in and names another life in one
transaction. So an entry is either in the file or of the life that the file names, and never both. All of a life are of
the newest epoch: the first messages of an epoch go into the file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from bus.delivery.retention import Evicted, Extent, gone
from bus.messages import Loss
from bus.spool.entry import Entry, first_life, found
from bus.spool.file import Totals
from bus.wire import HEADER, Malformed, pack, read, record

Noted = tuple[int, Sequence[bytes]]
"""Messages that stand in the journal: the number of the first of them, and they."""


class Replayed(NamedTuple):
    """What is to be taken into the file, and what is wrong with the journal, "" for nothing."""

    noted: list[Noted]
    wrong: str


def replayed(
    content: bytes, wrong: str, extents: dict[int, Extent], totals: Totals, cost: Callable[[int], int]
) -> Replayed:
    """The entries of the life that ``totals`` names; brings ``extents`` and ``totals`` to where these end.

    Messages that a damaged entry held stand as b"" where others after it tell that they were there. ``wrong``: what was
    found in reading it.
    """
    if first_life(content) not in (None, totals.life, totals.written):
        wrong = wrong if wrong and totals.life else "is of another spool, or of this one at another time"
    elif not totals.life:
        # Nothing that it holds counts, whole or not.
        wrong = ""
    elif len(content) < totals.journal_bytes:
        wrong = wrong or "is cut short"
    entries, missing = found(content, totals.life) if totals.life else ([], 0)
    wrong = wrong or ("was damaged" if missing else "")
    newest = next(reversed(extents.values()), None)
    noted: list[Noted] = []
    for entry in entries:
        gap = entry.first - newest.last - 1 if newest is not None else 0
        fits = 0 <= gap <= (len(content) // HEADER.size if missing else 0)
        if newest is None or entry.epoch != newest.epoch or not fits:
            wrong = wrong or "does not go on where the spool ends"
            break
        if gap:
            noted.append((newest.last + 1, [b""] * gap))
        noted.append((entry.first, entry.packed))
        newest.last += gap + len(entry.packed)
        _learn(entry, extents, totals)
    totals.used += sum(cost(len(one)) for _, packed in noted for one in packed)
    return Replayed(noted, wrong)


def left(content: bytes, source: str) -> tuple[dict[int, Extent], Totals]:
    """What a new file has to know to take in a journal whose own file is lost; nothing when it is not of this source.

    It may tell what stood in that file already: the store knows a message by its number.
    """
    life = first_life(content) or 0
    entries = found(content, life).entries if life else []
    if not entries or not entries[0].packed:
        return {}, Totals()
    first = entries[0]
    try:
        told = read(first.packed[0])[0]
    except Malformed:
        return {}, Totals()
    if (told.source, told.epoch, told.number) != (source, first.epoch, first.first):
        return {}, Totals()
    extent = Extent(1, first.epoch, first.first, first.first - 1)
    return {first.epoch: extent}, Totals(life=life, journal_bytes=len(content))


def went(before: dict[int, Extent], now: dict[int, Extent]) -> list[Evicted]:
    """What went unseen while a file was opened anew in the middle of a life: who sends must not wait for it."""
    evicted = []
    for one in before.values():
        base = now[one.epoch].base if one.epoch in now else one.last + 1
        if one.base < base:
            evicted.append(gone(one.copied(), base - 1))
    return evicted


def carry_over(before: dict[int, Extent], now: dict[int, Extent]) -> None:
    """Know the watermarks still that the file was not told of before it was opened anew: nobody tells them again."""
    for one in before.values():
        if one.epoch in now:
            now[one.epoch].acked, now[one.epoch].once = one.acked, one.once


def stand_in(source: str, epoch: int, number: int) -> bytes:
    """What stands in for a message that the disk damaged."""
    loss = Loss(source, 0, number, number, f"damaged on disk in epoch {epoch:016x}")
    return pack(record(loss, source=source, at=0, epoch=epoch, number=number))


def _learn(entry: Entry, extents: dict[int, Extent], totals: Totals) -> None:
    totals.running, totals.generation = entry.running, entry.generation
    for epoch, acked, once in entry.watermarks:
        if epoch in extents:
            extents[epoch].acked, extents[epoch].once = acked, once
