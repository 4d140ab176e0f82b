"""What there is between two times, as long as it is the same. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from store.pieces import Piece
from store.plan import Plans, Stretch

Source = tuple[int, int, int]
"""When a partition begins, when it was written to, the number of its last transaction."""


class Scope(NamedTuple):
    """What there is between two times: files of rows and blocks, the days of late rows, and what follows from them.

    ``waiting`` are the partitions of samples that hold rows which are in no block, and their time; ``sealed`` the
    others, and up to where blocks have them.
    """

    files: tuple[object, ...]
    late: frozenset[int]
    waiting: dict[Path, Stretch]
    sealed: dict[Path, Source | None]
    plans: Plans


class Answered(NamedTuple):
    """What was answered of a scope, and the signs of the rows that were read."""

    scope: Scope
    signs: list[tuple[int, ...] | None]
    pieces: list[Piece]
