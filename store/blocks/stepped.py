"""The metrics of files of blocks in steps of time, put together once for as long as the files are the same.

A chart is drawn again each few seconds with another end; of what it shows only the last minutes are others than before.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from store.blocks.files import Blocks
from store.blocks.parts import ROLLUP
from store.blocks.segments import Segment
from store.columns import Measured, Steps, interval_of, measured, united
from store.keys import SAMPLE
from store.pieces import Piece, of_columns, of_rollup, together
from store.rollup import cut, opened
from store.spans import RAW, TIERS

Read = Callable[[Sequence[Segment]], list[Piece]]
MOST_EDGES, MOST_OF_EDGE = 256, 16_384
"""So many edges are remembered, of so many bytes each at most."""


class Edge(NamedTuple):
    """Rows from ``start`` to a time that stays, put together; from any time up to the first of them they are the same.

    Where a range begins within a span of a rollup, rows answer until its end: each second for other times, and with
    rows ten seconds apart for the same ones.
    """

    start: int
    measured: Measured
    piece: Piece


class Stepped:
    """Asks the files that ``blocks`` knows. Times are from ``start`` to ``end``, which is not included."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._edges: dict[Hashable, Edge] = {}

    def raw(self, subject: str, globs: Sequence[str], grid: Steps, start: int, end: int) -> list[Piece]:
        """The rows in blocks."""
        if start >= end:
            return []
        blocks, of = self._blocks, (subject, tuple(globs), grid.length, end)

        def read(segments: Sequence[Segment]) -> list[Piece]:
            faults = blocks.faults
            found = blocks.columns(subject, globs, start, end - 1)
            rows = united(found) if found else None
            piece = of_columns("blocks", rows, grid, start, end) if rows is not None else None
            if rows is None or piece is None:
                return []
            if blocks.faults == faults and piece.rolled.bytes <= MOST_OF_EDGE:
                if len(self._edges) >= MOST_EDGES:
                    self._edges.clear()
                measures = measured(rows.times, end, interval_of(rows.times))
                self._edges[of, tuple(one.identity for one in segments)] = Edge(start, measures, piece)
            return [piece]

        def look() -> list[Piece]:
            edge = self._edges.get((of, blocks.identities(SAMPLE, RAW, start, end - 1)))
            if edge is not None and edge.start <= start <= edge.measured.first:
                return [replace(edge.piece, covered=edge.measured.share(start, end) * (end - start))]
            return self._looked((RAW, start, end), subject, globs, grid, read)

        return blocks.settled(look)

    def rolled(self, tier: str, subject: str, globs: Sequence[str], grid: Steps, start: int, end: int) -> list[Piece]:
        """The rollups whose spans start then."""

        def read(segments: Sequence[Segment]) -> list[Piece]:
            found = [piece for one in segments for piece in self._rolled(one, tier, subject, globs, grid, start, end)]
            return together(found)

        return self._blocks.settled(partial(self._looked, (tier, start, end), subject, globs, grid, read))

    def _looked(
        self, what: tuple[str, int, int], subject: str, globs: Sequence[str], grid: Steps, read: Read
    ) -> list[Piece]:
        """What was read of the same files before, or what ``read`` finds; raises ``Gone``."""
        blocks, (tier, start, end) = self._blocks, what
        identities = blocks.identities(SAMPLE, tier, start, end - 1)
        key = what, subject, tuple(globs), grid.length, identities
        found: list[Piece] | None = blocks.kept.get(key)
        if found is None:
            faults = blocks.faults
            segments = blocks.segments(SAMPLE, tier, start, end - 1)
            key = *key[:-1], tuple(one.identity for one in segments)
            found = [replace(piece, rolled=piece.rolled.alone()) for piece in read(segments)]
            if blocks.faults == faults:
                blocks.kept.put(key, found, sum(piece.rolled.bytes for piece in found))
        return found

    def _rolled(
        self, segment: Segment, tier: str, subject: str, globs: Sequence[str], grid: Steps, start: int, end: int
    ) -> Iterator[Piece]:
        kept = self._blocks.kept
        for place, names, wanted in self._blocks.wanted(segment, subject, globs):
            if place.what != ROLLUP or not wanted:
                continue
            with self._blocks.whole(segment.path, place):
                key = segment.identity, place.offset, wanted
                one = kept.get(key)
                if one is None:
                    where = {name: at for at, name in enumerate(names)}
                    part = segment.part(place)
                    if len(wanted) * 2 > len(names):
                        part = part.all_read()
                    one = opened(part, [where[name] for name in wanted])
                    kept.put(key, one, one.bytes)
                few = cut(one, start, end)
                if len(few.starts):
                    yield of_rollup(tier, wanted, few, TIERS[tier], grid)
