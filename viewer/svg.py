"""A picture as SVG, for pages: the same cells, colours and letters as in the terminal. Pure."""

from __future__ import annotations

from xml.sax.saxutils import escape

from viewer.canvas import Canvas
from viewer.palette import BAR, BOLD, OKABE, OWN, Colour, Theme

WIDE, HIGH = 8.4, 18.0
"""Pixels of a cell."""
SIZE = 14
PAPER, INK = Colour(22, 24, 29, 0), Colour(214, 217, 222, 7)
"""What stands for a terminal's own colours."""
_FONTS = "'DejaVu Sans Mono', 'Cascadia Mono', Menlo, Consolas, monospace"


def svg(canvas: Canvas, theme: Theme = OKABE) -> str:
    """The picture as one SVG element with a dark background."""
    wide, high = canvas.width * WIDE + 16, canvas.height * HIGH + 16
    paper = theme.background or PAPER
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:g} {high:g}" font-size="{SIZE}" '
        f'font-family="{_FONTS}" xml:space="preserve">',
        f'<rect width="100%" height="100%" rx="8" fill="{_hex(paper)}"/>',
    ]
    for y in range(canvas.height):
        texts, styles = canvas.texts[y], canvas.styles[y]
        x = 0
        while x < canvas.width:
            end = x + 1
            while end < canvas.width and styles[end] == styles[x]:
                end += 1
            lines += _run("".join(texts[x:end]), styles[x], x, y, end - x, theme)
            x = end
    return "\n".join([*lines, "</svg>"]) + "\n"


def _run(text: str, style: int, x: int, y: int, cells: int, theme: Theme) -> list[str]:
    found = []
    left, top, long = 8 + x * WIDE, 8 + y * HIGH, cells * WIDE
    colour = theme.colours.get(style & 0xFF, OWN)
    ink = INK if colour.basic < 0 else colour
    if style & BAR:
        found.append(
            f'<rect x="{left:g}" y="{top:g}" width="{long:g}" height="{HIGH:g}" fill="{_hex(theme.bar_back)}"/>'
        )
        ink = theme.bar_text if colour.basic in (-1, 8) else colour
    bare = text.strip()
    if bare:
        begin = left + (len(text) - len(text.lstrip())) * WIDE
        long = (cells - (len(text) - len(text.strip()))) * WIDE
        weight = ' font-weight="bold"' if style & BOLD else ""
        found.append(
            f'<text x="{begin:g}" y="{top + HIGH * 0.76:g}" textLength="{long:g}" lengthAdjust="spacingAndGlyphs" '
            f'fill="{_hex(ink)}"{weight}>{escape(bare)}</text>'
        )
    return found


def _hex(colour: Colour) -> str:
    return f"#{colour.red:02x}{colour.green:02x}{colour.blue:02x}"
