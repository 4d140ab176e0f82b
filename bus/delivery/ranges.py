"""A set of whole numbers kept as ranges, cheap while there are few holes. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

Span = tuple[int, int]
"""The numbers from the first to the last, both included."""


class Ranges:
    """Numbers as sorted spans that neither touch nor overlap."""

    __slots__ = ("_spans",)

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._spans: list[Span] = []
        for first, last in spans:
            self.add(first, last)

    def __bool__(self) -> bool:
        return bool(self._spans)

    def __len__(self) -> int:
        return len(self._spans)

    def __iter__(self) -> Iterator[Span]:
        return iter(self._spans)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._spans, (number, number))
        if at < len(self._spans) and self._spans[at][0] == number:
            return True
        return at > 0 and self._spans[at - 1][1] >= number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranges) and self._spans == other._spans

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Ranges({self._spans})"

    @property
    def count(self) -> int:
        """How many numbers are in the set."""
        return sum(last - first + 1 for first, last in self._spans)

    @property
    def last(self) -> int:
        """The highest number in the set, 0 when it is empty."""
        return self._spans[-1][1] if self._spans else 0

    def copy(self) -> Ranges:
        """The same numbers, to be changed on their own."""
        twin = Ranges()
        twin._spans = self._spans.copy()
        return twin

    def add(self, first: int, last: int) -> None:
        """Put the numbers ``first`` to ``last`` in; those that are in already stay."""
        spans = self._spans
        if not spans or first > spans[-1][1] + 1:
            spans.append((first, last))
            return
        low, high = self._touching(first - 1, last + 1)
        if low < high:
            first = min(first, spans[low][0])
            last = max(last, spans[high - 1][1])
        spans[low:high] = [(first, last)]

    def discard(self, first: int, last: int) -> None:
        """Take the numbers ``first`` to ``last`` out, as far as they are in."""
        spans = self._spans
        low, high = self._touching(first, last)
        if low == high:
            return
        rest = [(spans[low][0], first - 1), (last + 1, spans[high - 1][1])]
        spans[low:high] = [span for span in rest if span[0] <= span[1]]

    def missing(self, first: int, last: int) -> list[Span]:
        """The spans between ``first`` and ``last`` that are not in the set."""
        low, high = self._touching(first, last)
        holes = []
        for start, end in self._spans[low:high]:
            if start > first:
                holes.append((first, start - 1))
            first = end + 1
        if first <= last:
            holes.append((first, last))
        return holes

    def shared(self, first: int, last: int) -> list[Span]:
        """The spans between ``first`` and ``last`` that are in the set."""
        low, high = self._touching(first, last)
        return [(max(first, start), min(last, end)) for start, end in self._spans[low:high]]

    def absorb(self, watermark: int) -> int:
        """The end of the run that begins at ``watermark`` + 1 or before; what it covers leaves the set."""
        spans, gone = self._spans, 0
        for start, end in spans:
            if start > watermark + 1:
                break
            watermark, gone = max(watermark, end), gone + 1
        del spans[:gone]
        return watermark

    def _touching(self, first: int, last: int) -> tuple[int, int]:
        """The slice of spans that share a number with ``first`` to ``last``; empty at the place to insert."""
        spans = self._spans
        low = bisect_right(spans, (first, first))
        if low and spans[low - 1][1] >= first:
            low -= 1
        high = low
        while high < len(spans) and spans[high][0] <= last:
            high += 1
        return low, high
