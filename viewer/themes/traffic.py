"""Green, yellow and red, as on a traffic light: loud, and hard for one man in twelve. Pure."""

from __future__ import annotations

from viewer.palette import COLOURS, HEATS, Colour, Role, Theme

_STOPS = ((64, 170, 70), (214, 176, 40), (222, 60, 52))


def between(stops: tuple[tuple[int, int, int], ...], place: float) -> tuple[int, int, int]:
    """The colour at ``place``, 0 to 1, of a run through ``stops``."""
    along = place * (len(stops) - 1)
    first = min(int(along), len(stops) - 2)
    part = along - first
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(stops[first], stops[first + 1], strict=True))
    return red, green, blue


_BASIC = (2, 2, 2, 3, 3, 3, 9, 9)

THEME = Theme(
    "traffic",
    {
        **COLOURS,
        Role.UP: Colour(64, 170, 70, 2),
        Role.WARN: Colour(214, 176, 40, 3),
        Role.DOWN: Colour(222, 60, 52, 9),
        **{Role.HEAT0 + n: Colour(*between(_STOPS, n / (HEATS - 1)), _BASIC[n]) for n in range(HEATS)},
    },
)
