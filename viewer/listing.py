"""What is seen of a list: its rows, which of them are chosen and marked, and what its frame says of the rest. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from viewer.canvas import Pane, Span
from viewer.cells import fit
from viewer.palette import Role
from viewer.scene import Scene
from viewer.table import rows_in

Row = TypeVar("Row")
FRAME = 2
"""Lines of a list's pane that are its frame."""


@dataclass(frozen=True, slots=True)
class Seen(Generic[Row]):
    """The rows that fit, and what stands in the frame below them."""

    rows: Sequence[Row]
    chosen: int
    """The place of the chosen row among them; -1: it is not seen."""
    marked: frozenset[int]
    """The places of marked rows among them."""
    foot: list[Span]


def seen_of(
    scene: Scene, name: str, pane: Pane, rows: Sequence[Row], key: Callable[[Row], str], *, whole: str = ""
) -> Seen[Row]:
    """What is seen of the list ``name``; the scene remembers it. ``whole``: what the rows are a part of."""
    picking = scene.model.lists[name]
    page = rows_in(pane.height - FRAME)
    top = picking.first_line(page, len(rows)) if page else 0
    seen = rows[top : top + page]
    keys = [key(row) for row in seen]
    scene.note(name, top, keys)
    foot: list[Span] = []
    if seen and len(rows) > page:
        foot.append((f"{top + 1}–{top + len(seen)} of {whole or len(rows)}", Role.SOFT))
    if scene.model.filter and name != "pulse":  # Pulse has those that need a look, whatever is filtered elsewhere.
        foot.append((f"filter {fit(scene.model.filter, 24)}", Role.ACCENT))
    if picking.marked:
        foot.append((f"✓ {len(picking.marked)} marked", Role.ACCENT))
    place = picking.place() - top
    marked = frozenset(at for at, one in enumerate(keys) if one in picking.marked)
    return Seen(seen, place if 0 <= place < len(seen) else -1, marked, foot)
