"""The test card: what this terminal makes of our characters and colours, so that a person can choose. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from viewer.canvas import Canvas
from viewer.charts import DOTS, PERCENT, Glyphs, area, spark
from viewer.palette import BAR, BOLD, HEATS, SERIES, Role
from viewer.scene import SIGNS, state_role

WIDE = 72
SETS: tuple[Glyphs, ...] = ("braille", "block", "tty", "ascii")
_ADVICE: dict[Glyphs, str] = {
    "braille": "finest; wants a font with braille",
    "block": "eighths of blocks",
    "tty": "a text console's 256 characters",
    "ascii": "for anything",
}
_METERS: dict[Glyphs, str] = {"tty": "■■■■────────────|", "ascii": "====------------|"}


def card(chosen: Glyphs, found: Sequence[tuple[str, str]], *, utf8: bool) -> Canvas:
    """Every set of symbols, every colour, and what was found out about the terminal (``found``: name, value)."""
    canvas = Canvas(WIDE, 9 + len(found) + 4 * len(SETS), plain=not utf8)
    pane = canvas.pane()
    y = 0
    pane.put(0, y, "Guardia's test card", BOLD)
    for name, value in found:
        y += 1
        pane.put(2, y, name.ljust(12), Role.SOFT)
        pane.put(14, y, value)
    y += 2
    pane.put(0, y, "Take the first set in which the wave is a wave and the edge is straight:", Role.SOFT)
    for glyphs in SETS:
        y += 1
        mark = " (chosen)" if glyphs == chosen else ""
        pane.put(2, y, f"symbols = {glyphs!r}{mark}".replace("'", '"'), BOLD if mark else 0)
        pane.put(36, y, _ADVICE[glyphs], Role.SOFT)
        if not utf8 and glyphs != "ascii":
            pane.put(2, y + 1, "this locale is not UTF-8: set LANG=C.UTF-8", Role.WARN)
            y += 3
            continue
        across = DOTS[glyphs][0]
        wave = [50 + 45 * math.sin(x / across / 3) for x in range(28 * across)]
        for row in area(wave, 28, 2, PERCENT, glyphs):
            y += 1
            pane.put(2, y, f"{row}|", Role.ACCENT)
        pane.put(36, y - 1, spark([x * 100 / 15 for x in range(16)], 16, PERCENT, glyphs) + "|", Role.UP)
        pane.put(36, y, _METERS.get(glyphs, "━━━━╸───────────|"), Role.MEMORY)
        y += 1
    y += 1
    x = 2
    for state, sign in SIGNS.items():
        x = pane.put(x, y, f"{sign} {state}", state_role(state) | BOLD) + 2
    pane.put(x, y, "grey: no longer current", Role.STALE)
    y += 1
    for step in range(HEATS):
        pane.put(2 + 2 * step, y, "██", Role.HEAT0 + step)
    for place in range(SERIES):
        pane.put(22 + 3 * place, y, "━━", Role.SERIES0 + place)
    pane.put(42, y, " the chosen line ", BAR)
    y += 2
    pane.put(0, y, "`symbols` and `theme` stand in ~/.config/guardia/viewer.toml", Role.SOFT)
    return canvas
