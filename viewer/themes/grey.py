"""Shades of grey, the more urgent the brighter: for paper, and for eyes that want no colour. Pure."""

from __future__ import annotations

from viewer.palette import COLOURS, HEATS, OWN, SERIES, Colour, Role, Theme


def _grey(level: int, basic: int) -> Colour:
    return Colour(level, level, level, basic)


THEME = Theme(
    "grey",
    {
        **COLOURS,
        **dict.fromkeys((Role.ACCENT, Role.UP, Role.WARN, Role.DOWN, Role.UNKNOWN), OWN),
        **dict.fromkeys((Role.MEMORY, Role.INWARD), _grey(190, 7)),
        **dict.fromkeys((Role.SWAP, Role.OUTWARD), _grey(140, 8)),
        **{Role.HEAT0 + n: _grey(120 + 16 * n, 8 if n < 4 else 7) for n in range(HEATS)},
        **{Role.SERIES0 + n: _grey(230 - 18 * n, 7 if n < 3 else 8) for n in range(SERIES)},
    },
    bar_back=Colour(70, 70, 70, 8),
)
