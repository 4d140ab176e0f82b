"""Numbers as pictures made of characters: areas, lines, sparks and meters. Pure.

Values come one per *dot column*; None is a gap and stays empty, while a zero shows its dot on the ground line.
Nothing is ever drawn outside the rows and columns asked for, whatever the values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Glyphs = Literal["braille", "block", "tty", "ascii"]
Values = Sequence[float | None]

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Bits of a braille character: by column, from the top down."""


def _column(dots: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The bits of so many dots, 0 to 4, and those of that dot alone."""
    return tuple(sum(dots[:full]) for full in range(5)), (0, *dots)


_COLUMNS = tuple((_column(dots[::-1]), _column(dots)) for dots in _DOTS)
"""For the left and the right column of a character: dots that stand, and dots that hang."""
_BLOCKS = " ▁▂▃▄▅▆▇█"
_HALVES = " ▄█"
_ASCII = " .:#"
_SHADED: dict[Glyphs, str] = {"block": _BLOCKS, "tty": _HALVES, "ascii": _ASCII}
_SPARKS = {"braille": "▁▂▃▄▅▆▇█", "block": "▁▂▃▄▅▆▇█", "tty": "··░░▒▒▓█", "ascii": "_.:-=+*#"}
_BINARY_STEPS = (*(part * 2**power for power in range(10) for part in (1, 1.5)), 1024)
_LINE_MARKS: dict[Glyphs, str] = {"block": "•◦+×▪▫", "tty": "*o+x#%", "ascii": "*o+x#%"}

DOTS: dict[Glyphs, tuple[int, int]] = {"braille": (2, 4), "block": (1, 8), "tty": (1, 2), "ascii": (1, 3)}
"""Dot columns and dot rows in a cell."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What the lowest and the highest line of a chart mean."""

    low: float
    high: float

    def fraction(self, value: float) -> float:
        """Where ``value`` lies, 0 to 1; beyond the ends it is held there."""
        if math.isnan(value):
            return 0.0
        span = self.high - self.low
        return max(0.0, min(1.0, (value - self.low) / span)) if span > 0 else 0.0


PERCENT = Scale(0.0, 100.0)


def nice(most: float | None, *, least: float = 1.0, base: float = 10.0) -> Scale:
    """A scale from 0 whose end is a round number at or above ``most``; ``base`` 1,024 rounds as bytes do."""
    top = least if most is None or not math.isfinite(most) else max(least, min(most, 1e300))
    unit = base ** math.floor(math.log(top, base) + 1e-9)
    steps = (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if base == 10.0 else _BINARY_STEPS
    return Scale(0.0, next((step * unit for step in steps if step * unit >= top * (1 - 1e-9)), top))


def area(
    values: Values,
    width: int,
    height: int,
    scale: Scale,
    glyphs: Glyphs,
    *,
    peaks: Values = (),
    hang: bool = False,
) -> list[str]:
    """A filled area in ``height`` rows of ``width`` cells.

    ``peaks`` add a dot above it (braille only). ``hang`` makes it grow downwards from the top.
    """
    across, up = DOTS[glyphs]
    levels = [_level(value, scale, height * up) for value in _held(values, width * across)]
    tops = [_level(value, scale, height * up) for value in _held(peaks, width * across)] if peaks else []
    rows = []
    for row in range(height):
        ground = (row if hang else height - 1 - row) * up
        if glyphs == "braille":
            rows.append(_braille_row(levels, tops, width, ground, hang))
        else:
            rows.append(_shaded_row(levels[:width], ground, up, glyphs, hang))
    return rows


def lines(
    series: Sequence[Values], width: int, height: int, scale: Scale, glyphs: Glyphs
) -> list[list[tuple[str, int]]]:
    """Several lines in one chart: rows of (character, place of the series), place -1 for an empty cell."""
    if height < 1:
        return []
    across, up = DOTS[glyphs] if glyphs == "braille" else (1, 1)
    dots = [[0] * width for _ in range(height)]
    owner = [[-1] * width for _ in range(height)]
    for place, values in enumerate(series):
        for x, y in _line(_held(values, width * across), scale, height * up):
            row, column = height - 1 - y // up, x // across
            if glyphs == "braille":
                dots[row][column] |= _DOTS[x % 2][3 - y % 4]
            owner[row][column] = place
    if glyphs == "braille":
        return [
            [(chr(0x2800 + dot) if dot else " ", place) for dot, place in zip(*pair, strict=True)]
            for pair in zip(dots, owner, strict=True)
        ]
    marks = _LINE_MARKS[glyphs]
    return [[(marks[place % 6] if place >= 0 else " ", place) for place in row] for row in owner]


def mark(place: int, glyphs: Glyphs) -> str:
    """What a line of ``lines`` is made of, to stand beside its name; empty where colours alone tell lines apart."""
    return "" if glyphs == "braille" else _LINE_MARKS[glyphs][place % 6]


def spark(values: Values, width: int, scale: Scale, glyphs: Glyphs) -> str:
    """A line of ``width`` characters, one for each of the newest values."""
    signs = _SPARKS[glyphs]
    newest = _held(values, width)
    return "".join(" " if v is None else signs[min(7, int(scale.fraction(v) * 8))] for v in newest)


def meter(fraction: float | None, width: int) -> tuple[str, str]:
    """A bar of ``width`` cells: its full part and its empty part."""
    if fraction is None or not math.isfinite(fraction):
        return "", "╌" * max(0, width)
    halves = round(max(0.0, min(1.0, fraction)) * width * 2)
    full = "━" * (halves // 2) + ("╸" if halves % 2 else "")
    return full, "─" * (width - len(full))


def _held(values: Values, size: int) -> list[float | None]:
    """The newest ``size`` values, filled with gaps at the old end; what is not finite is a gap."""
    newest = [v if v is not None and math.isfinite(v) else None for v in values[max(0, len(values) - size) :]]
    return [None] * (size - len(newest)) + newest


def _level(value: float | None, scale: Scale, dots: int) -> int:
    """How many dots high; 0 is a gap, so that a zero is still seen as one dot."""
    return 0 if value is None else max(1, round(scale.fraction(value) * dots))


def _braille_row(levels: list[int], tops: list[int], width: int, ground: int, hang: bool) -> str:
    highest = max(max(levels, default=0), max(tops, default=0))
    if highest <= ground:
        return " " * width
    if levels and min(levels) >= ground + 4:
        return "⣿" * width
    columns = (_COLUMNS[0][hang], _COLUMNS[1][hang])
    halves = []
    for place, level in enumerate(levels):
        filled, dots = columns[place & 1]
        full = level - ground
        bits = filled[4 if full > 4 else full if full > 0 else 0]
        if tops and level < tops[place] and 0 < tops[place] - ground <= 4:
            bits |= dots[tops[place] - ground]
        halves.append(bits)
    pairs = zip(halves[::2], halves[1::2], strict=True)
    return "".join([chr(0x2800 + (left | right)) if left or right else " " for left, right in pairs])


def _shaded_row(levels: list[int], ground: int, up: int, glyphs: Glyphs, hang: bool) -> str:
    signs = _SHADED[glyphs]
    cells = []
    for level in levels:
        full = max(0, min(up, level - ground))
        if hang and glyphs == "block":
            # There are no characters that hang by eighths: a half block is as near as it gets.
            cells.append("█" if full >= 6 else "▀" if full else " ")
        elif hang and glyphs == "tty":
            cells.append(" ▀█"[full])
        elif hang:
            cells.append("#" if full == up else "'" if full else " ")
        else:
            cells.append(signs[full])
    return "".join(cells)


def _line(values: list[float | None], scale: Scale, dots: int) -> list[tuple[int, int]]:
    """The dots of one line, joined upright where it is steep."""
    found: list[tuple[int, int]] = []
    before: int | None = None
    for x, value in enumerate(values):
        if value is None:
            before = None
            continue
        y = min(dots - 1, round(scale.fraction(value) * (dots - 1)))
        if before is None or before == y:
            found.append((x, y))
        else:
            step = 1 if y > before else -1
            found += [(x, between) for between in range(before + step, y + step, step)]
        before = y
    return found
