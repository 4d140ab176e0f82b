"""Colours by what they mean, for terminals with none, 16, 256 or all of them. Pure.

The hues are those of Okabe and Ito, which people who confuse red and green can tell apart. All are of middle
lightness, so that they can be read on a dark and on a light background; plain text keeps the terminal's own
colour. No state is told by colour alone: words and signs stand beside it. Other themes stand in ``viewer.themes``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple


class Role(IntEnum):
    """What a cell's colour means."""

    TEXT = 0
    SOFT = 1
    """Labels and whatever is not the news."""
    LINE = 2
    """Frames and axes."""
    TITLE = 3
    ACCENT = 4
    """Keys, and what is chosen."""
    UP = 5
    WARN = 6
    DOWN = 7
    UNKNOWN = 8
    STALE = 9
    """Values that are no longer current."""
    MEMORY = 10
    SWAP = 11
    INWARD = 12
    """Received or read."""
    OUTWARD = 13
    """Sent or written."""
    HEAT0 = 14
    """From here to HEAT7: little to much."""
    HEAT7 = 21
    SERIES0 = 22
    """From here to SERIES5: lines that share a chart."""
    SERIES5 = 27
    FIRING = 28
    """Behind a chart, while an alarm fires."""


BOLD = 0x100
BAR = 0x200
"""On the bar that marks the chosen line."""

HEATS = 8
SERIES = 6


class Colour(NamedTuple):
    """A colour, and the nearest of the 16 that every terminal knows (-1: the terminal's own)."""

    red: int
    green: int
    blue: int
    basic: int


OWN = Colour(0, 0, 0, -1)
"""The terminal's own."""

COLOURS: dict[int, Colour] = {
    Role.TEXT: OWN,
    Role.SOFT: Colour(138, 143, 152, 8),
    Role.LINE: Colour(108, 114, 126, 8),
    Role.TITLE: OWN,
    Role.ACCENT: Colour(46, 155, 218, 6),
    Role.UP: Colour(0, 168, 125, 2),
    Role.WARN: Colour(224, 156, 18, 3),
    Role.DOWN: Colour(226, 87, 40, 9),
    Role.UNKNOWN: Colour(148, 128, 190, 5),
    Role.STALE: Colour(128, 133, 142, 8),
    Role.MEMORY: Colour(188, 110, 168, 5),
    Role.SWAP: Colour(206, 128, 44, 3),
    Role.INWARD: Colour(58, 160, 222, 6),
    Role.OUTWARD: Colour(188, 110, 168, 5),
    Role.FIRING: Colour(128, 66, 48, 1),
    **{
        Role.HEAT0 + step: colour
        for step, colour in enumerate(
            (
                Colour(38, 128, 190, 4),
                Colour(44, 146, 196, 6),
                Colour(40, 162, 180, 6),
                Colour(48, 168, 142, 2),
                Colour(150, 168, 62, 3),
                Colour(222, 164, 30, 3),
                Colour(228, 124, 34, 9),
                Colour(224, 82, 48, 9),
            )
        )
    },
    **{
        Role.SERIES0 + place: colour
        for place, colour in enumerate(
            (
                Colour(58, 160, 222, 6),
                Colour(224, 140, 30, 3),
                Colour(0, 168, 125, 2),
                Colour(188, 110, 168, 5),
                Colour(160, 150, 40, 11),
                Colour(224, 92, 60, 9),
            )
        )
    },
}


_BAR_BACK = Colour(30, 62, 96, 4)
_BAR_TEXT = Colour(255, 255, 255, 15)


@dataclass(frozen=True, slots=True)
class Theme:
    """A colour for each role, and for the bar that marks the chosen line."""

    name: str
    colours: Mapping[int, Colour]
    bar_back: Colour = _BAR_BACK
    bar_text: Colour = _BAR_TEXT
    background: Colour | None = None
    """Behind everything; None keeps the terminal's own."""

    @property
    def bar_stale(self) -> Colour:
        """What is no longer current, on the bar: half way from its text to its back."""
        text, back = self.bar_text, self.bar_back
        return Colour((text.red + back.red) // 2, (text.green + back.green) // 2, (text.blue + back.blue) // 2, 7)


OKABE = Theme("okabe", COLOURS)
"""The usual one, for eyes of every kind."""

_LEVELS = (0, 95, 135, 175, 215, 255)


def heat(fraction: float) -> int:
    """The role for so much of the whole, 0 to 1."""
    return Role.HEAT0 + max(0, min(HEATS - 1, int(fraction * HEATS)))


class Palette:
    """Turns a style into the escape sequence that sets it; ``colours`` is how many the terminal has."""

    def __init__(self, colours: int, theme: Theme = OKABE) -> None:
        self.colours = colours
        self.theme = theme
        self._known: dict[int, str] = {}

    def sequence(self, style: int) -> str:
        """The sequence that sets exactly this style, whatever was set before."""
        found = self._known.get(style)
        if found is None:
            found = self._known[style] = f"\x1b[{';'.join(self._codes(style))}m"
        return found

    def _codes(self, style: int) -> list[str]:
        codes = ["0"]
        if style & BOLD:
            codes.append("1")
        theme = self.theme
        colour = theme.colours.get(style & 0xFF, OWN)
        if self.colours < 8:
            # NO_COLOR forbids colour, not contrast.
            dim = ["2"] if style & 0xFF == Role.STALE else []
            return [*codes, *dim, *(["7"] if style & BAR else [])]
        if style & BAR:
            codes.append(self._code(theme.bar_back, back=True))
            dull = (-1, 8) if self.colours > 16 else (-1, 8, theme.bar_back.basic)
            if style & 0xFF == Role.STALE:
                colour = theme.bar_stale
            elif colour.basic in dull:
                colour = theme.bar_text
        elif theme.background is not None:
            codes.append(self._code(theme.background, back=True))
        if colour.basic >= 0:
            codes.append(self._code(colour, back=False))
        return codes

    def _code(self, colour: Colour, *, back: bool) -> str:
        if self.colours > 256:
            return f"{48 if back else 38};2;{colour.red};{colour.green};{colour.blue}"
        if self.colours == 256:
            return f"{48 if back else 38};5;{nearest(colour)}"
        # Eight colours have no bright ones; they become their plain sisters, grey becomes white.
        basic = colour.basic if self.colours >= 16 else {8: 7}.get(colour.basic, colour.basic % 8)
        return str((100 if back else 90) + basic - 8 if basic >= 8 else (40 if back else 30) + basic)


def _nearest_level(part: int) -> int:
    return min(range(6), key=lambda level: abs(_LEVELS[level] - part))


BASICS = (
    *((0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229)),
    *((127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255)),
    (255, 255, 255),
)
"""The 16 colours as xterm has them; others differ a little."""


def basic(red: int, green: int, blue: int) -> int:
    """The one of the 16 that is nearest."""
    parts = (red, green, blue)
    return min(range(16), key=lambda n: sum((a - b) ** 2 for a, b in zip(BASICS[n], parts, strict=True)))


def nearest(colour: Colour) -> int:
    """The one of the 256 that is nearest: from the cube or from the ramp of greys."""
    parts = (colour.red, colour.green, colour.blue)
    cube = [_nearest_level(part) for part in parts]
    grey = max(0, min(23, round((sum(parts) / 3 - 8) / 10)))
    in_cube = sum((_LEVELS[level] - part) ** 2 for level, part in zip(cube, parts, strict=True))
    in_greys = sum((8 + 10 * grey - part) ** 2 for part in parts)
    return 232 + grey if in_greys < in_cube else 16 + 36 * cube[0] + 6 * cube[1] + cube[2]
