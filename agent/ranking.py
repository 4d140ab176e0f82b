"""Which processes used most, from two readings of the process table. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import NamedTuple

from bus.harmless import printable


class Seen(NamedTuple):
    """One process as the kernel tells it: times in ticks, memory in pages."""

    name: bytes
    ticks: int
    started: int
    pages: int


class Ranked(NamedTuple):
    """One process that used much; ``cpu_percent`` is of one core."""

    pid: int
    seen: Seen
    cpu_percent: float


def parsed(text: bytes) -> Seen:
    """The process in the text of /proc/PID/stat: ``1 (na me) S``, then numbers; the name may hold anything.

    Raises ``ValueError`` or ``IndexError`` when it is cut short.
    """
    start, end = text.index(b"(") + 1, text.rindex(b")")
    words = text[end + 2 :].split(None, 22)
    return Seen(text[start:end], int(words[11]) + int(words[12]), int(words[19]), int(words[21]))


def shown(name: bytes) -> str:
    """A process's name as text that commands no terminal."""
    return printable(name.decode("utf-8", "replace"))


def ranked(
    before: Mapping[int, Seen], after: Mapping[int, Seen], elapsed: float, ticks_per_second: int, count: int
) -> list[Ranked]:
    """The ``count`` processes that used most CPU in the ``elapsed`` seconds and the ``count`` with most memory.

    A process that has begun since used all its time since; of one that is older and could not be read before, nobody
    knows how much. The busiest come first.
    """
    if elapsed <= 0:
        return []
    grown = {}
    newest = max((seen.started for seen in before.values()), default=0)
    for pid, seen in after.items():
        earlier = before.get(pid)
        if earlier is not None and earlier.started == seen.started:
            grown[pid] = max(0, seen.ticks - earlier.ticks)
        else:
            grown[pid] = seen.ticks if seen.started >= newest else 0
    pages = {pid: seen.pages for pid, seen in after.items() if seen.pages}
    busiest = heapq.nlargest(count, [pid for pid, ticks in grown.items() if ticks], key=grown.__getitem__)
    largest = heapq.nlargest(count, pages, key=pages.__getitem__)
    chosen = dict.fromkeys([*busiest, *largest])
    rows = [Ranked(pid, after[pid], 100.0 * grown[pid] / ticks_per_second / elapsed) for pid in chosen]
    return sorted(rows, key=lambda row: (-row.cpu_percent, -row.seen.pages, row.pid))
