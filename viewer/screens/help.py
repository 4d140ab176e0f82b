"""What the keys do on the screen one came from, and what the signs mean. Pure."""

from __future__ import annotations

from viewer import commands, keys
from viewer.canvas import Pane, Span
from viewer.palette import BOLD, Role
from viewer.panel import panel
from viewer.scene import SIGNS, Scene, state_role

_SIGNS_TEXT = {
    "up": "its readings are fresh",
    "down": "silent beyond its limit, or failing its checks",
    "degraded": "a service that answers, but not well",
    "stale": "it talks, but its readings are old",
    "unknown": "never seen",
}


def draw(scene: Scene, pane: Pane) -> None:
    """Draw the screen."""
    lines = _lines(scene.model.before_help)
    inner_height = max(1, pane.height - 2)
    scene.scrolled = top = max(0, min(scene.model.scroll, len(lines) - inner_height))
    foot: list[Span] = []
    if len(lines) > inner_height:
        foot.append((f"↑↓ lines {top + 1}–{min(len(lines), top + inner_height)} of {len(lines)}", Role.SOFT))
    inner = panel(pane, f"Help for {scene.model.before_help.capitalize()}", [("Esc: back", Role.ACCENT)], foot=foot)
    for y, spans in enumerate(lines[top : top + inner.height]):
        inner.spans(1, y, spans)


def _lines(screen: str) -> list[list[Span]]:
    found: list[list[Span]] = []
    for binding in keys.on(screen):
        names = " ".join(keys.shown(key) for key in binding.keys)
        found.append([(names.ljust(14), Role.ACCENT | BOLD), (binding.text, Role.TEXT)])
    found += [[], [("While a filter is typed", BOLD)]]
    found += [[(key.ljust(14), Role.ACCENT | BOLD), (text, Role.TEXT)] for key, text in keys.TYPED]
    found += [[], [("While a command or an answer is typed", BOLD)]]
    found += [[(key.ljust(14), Role.ACCENT | BOLD), (text, Role.TEXT)] for key, text in keys.ASKED]
    found += [[], [("Commands", BOLD)]]
    found += [
        [(f":{one.form} ".ljust(30), Role.ACCENT | BOLD), (one.text, Role.TEXT)] for one in commands.COMMANDS.values()
    ]
    found += [[], [("Signs", BOLD)]]
    for state, sign in SIGNS.items():
        found.append([(f"{sign} {state}".ljust(14), state_role(state) | BOLD), (_SIGNS_TEXT[state], Role.TEXT)])
    found.append([("grey".ljust(14), Role.STALE), ("numbers that are no longer current", Role.TEXT)])
    found += [[], [("Charts", BOLD)]]
    found.append([("A gap is time without readings. Dots above an area are the highest readings.", Role.TEXT)])
    return found
