"""Whole numbers as operators write them: ``200-299, 404`` or ``2xx, 404``. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_PART = re.compile(r"\s*(?:([0-9]{3})(?:\s*-\s*([0-9]{3}))?|([1-5])xx)\s*\Z")


@dataclass(frozen=True, slots=True)
class Statuses:
    """HTTP status codes, as ranges whose ends belong to them; in order, none touching another."""

    ranges: tuple[tuple[int, int], ...]

    def __contains__(self, code: int) -> bool:
        return any(low <= code <= high for low, high in self.ranges)

    def __str__(self) -> str:
        return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in self.ranges)


def statuses(text: str) -> Statuses:
    """The codes that ``text`` names; raises ``ValueError``, whose words follow *found*."""
    return Statuses(tuple(_joined(sorted(_parts(text)))))


def _parts(text: str) -> Iterator[tuple[int, int]]:
    for part in text.split(","):
        found = _PART.match(part)
        if not found:
            raise ValueError(f'"{part.strip()}"' if part.strip() else "a part without a number")
        if found[3]:
            yield int(found[3]) * 100, int(found[3]) * 100 + 99
            continue
        low, high = int(found[1]), int(found[2] or found[1])
        if low > high:
            raise ValueError(f"{low}-{high}, which ends before it begins")
        if low < 100 or high > 599:
            raise ValueError(f"{low if low < 100 else high}, which is no status")
        yield low, high


def _joined(ranges: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """``ranges``, which are sorted, with those in one that overlap or touch."""
    begin, end = ranges[0]
    for low, high in ranges[1:]:
        if low <= end + 1:
            end = max(end, high)
        else:
            yield begin, end
            begin, end = low, high
    yield begin, end
