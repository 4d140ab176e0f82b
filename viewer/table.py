"""A table whose columns come and go with the room there is. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from viewer.canvas import Pane, Span
from viewer.cells import fit, width
from viewer.palette import BAR, BOLD, Role

Row = TypeVar("Row")
Cell = Callable[[Row, int], Sequence[Span]]
"""A row's text in this column, given the width: numbers fit into the least width, words are cut by ``fit``."""


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column. Those of low ``rank`` come first when room is short; all but the first are drawn in order."""

    name: str
    title: str
    least: int
    cell: Cell[Row]
    rank: int = 0
    most: int = 0
    """The width up to which it takes what is left over; 0: it stays at its least."""
    to_right: bool = True
    first: bool = False
    """Whether it takes of what is left over before the others do."""


def choose(columns: Sequence[Column[Row]], room: int, gap: int) -> list[tuple[Column[Row], int]]:
    """The columns that fit into ``room``, with their widths."""
    kept: set[str] = set()
    used = -gap
    for column in sorted(columns, key=lambda column: column.rank):
        if used + gap + column.least <= room:
            used += gap + column.least
            kept.add(column.name)
        elif column.rank > 0:
            break  # a column of less weight does not push in where a weightier one had no room
    widths = {column.name: column.least for column in columns if column.name in kept}
    left = room - used
    while left > 0:
        growing = [c for c in columns if c.name in kept and widths[c.name] < c.most]
        growing = [c for c in growing if c.first] or growing
        if not growing:
            break
        for column in growing[:left]:
            widths[column.name] += 1
        left -= len(growing[:left])
    return [(column, widths[column.name]) for column in columns if column.name in kept]


def rows_in(lines: int) -> int:
    """How many rows fit into so many lines: heads take one, but not the only one."""
    return lines - 1 if lines > 1 else max(0, lines)


def draw(
    pane: Pane,
    columns: Sequence[Column[Row]],
    rows: Sequence[Row],
    *,
    chosen: int | None = None,
    sorted_by: str = "",
    reverse: bool = False,
    gap: int = 2,
    header: bool = True,
    marked: Collection[int] = (),
) -> None:
    """Draw as many rows as fit; the ``chosen`` one's line begins with ``▸``, that of a ``marked`` one with ``✓``."""
    mark = 0 if chosen is None else 2
    laid = choose(columns, pane.width - mark - (1 if mark else 0), gap)
    y = 0
    if header and pane.height > 1:
        x = mark
        for column, wide in laid:
            by = column.name == sorted_by
            title = f"{column.title}{'▴' if reverse else '▾'}" if by else column.title
            title = fit(title, wide)
            shift = wide - width(title) if column.to_right else 0
            pane.put(x + shift, y, title, Role.ACCENT | BOLD if by else Role.SOFT)
            x += wide + gap
        y = 1
    for place, row in enumerate(rows[: max(0, pane.height - y)]):
        x = mark
        if place == chosen:
            pane.put(0, y, "▸", Role.ACCENT | BOLD)
        if place in marked:
            pane.put(1, y, "✓", Role.ACCENT | BOLD)
        for column, wide in laid:
            spans = column.cell(row, wide)
            size = sum([width(text) for text, _ in spans])
            shift = max(0, wide - size) if column.to_right else 0
            if size <= wide:
                pane.spans(x + shift, y, spans)
            else:
                pane.part(x, y, wide, 1).spans(shift, 0, spans)
            x += wide + gap
        if place == chosen:
            pane.bar(y, BAR)
        y += 1
