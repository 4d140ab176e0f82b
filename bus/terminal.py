"""Rows of text in columns, for whoever reads them in a terminal. Pure."""

from __future__ import annotations

from collections.abc import Container, Sequence

from bus.harmless import safe


def aligned(rows: Sequence[Sequence[str]], right: Container[int] = ()) -> str:
    """A line for each row, its cells in columns; the columns in ``right`` are flush right."""
    cells = [[safe(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = (
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)
