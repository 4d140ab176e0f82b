"""Which of the hub's programs are not meant to run any more: those beyond as many of a kind as there are to be. Pure.

Of some programs there are several, numbered by their place: ``guardia.api-1``, ``guardia.collector-2``; the first
collector has no number. Each tells with its vitals how many of its kind its configuration asks for (``COPIES``). The
newest word counts: where they become fewer, those at the end fall silent, and nothing is wrong with that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

COPIES = "program.copies"
_NUMBERED = re.compile(r"(.+)-([1-9][0-9]{0,3})\Z")


def place_of(program: str) -> tuple[str, int]:
    """The kind of program, and its place among its kind."""
    found = _NUMBERED.match(program)
    return (found[1], int(found[2])) if found else (program, 1)


@dataclass
class Copies:
    """How many of each kind there are to be."""

    _newest: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By kind: when it was told, and how many."""

    def heard(self, program: str, copies: float | None, at: int) -> bool:
        """Note what ``program`` told at ``at`` (ns); whether there are to be more or fewer of its kind than before."""
        kind, _ = place_of(program)
        before = self._newest.get(kind)
        if copies is None or not 1 <= copies <= 9999 or (before and at < before[0]):
            return False
        self._newest[kind] = at, int(copies)
        return before is None or before[1] != int(copies)

    def surplus(self, program: str) -> bool:
        """Whether there are to be fewer of its kind than its place."""
        kind, place = place_of(program)
        return place > self._newest.get(kind, (0, place))[1]
