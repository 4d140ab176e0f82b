"""A grid of cells to draw on, and what to write so that a terminal shows it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from viewer.cells import cells, console_cells, plain_cells, width
from viewer.palette import Palette

Span = tuple[str, int]
"""A piece of text and its style."""

BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"
"""Synchronised output: a terminal that knows it shows the frame at once, others ignore it."""

_NEAR = 6
"""Unchanged cells between two changes that are cheaper to write again than to jump over."""


class Canvas:
    """``height`` rows of ``width`` cells; ``plain`` keeps it to ASCII, ``console`` to what a text console has."""

    def __init__(
        self, width: int, height: int, *, plain: bool = False, console: bool = False, blank: str = " "
    ) -> None:
        self.width = width
        self.height = height
        self.cut = plain_cells if plain else console_cells if console else cells
        self.texts = [[blank] * width for _ in range(height)]
        self.styles = [[0] * width for _ in range(height)]

    def pane(self) -> Pane:
        """All of it, to draw on."""
        return Pane(self, 0, 0, self.width, self.height)

    def write(self, x: int, y: int, found: tuple[str, ...], style: int) -> None:
        """Put cells that are known to fit; halves of wide characters that this cuts become blanks."""
        row = self.texts[y]
        end = x + len(found)
        if row[x] == "" and x:
            row[x - 1] = " "
        if end < self.width and row[end] == "":
            row[end] = " "
        row[x:end] = found
        self.styles[y][x:end] = [style] * len(found)

    def text(self) -> str:
        """The picture as lines of text, without colours and without blanks at the ends."""
        return "\n".join("".join(row).rstrip() for row in self.texts) + "\n"

    def coloured(self, palette: Palette) -> str:
        """The picture as lines of text with colours."""
        lines = []
        for texts, styles in zip(self.texts, self.styles, strict=True):
            lines.append(_run(texts, styles, 0, self.width, palette, [-1]) + "\x1b[0m")
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Pane:
    """A rectangle of a canvas with coordinates of its own; what does not fit into it is not drawn."""

    canvas: Canvas
    left: int
    top: int
    width: int
    height: int

    def part(self, x: int, y: int, width: int, height: int) -> Pane:
        """The part of this rectangle that begins at ``x``, ``y`` and is at most so large."""
        x, y = max(0, min(x, self.width)), max(0, min(y, self.height))
        return Pane(
            self.canvas,
            self.left + x,
            self.top + y,
            max(0, min(width, self.width - x)),
            max(0, min(height, self.height - y)),
        )

    def put(self, x: int, y: int, text: str, style: int = 0) -> int:
        """Write ``text`` from column ``x`` on; returns the column after it."""
        found = self.canvas.cut(text)
        after = x + len(found)
        if not 0 <= y < self.height or x >= self.width or after <= 0:
            return after
        if x < 0 or after > self.width:
            found = _clipped(found, max(0, -x), min(len(found), self.width - x))
            x = max(0, x)
        if found:
            self.canvas.write(self.left + x, self.top + y, found, style)
        return after

    def spans(self, x: int, y: int, spans: Iterable[Span]) -> int:
        """Write pieces one after the other; returns the column after them."""
        for text, style in spans:
            x = self.put(x, y, text, style)
        return x

    def right(self, y: int, text: str, style: int = 0, *, x: int | None = None) -> int:
        """Write ``text`` so that it ends before column ``x`` (the right edge); returns where it begins."""
        begin = (self.width if x is None else x) - width(text)
        self.put(begin, y, text, style)
        return begin

    def centre(self, y: int, text: str, style: int = 0) -> None:
        """Write ``text`` in the middle of row ``y``."""
        self.put(max(0, (self.width - width(text)) // 2), y, text, style)

    def bar(self, y: int, mark: int) -> None:
        """Add ``mark`` to the style of the whole row."""
        if 0 <= y < self.height:
            styles = self.canvas.styles[self.top + y]
            for x in range(self.left, self.left + self.width):
                styles[x] |= mark


def _clipped(found: tuple[str, ...], begin: int, end: int) -> tuple[str, ...]:
    kept = list(found[begin:end])
    if kept and kept[0] == "":
        kept[0] = " "
    if kept and end < len(found) and found[end] == "":
        kept[-1] = " "
    return tuple(kept)


@dataclass(slots=True)
class Painter:
    """Remembers what the terminal shows, and says what to write so that it shows the next picture."""

    palette: Palette
    _shown: Canvas | None = field(default=None, repr=False)

    def forget(self) -> None:
        """The terminal's contents are unknown: the next picture is written whole."""
        self._shown = None

    def paint(self, canvas: Canvas) -> str:
        """What to write; empty where nothing changed."""
        shown = self._shown
        fresh = shown is None or (shown.width, shown.height) != (canvas.width, canvas.height)
        parts = ["\x1b[0m\x1b[2J"] if fresh or shown is None else []
        # Where a theme has a background, blanks are written too: not every terminal clears with a colour.
        blank = "\0" if self.palette.theme.background else " "
        before = Canvas(canvas.width, canvas.height, blank=blank) if fresh or shown is None else shown
        style = [-1]
        for y in range(canvas.height):
            texts, styles = canvas.texts[y], canvas.styles[y]
            if texts == before.texts[y] and styles == before.styles[y]:
                continue
            for begin, end in _changes(texts, styles, before.texts[y], before.styles[y]):
                parts.append(f"\x1b[{y + 1};{begin + 1}H")
                parts.append(_run(texts, styles, begin, end, self.palette, style, y=y))
        self._shown = canvas
        if not parts:
            return ""
        return f"{BEGIN}{''.join(parts)}\x1b[0m{END}"


def _changes(texts: list[str], styles: list[int], old_texts: list[str], old_styles: list[int]) -> list[tuple[int, int]]:
    """The stretches to write, none beginning or ending inside a wide character."""
    found: list[tuple[int, int]] = []
    size = len(texts)
    for x in range(size):
        if texts[x] == old_texts[x] and styles[x] == old_styles[x]:
            continue
        begin = x - 1 if texts[x] == "" and x else x
        end = x + 2 if x + 1 < size and texts[x + 1] == "" else x + 1
        if found and begin - found[-1][1] <= _NEAR:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found


def _run(
    texts: list[str],
    styles: list[int],
    begin: int,
    end: int,
    palette: Palette,
    current: list[int],
    *,
    y: int | None = None,
) -> str:
    """The cells from ``begin`` to ``end``; ``current`` holds the style that is set, before and after."""
    parts: list[str] = []
    style = current[0]
    for x in range(begin, end):
        if styles[x] != style and texts[x]:
            style = styles[x]
            parts.append(palette.sequence(style))
        parts.append(texts[x])
        if texts[x] == "" and y is not None and x + 1 < end:
            # Terminals do not agree on which characters are wide: say where to go on.
            parts.append(f"\x1b[{y + 1};{x + 2}H")
    current[0] = style
    return "".join(parts)
