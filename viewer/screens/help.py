"""What the keys do on the screen one came from, and what the signs mean. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from viewer import commands, keys
from viewer.canvas import Pane, Span
from viewer.cells import width, wrapped
from viewer.palette import BOLD, Role
from viewer.panel import panel
from viewer.scene import SIGNS, Scene, state_role

COLUMN = 80
"""Columns from which on the lines go on beside the first ones."""
_SIGNS_TEXT = {
    "up": "its readings are fresh",
    "down": "silent beyond its limit, or failing its checks",
    "degraded": "a service that answers, but not well",
    "stale": "it talks, but its readings are old",
    "unknown": "never seen",
}


def draw(scene: Scene, pane: Pane) -> None:
    """Draw the screen."""
    across = max(1, (pane.width - 2) // COLUMN)
    wide = (pane.width - 2) // across
    lines = _lines(scene.model.before_help, wide - 2)
    high = max(1, pane.height - 2)
    room = high * across
    scene.scrolled = top = max(0, min(scene.model.scroll, len(lines) - room))
    foot: list[Span] = []
    if len(lines) > room:
        foot.append((f"↑↓ lines {top + 1}–{min(len(lines), top + room)} of {len(lines)}", Role.SOFT))
    inner = panel(pane, f"Help for {scene.model.before_help.capitalize()}", [("Esc: back", Role.ACCENT)], foot=foot)
    for place, spans in enumerate(lines[top : top + room]):
        inner.part(place // high * wide, place % high, wide, 1).spans(1, 0, spans)


def _lines(screen: str, wide: int) -> list[list[Span]]:
    bound = [(" ".join(keys.shown(key) for key in one.keys), one.text) for one in keys.on(screen)]
    found = _listed(bound, wide)
    found += [[], *_text("While a filter is typed", wide, BOLD), *_listed(keys.TYPED, wide)]
    found += [[], *_text("While a command or an answer is typed", wide, BOLD), *_listed(keys.ASKED, wide)]
    told = [(f":{one.form}", one.text) for one in commands.COMMANDS.values()]
    found += [[], [("Commands", BOLD)], *_listed(told, wide, 30)]
    found += [[], [("Signs", BOLD)]]
    for state, sign in SIGNS.items():
        found += _listed([(f"{sign} {state}", _SIGNS_TEXT[state])], wide, style=state_role(state) | BOLD)
    found += _listed([("grey", "numbers that are no longer current")], wide, style=Role.STALE)
    found += [[], [("Charts", BOLD)]]
    return found + _text("A gap is time without readings. Dots above an area are the highest readings.", wide)


def _text(text: str, wide: int, style: int = Role.TEXT) -> list[list[Span]]:
    return [[(line, style)] for line in wrapped(text, wide)]


def _listed(
    rows: Sequence[tuple[str, str]], wide: int, first: int = 14, style: int = Role.ACCENT | BOLD
) -> list[list[Span]]:
    """Two columns; where what is listed leaves no room for its text, the text stands below it."""
    found: list[list[Span]] = []
    indent = first if wide >= 2 * first else min(first, 14)
    for name, text in rows:
        pieces = wrapped(text, max(10, wide - indent))
        if width(name) >= indent:
            found.append([(name, style)])
        else:
            found.append([(f"{name}{' ' * (indent - width(name))}", style), (pieces.pop(0), Role.TEXT)])
        found += [[(" " * indent, Role.TEXT), (piece, Role.TEXT)] for piece in pieces]
    return found
